"""A short reference fit: a classifier good enough to audit, from a dataset's train split.

Not a training framework: one recipe (Adam, one-cycle learning rate, cross-entropy), no
augmentation, so that what the images teach, shortcuts included, is what the model learns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from audit.config import FitConfig
from audit.data.base import ArraySource, Source
from audit.data.catalogue import open_source
from audit.data.loader import Views, batches, view_size
from audit.device import pick_device
from audit.errors import ConfigError, DataError
from audit.models.architectures import build_module
from audit.models.preprocessing import normalise, parse_overrides
from audit.models.sidecar import Sidecar, write_checkpoint
from audit.models.target_layer import default_target_layer
from audit.records import Batch, Preprocessing

__all__ = ["fit", "reference_checkpoint"]

_RATE = 1e-2
_MEAN, _STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def fit(config: FitConfig, say: Callable[[str], object] = lambda _line: None) -> Path:
    """Fit ``config.model`` on ``config.dataset`` and write weights and JSON; returns the weights.

    The JSON holds the classes, the preprocessing and the target layer, so that ``cam-audit run
    --checkpoint`` needs nothing else. Raises ConfigError for a bad option and DataError where the
    dataset has no two classes to learn from.
    """
    _check(config)
    source = open_source(config.dataset, config.data_root, config.split)
    views, indices = _views(source, config)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        module = build_module(config.model, len(source.listing.classes))
        accuracy = _train(module, views, indices, config)
    target = config.output or reference_checkpoint(config.data_root, config.dataset, config.model)
    write_checkpoint(target, module, _sidecar(config, module, source, views.preprocessing))
    say(
        f"fitted {config.model} on {len(indices)} images of {config.dataset} {config.split}: "
        f"{accuracy:.1%} right in the last pass"
    )
    return target


def reference_checkpoint(data_root: Path, dataset: str, model: str) -> Path:
    """Where ``cam-audit fit`` keeps a dataset's reference classifier."""
    name = "".join(c if c.isalnum() else "-" for c in dataset)
    return data_root / "models" / name / f"{model}.safetensors"


def _check(config: FitConfig) -> None:
    for name, low in {"epochs": 1, "batch_size": 2, "seed": 0, "workers": 0}.items():
        value = getattr(config, name)
        if value is not None and value < low:
            flag = name.replace("_", "-")
            raise ConfigError(f"--{flag} {value}: a whole number of at least {low} is needed")
    if config.output is not None and config.output.suffix != ".safetensors":
        raise ConfigError(f"--output {config.output}: the name must end in .safetensors")


def _views(source: Source | ArraySource, config: FitConfig) -> tuple[Views, np.ndarray]:
    listing = source.listing
    indices = np.flatnonzero(listing.labels >= 0)
    if len(set(listing.labels[indices].tolist())) < 2:  # noqa: PLR2004 - nothing to tell apart
        raise DataError(f"{config.dataset} {config.split} has fewer than two labelled classes")
    asked = parse_overrides(config.input_size)
    wanted = Preprocessing(asked.resize, asked.crop, _MEAN, _STD, source="cam-audit fit")
    size = view_size(source, indices, wanted)
    return Views(source, wanted, size, regions=None), indices


def _train(module: nn.Module, views: Views, indices: np.ndarray, config: FitConfig) -> float:
    """Train in place; returns the share of the last pass's images that were classified right."""
    device = pick_device(config.device)
    module.to(device).to(memory_format=torch.channels_last).train()
    steps = config.epochs * -(-len(indices) // config.batch_size)
    optimiser = torch.optim.AdamW(module.parameters(), lr=_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=_RATE, total_steps=steps)
    right = seen = 0
    for epoch, batch in _passes(views, indices, config):
        right, seen = (right, seen) if epoch == config.epochs - 1 else (0, 0)
        labels = torch.from_numpy(batch.label).to(device)
        logits = module(normalise(batch.view_on(device), views.preprocessing))
        optimiser.zero_grad()
        torch.autograd.backward(F.cross_entropy(logits, labels))
        optimiser.step()
        schedule.step()
        right += int((logits.argmax(1) == labels).sum())
        seen += len(labels)
    module.to("cpu").eval()
    return right / seen


def _passes(views: Views, indices: np.ndarray, config: FitConfig) -> Iterator[tuple[int, Batch]]:
    """Every batch of every epoch with the epoch's number, each epoch in its own seeded order."""
    rng = np.random.default_rng(config.seed)
    total = config.epochs * len(indices)
    with tqdm(total=total, unit="img", desc="fit", disable=None) as bar:
        for epoch in range(config.epochs):
            order = rng.permutation(indices)
            for batch in batches(views, order, config.batch_size, config.workers):
                yield epoch, _readable(batch)
                bar.update(len(batch))


def _readable(batch: Batch) -> Batch:
    """The batch without the images that could not be read."""
    if batch.readable.all():
        return batch
    keep = np.flatnonzero(batch.readable)
    return replace(batch, pixels=batch.pixels[torch.from_numpy(keep)], label=batch.label[keep])


def _sidecar(
    config: FitConfig, module: nn.Module, source: Source | ArraySource, used: Preprocessing
) -> Sidecar:
    return Sidecar(
        architecture=config.model,
        classes=source.listing.classes,
        preprocessing=used,
        target_layer=default_target_layer(config.model, module),
        trained_on=f"{config.dataset} {config.split}",
    )
