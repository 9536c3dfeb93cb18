"""How a model is fitted, and the one loop that does it: AdamW, one cycle of the learning rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from audit.config import FitConfig
from audit.data.base import ArraySource, Source
from audit.data.loader import Views, batches
from audit.device import pick_device
from audit.models.preprocessing import normalise
from audit.records import Batch

__all__ = ["Opened", "Recipe", "train"]

Opened = Source | ArraySource


@dataclass(frozen=True)
class Recipe:
    """A model with its first weights, the rows to read, and what it is to get right.

    ``loss`` is told the inputs, float B×3×H×W, and ``index``, int64[B], their rows; it gives the
    loss to minimise and a bool for each thing judged. ``epochs`` and ``batch_size`` hold where the
    configuration names none.
    """

    module: nn.Module
    indices: np.ndarray  # int64[N]
    loss: Callable[[Tensor, np.ndarray], tuple[Tensor, Tensor]]
    rate: float  # the highest learning rate
    epochs: int
    batch_size: int
    judged: str  # what a share of them is right
    classes: tuple[str, ...] | None = None
    words: tuple[str, ...] | None = None


def train(recipe: Recipe, views: Views, config: FitConfig) -> float:
    """Train in place; returns the share of what the last pass judged that was right."""
    device = pick_device(config.device)
    module = recipe.module.to(device).to(memory_format=torch.channels_last).train()
    epochs = config.epochs or recipe.epochs
    batch_size = config.batch_size or recipe.batch_size
    steps = epochs * -(-len(recipe.indices) // batch_size)
    optimiser = torch.optim.AdamW(module.parameters(), lr=recipe.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=recipe.rate, total_steps=steps)
    right = seen = 0
    for epoch, batch in _passes(views, recipe.indices, epochs, batch_size, config):
        right, seen = (right, seen) if epoch == epochs - 1 else (0, 0)
        inputs = normalise(batch.view_on(device), views.preprocessing)
        loss, good = recipe.loss(inputs, batch.index)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        right += int(good.sum())
        seen += len(good)
    module.to("cpu").eval()
    return right / seen


def _passes(
    views: Views, indices: np.ndarray, epochs: int, batch_size: int, config: FitConfig
) -> Iterator[tuple[int, Batch]]:
    """Every batch of every epoch with the epoch's number, each epoch in its own seeded order."""
    rng = np.random.default_rng(config.seed)
    with tqdm(total=epochs * len(indices), unit="img", desc="fit", disable=None) as bar:
        for epoch in range(epochs):
            order = rng.permutation(indices)
            for batch in batches(views, order, batch_size, config.workers):
                yield epoch, _readable(batch)
                bar.update(len(batch))


def _readable(batch: Batch) -> Batch:
    """The batch without the images that could not be read."""
    if batch.readable.all():
        return batch
    keep = np.flatnonzero(batch.readable)
    return replace(batch, pixels=batch.pixels[torch.from_numpy(keep)], index=batch.index[keep])
