"""The sanity checks of one run, on a seeded sample of its images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from audit.answers import answered, asked, true_probability
from audit.data.loader import batches
from audit.engine import views_of
from audit.explain.forward import class_map
from audit.models.preprocessing import normalise
from audit.plan import Plan
from audit.sanity.agreement import rank_correlation, ssim
from audit.sanity.curves import areas
from audit.sanity.estimate import bootstrap_mean
from audit.sanity.randomise import cascade
from audit.sanity.record import Curve, Sanity, Stage, depends
from audit.scores.grid import upsample
from audit.scores.pointing import raster_size
from audit.tasks.base import Asked

__all__ = [
    "Maps",
    "Probability",
    "Sample",
    "ToInput",
    "check",
    "curves",
    "maps_of",
    "randomisation",
]

_IMAGES = 64
_GROUP = 8  # images that share one draw of random weights
_AGAINST = "counterfactual"  # its cells speak against the class: no curve is defined for them

#: Raw maps, float B×h×w, by a module, of uint8 views B×3×H×W for what is asked of them.
Maps = Callable[[nn.Module, Tensor, Asked], Tensor]
#: What a module takes, of uint8 views B×3×H×W.
ToInput = Callable[[Tensor], Tensor]
#: Runs a module once on what it takes, for what is asked.
Run = Callable[[nn.Module, Tensor, Asked], object]
#: The probability float[B] of the answer asked for, in uint8 views B×3×H×W.
Probability = Callable[[Asked, Tensor], Tensor]


def _on_images(module: nn.Module, inputs: Tensor, _asking: Asked) -> object:
    return module(inputs)


@dataclass(frozen=True)
class Sample:
    """The images that are checked as the model sees them, and the answer each is checked for.

    ``asked`` says by its label which class that is; of texts, it is the true one.
    In groups of at least two images where the sample has two, on the model's device.
    """

    index: tuple[np.ndarray, ...]  # int64[B]: positions in the dataset
    views: tuple[Tensor, ...]  # uint8 B×3×H×W
    asked: tuple[Asked, ...]


def check(plan: Plan, images: pd.DataFrame) -> Sanity:
    """Check the maps of ``plan``'s model on 64 of its ``images``, or on all that have a map.

    ``images`` has the columns index, pred_class and pred_cam_status. Never raises for what a
    model does when it is copied, re-initialised or shown covered images: such a run is whole but
    for this record, which then says why it is empty.
    """
    rows = images[images["pred_cam_status"].eq("ok").fillna(value=False)]
    if len(rows) < 2:  # noqa: PLR2004 - one image has no interval
        return Sanity(len(rows), unavailable="fewer than two images have a map")
    rows = rows.sample(min(_IMAGES, len(rows)), random_state=plan.config.seed).sort_values("index")
    try:
        return _checked(plan, _sample(plan, rows))
    except Exception as error:
        first = str(error).partition("\n")[0]
        return Sanity(len(rows), unavailable=f"{type(error).__name__}: {first}")


def maps_of(maps: Maps, module: nn.Module, sample: Sample) -> Tensor:
    """Every map of the sample by ``module``, n×h×w on the host."""
    pairs = zip(sample.views, sample.asked, strict=True)
    return torch.cat([maps(module, view, asking).cpu() for view, asking in pairs])


def randomisation(
    before: Tensor,
    maps: Maps,
    module: nn.Module,
    to_input: ToInput,
    sample: Sample,
    *,
    seed: int,
    run: Run = _on_images,
) -> tuple[Stage, ...]:
    """Compare the maps ``before``, n×h×w by ``module``, with those at each stage of ``cascade``.

    Each group of the sample meets random weights of its own, so that no figure hangs on one draw.
    """
    stages: dict[tuple[str, int], list[_Likeness]] = {}
    groups = zip(sample.views, sample.asked, _grouped(before, sample), strict=True)
    for k, (view, asking, own) in enumerate(groups):
        for randomised in cascade(module, to_input(view), (seed, k), partial(_with, run, asking)):
            after = maps(randomised.module, view, asking).cpu()
            found = _compare(own, after, (view.shape[-2], view.shape[-1]))
            stages.setdefault((randomised.down_to, randomised.modules), []).append(found)
    return tuple(_stage(*stage, found, seed) for stage, found in stages.items())


def curves(
    probability: Probability, maps: Tensor, sample: Sample, seed: int
) -> tuple[Curve | None, Curve | None]:
    """Deletion and insertion by ``maps`` n×h×w, each against a random order of the same cells."""
    groups = zip(sample.index, sample.views, sample.asked, _grouped(maps, sample), strict=True)
    found = [
        areas(partial(probability, asking), view, cams.numpy(), index, seed)
        for index, view, asking, cams in groups
    ]
    random = np.concatenate([one.random for one in found])
    deletion = np.concatenate([one.deletion for one in found])
    insertion = np.concatenate([one.insertion for one in found])
    return _curve(deletion, random, seed), _curve(insertion, random, seed)


def _with(run: Run, asking: Asked, module: nn.Module, inputs: Tensor) -> object:
    return run(module, inputs, asking)


def _grouped(maps: Tensor, sample: Sample) -> list[Tensor]:
    """``maps`` n×h×w in the sample's groups."""
    ends = np.cumsum([len(index) for index in sample.index]).tolist()
    return [maps[end - len(index) : end] for index, end in zip(sample.index, ends, strict=True)]


def _sample(plan: Plan, rows: pd.DataFrame) -> Sample:
    """Read the ``rows``' images once more, through the same views as the audit."""
    config, index = plan.config, rows["index"].to_numpy(dtype=np.int64)
    size = -(-len(index) // max(1, len(index) // _GROUP))  # of the groups: no image stays alone
    read = list(batches(views_of(plan), index, size, config.workers))
    chosen = rows["pred_class"].fillna(-1).set_axis(index)
    views = [batch.view_on(plan.device) for batch in read]
    labels = [torch.tensor(chosen.loc[batch.index].tolist(), dtype=torch.int64) for batch in read]
    return Sample(
        index=tuple(batch.index for batch in read),
        views=tuple(views),
        asked=tuple(
            asked(view, batch.texts, label.to(plan.device))
            for view, batch, label in zip(views, read, labels, strict=True)
        ),
    )


def _checked(plan: Plan, sample: Sample) -> Sanity:
    config, module = plan.config, plan.classifier.module
    maps, to_input = partial(_maps, plan), partial(_input, plan)
    before = maps_of(maps, module, sample)
    run = plan.task.ask
    stages = randomisation(before, maps, module, to_input, sample, seed=config.seed, run=run)
    deletion = insertion = None
    if config.method != _AGAINST:
        deletion, insertion = curves(partial(_probability, plan), before, sample, config.seed)
    n = sum(len(index) for index in sample.index)
    # The last layer of a model that reads texts may weigh words alone: then only the whole counts.
    judged = stages if plan.source.listing.texts is None else stages[-1:]
    return Sanity(n, stages, depends(judged), deletion, insertion)


def _input(plan: Plan, view: Tensor) -> Tensor:
    return normalise(view, plan.classifier.preprocessing)


def _maps(plan: Plan, module: nn.Module, view: Tensor, asking: Asked) -> Tensor:
    """The run's own maps, by ``module`` in place of its classifier's."""
    found = answered(replace(plan.classifier, module=module), plan.task, view, asking, plan.dtype)
    return class_map(found.ran, found.answers.true, plan.config.method, last=True)


def _probability(plan: Plan, asking: Asked, view: Tensor) -> Tensor:
    return true_probability(plan.classifier, plan.task, view, asking, plan.dtype)


@dataclass(frozen=True)
class _Likeness:
    """Of each image of a group whose map is still there."""

    order: np.ndarray  # Spearman's r
    structure: np.ndarray  # SSIM
    without_map: int


def _compare(before: Tensor, after: Tensor, view: tuple[int, int]) -> _Likeness:
    kept = _is_map(after)
    first, second = before[kept], after[kept]
    raster = raster_size(view)
    return _Likeness(
        order=rank_correlation(first.flatten(1).numpy(), second.flatten(1).numpy()),
        structure=ssim(
            upsample(_to_unit(first), raster), upsample(_to_unit(second), raster)
        ).numpy(),
        without_map=int((~kept).sum()),
    )


def _stage(name: str, modules: int, found: list[_Likeness], seed: int) -> Stage:
    return Stage(
        stage=name,
        modules=modules,
        without_map=sum(one.without_map for one in found),
        spearman=bootstrap_mean(np.concatenate([one.order for one in found]), seed),
        ssim=bootstrap_mean(np.concatenate([one.structure for one in found]), seed),
    )


def _is_map(maps: Tensor) -> Tensor:
    """Where a map is finite and not zero: bool[n]."""
    flat = maps.flatten(1)
    return torch.isfinite(flat).all(dim=1) & (flat.amax(dim=1) > 0)


def _to_unit(maps: Tensor) -> Tensor:
    return maps / maps.amax(dim=(-2, -1), keepdim=True)


def _curve(area: np.ndarray, random: np.ndarray, seed: int) -> Curve | None:
    known = np.isfinite(area) & np.isfinite(random)
    difference = bootstrap_mean((area - random)[known], seed)
    if difference is None:
        return None
    return Curve(float(area[known].mean()), float(random[known].mean()), difference)
