"""What one run will do, settled before the first batch: images, model, label space, view, parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import torch

from audit.choice import choose_classifier, match
from audit.config import RunConfig
from audit.data.base import ArraySource, Source
from audit.data.catalogue import open_source
from audit.data.loader import view_size
from audit.device import pick_device, pick_dtype
from audit.errors import ConfigError
from audit.explain.cost import gradient_share
from audit.explain.methods import method_of
from audit.explain.pooled import check_pooled_head
from audit.models.classifier import Classifier
from audit.models.label_space import LabelSpace
from audit.models.layout import Layout
from audit.models.logits import logits_of
from audit.models.probe import Call, feature_maps, probe
from audit.records import Preprocessing
from audit.region_choice import RegionChoice, asked_regions, choose_regions
from audit.sampling import stratified
from audit.tables.schema import SCORE_VERSION
from audit.tasks.among import Classes
from audit.tasks.base import Task
from audit.tasks.choice import call_of, space_of, task_of

__all__ = ["Plan", "make_plan"]

_PART = 16_384
_SMALL_PART = 256
_PARTS_OF_A_SMALL_SET = 8
_LARGEST_SEED = 2**32 - 1  # what every generator takes
_BATCH, _BATCH_ON_GPU = 64, 512  # images
_COARSE = 4  # a grid this coarse is scored, with a warning


@dataclass(frozen=True)
class Plan:
    """Everything that fixes a run's tables, and what is needed to make them."""

    config: RunConfig
    source: Source | ArraySource
    classifier: Classifier
    space: LabelSpace
    task: Task
    regions: RegionChoice
    device: torch.device
    dtype: torch.dtype  # what the model computes in
    batch_size: int
    size: tuple[int, int]  # height, width of the model's view
    grid: tuple[int, int]  # h, w of the CAM
    layouts: tuple[Layout, ...]  # how each target layer holds its grid
    indices: np.ndarray  # int64[M], ascending: which images
    part_size: int
    warnings: tuple[str, ...]

    @property
    def n_parts(self) -> int:
        """How many parts the images make."""
        return -(-len(self.indices) // self.part_size)

    @property
    def dtype_name(self) -> str:
        """What the model computes in, as ``--dtype`` names it."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def cells(self) -> int:
        """Cells of the CAM's grid."""
        return self.grid[0] * self.grid[1]

    def part(self, k: int) -> np.ndarray:
        """The images of part ``k``: a contiguous range of ``indices``."""
        return self.indices[k * self.part_size : (k + 1) * self.part_size]

    @property
    def asks_questions(self) -> bool:
        """Whether the images come with questions, which are answered by classes."""
        return self.source.listing.texts is not None and bool(self.task.names)

    @cached_property
    def fingerprint(self) -> Mapping[str, str]:
        """What must be equal for two runs to make equal tables, by name; values are hashes."""
        config, listing = self.config, self.source.listing
        options = {
            "split": config.split,
            "limit": config.limit,
            "seed": config.seed,
            "part_size": self.part_size,
            "regions": self.regions.how,
            "view": self.size,
            "target_layer": self.classifier.target_layer,
            "method": config.method,
            "preprocessing": _without_source(self.classifier.preprocessing),
            "label_space": (self.space.names, self.space.groups),
        }
        files = listing.paths if listing.paths is not None else ()
        texts = () if listing.texts is None else ([dict(text) for text in listing.texts],)
        return {
            "model": self.classifier.architecture,
            "weights": self.classifier.weights_hash,
            "score_version": str(SCORE_VERSION),
            "options": _digest(options),
            "device": self.device.type,
            "dtype": self.dtype_name,
            "dataset": _digest(
                config.dataset, listing.classes, files, listing.sizes, listing.labels, *texts
            ),
            "annotations": self.regions.digest,
        }

    def differs(self, theirs: Mapping[str, str]) -> list[str]:
        """The names by which a fingerprint is another than this plan's."""
        ours = self.fingerprint
        return [name for name in ours if theirs.get(name) != ours[name]]

    @cached_property
    def fingerprint_id(self) -> str:
        """The fingerprint as one word."""
        return _digest(dict(self.fingerprint))


def make_plan(config: RunConfig, say: Callable[[str], object] = lambda _line: None) -> Plan:
    """Open the dataset and the model, match them, and measure view and grid.

    ``say`` is told what takes long. Raises ConfigError, DataError or ModelError, each naming what
    to change.
    """
    _check(config)
    source = open_source(config.dataset, config.data_root, config.split)
    listing = source.listing
    indices = stratified(listing.labels, config.limit, config.seed)
    classifier = choose_classifier(config, say)
    device = pick_device(config.device)
    size = view_size(source, indices, classifier.preprocessing)
    call = call_of(classifier.module, listing)
    probed = probe(classifier.module, classifier.target_layers, size, call)
    space = space_of(probed.output, listing, partial(match, config, listing, classifier))
    task = task_of(classifier.module, listing, space)
    _check_method(config.method, classifier, task, size)
    regions = choose_regions(config, source, indices, device, say)
    coarse = _coarse_grid(classifier, size, probed.grid, call)
    classifier.module.to(device).to(memory_format=torch.channels_last)
    return Plan(
        config=config,
        source=source,
        classifier=classifier,
        space=space,
        task=task,
        regions=regions,
        device=device,
        dtype=pick_dtype(config.dtype, device),
        batch_size=config.batch_size or (_BATCH_ON_GPU if device.type == "cuda" else _BATCH),
        size=size,
        grid=probed.grid,
        layouts=probed.layouts,
        indices=indices,
        part_size=_part_size(config.part_size, len(indices)),
        warnings=(
            *source.warnings,
            *classifier.notes,
            *space.notes,
            *coarse,
            *regions.notes,
        ),
    )


def _check_method(method: str, classifier: Classifier, task: Task, size: tuple[int, int]) -> None:
    if method != "cam":
        return
    if not isinstance(task, Classes):
        raise ConfigError(
            "--method cam: CAM explains classifiers alone; --method grad-cam is its generalisation "
            "to any differentiable score"
        )
    module, layers, space = classifier.module, classifier.target_layers, task.space
    check_pooled_head(module, layers, size, lambda output: space.scores(logits_of(output)))


def _check(config: RunConfig) -> None:
    method_of(config.method)
    from_0 = dict.fromkeys(("workers", "max_cases", "seed", "budget"), 0)
    least = from_0 | dict.fromkeys(("batch_size", "part_size", "limit"), 1)
    for name, low in least.items():
        value = getattr(config, name)
        if name == "seed" and value > _LARGEST_SEED:
            raise ConfigError(f"--seed {value}: at most {_LARGEST_SEED}")
        if value is not None and value < low:
            flag = name.replace("_", "-")
            raise ConfigError(f"--{flag} {value}: a whole number of at least {low} is needed")
    asked_regions(config)


def _coarse_grid(
    classifier: Classifier, size: tuple[int, int], grid: tuple[int, int], call: Call
) -> tuple[str, ...]:
    """The one warning of a grid that hardly says where, with the last finer layer's name."""
    if max(grid) > _COARSE:
        return ()
    maps = feature_maps(classifier.module, size, call)
    finer = [(name, h, w) for name, (_, h, w) in maps.items() if min(h, w) > _COARSE]
    what = "a single cell cannot say where" if grid == (1, 1) else "a cell covers much of the view"
    better = _finer_layer(classifier, size, finer[-1], call) if finer else ""
    coarse = (
        f"the maps of {classifier.target_layer} have {grid[0]}×{grid[1]} cells, {what}{better}; a "
        "larger --input-size refines the grid as well"
    )
    return (coarse,)


def _finer_layer(
    classifier: Classifier, size: tuple[int, int], finer: tuple[str, int, int], call: Call
) -> str:
    """What a finer layer gives and costs: its gradient runs through more of the network."""
    module, (layer, height, width) = classifier.module, finer
    more = gradient_share(module, (layer,), size, call)
    more -= gradient_share(module, classifier.target_layers, size, call)
    return (
        f"; --target-layer {layer} has {height}×{width}, and each map costs about {more:.0%} of a "
        "forward more"
    )


def _part_size(asked: int | None, n: int) -> int:
    if asked is not None:
        return asked
    return min(_PART, max(_SMALL_PART, -(-n // _PARTS_OF_A_SMALL_SET)))


def _without_source(preprocessing: Preprocessing) -> str:
    return repr(replace(preprocessing, source=""))


def _digest(*parts: object) -> str:
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            state.update(part.tobytes())
        else:
            state.update(json.dumps(part, default=str).encode())
    return state.hexdigest()
