"""One batch on the device: forward, both maps, every score, packed into one matrix.

Nothing here leaves the device or looks at a single image; the engine moves the packed matrix once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor

from audit.answers import answered, asked
from audit.explain.forward import Forward, class_map
from audit.map_scores import image_columns, score_map
from audit.models.classifier import Classifier
from audit.models.layout import finest
from audit.nouns import noun_columns
from audit.records import UNCLASSED, Batch
from audit.scores import mass
from audit.target_regions import AnnotatedBatch, Regions
from audit.tasks.base import Answers, Task
from audit.tasks.nouns import Noun, nouns_among

__all__ = ["TOP", "Packed", "Words", "examine", "unpack"]

TOP = 5
_NO_LOSS = -1e29  # below it the true answer is one that the model cannot give

_Layout: TypeAlias = tuple[tuple[str, int | None], ...]
_Figures: TypeAlias = tuple[Tensor, _Layout]
_Matrix = TypeVar("_Matrix", np.ndarray, Tensor)


@dataclass(frozen=True)
class Packed:
    """Every figure of a batch as one float32 matrix; ``layout`` names runs of its columns.

    Class numbers below 2²⁴ and the maps' bytes are exact in float32. ``said`` are the true and the
    predicted answer in words, where they are no classes.
    """

    matrix: Tensor  # B×W
    layout: _Layout  # name, width; None: one figure an image
    said: tuple[tuple[str | None, str], ...] | None = None
    words: Words | None = None


@dataclass(frozen=True)
class Words:
    """The nouns of a batch's captions, and their figures packed in the same way."""

    nouns: tuple[Noun, ...]
    matrix: Tensor  # n×W
    layout: _Layout


def unpack(matrix: _Matrix, layout: _Layout) -> dict[str, _Matrix]:
    """Name → float32[B] (width None) or float32[B×width], as views of ``matrix``."""
    ends = np.cumsum([width or 1 for _, width in layout])
    return {
        name: matrix[:, end - 1] if width is None else matrix[:, end - width : end]
        for (name, width), end in zip(layout, ends, strict=True)
    }


def examine(
    batch: Batch,
    classifier: Classifier,
    task: Task,
    method: str,
    device: torch.device,
    *,
    dtype: torch.dtype = torch.float32,
) -> Packed:
    """Ask the model about a batch, explain the true and the predicted answer, score both maps.

    ``method`` is one of ``audit.explain.methods.METHODS``; the model computes in ``dtype``.
    Without a true answer the predicted one stands in for it; the rows null it.
    """
    view = batch.view_on(device)
    label = torch.as_tensor(batch.label, device=device)
    found = answered(classifier, task, view, asked(view, batch.texts, label), dtype)
    answers, size = found.answers, (view.shape[-2], view.shape[-1])
    annotated = AnnotatedBatch.of(batch, size, finest(found.ran.layouts), device)
    nouns = tuple(nouns_among(answers.words, task.nouns))
    words = noun_columns(found, nouns, annotated, method) if nouns else None
    maps = _maps(found.ran, answers.true, answers.predicted, method)
    with torch.no_grad():
        of_maps = _map_figures(maps, annotated, *_classes_of(answers))
    matrix, layout = _beside(_pack(_answer_columns(answers)), *of_maps)
    packed = None if words is None else Words(nouns, *_pack(words))
    return Packed(matrix, layout, answers.said, packed)


def _classes_of(answers: Answers) -> tuple[Tensor, Tensor]:
    """The classes whose objects the true and the predicted answer are judged by.

    Texts are of no class: they are about the objects that the dataset marks as theirs.
    """
    if answers.said is None:
        return answers.true, answers.predicted
    none = torch.full_like(answers.true, UNCLASSED)
    return none, none


@dataclass(frozen=True)
class _Maps:
    """Raw maps: the true class's of every image, the predicted one's where it is another."""

    true: Tensor  # B×h×w
    pred: Tensor  # D×h×w
    differ: Tensor | None  # int64[D]: which images; None where there is none


def _maps(ran: Forward, true: Tensor, predicted: Tensor, method: str) -> _Maps:
    """The second gradient is taken only where some image needs it."""
    differ = (true != predicted).nonzero()[:, 0]
    first = class_map(ran, true, method, last=not len(differ))
    if not len(differ):
        return _Maps(first, first[:0], None)
    second = class_map(ran, predicted, method, last=True)
    return _Maps(first, second[differ], differ)


def _answer_columns(answers: Answers) -> dict[str, Tensor]:
    log_probability, probability = answers.log_probability, answers.log_probability.exp()
    true, predicted = answers.true[:, None], answers.predicted[:, None]
    own = log_probability.gather(1, true)[:, 0]
    columns = {
        "finite": torch.isfinite(answers.scores.detach()).all(dim=1),
        "true": answers.true,
        "pred": answers.predicted,
        "true_probability": probability.gather(1, true)[:, 0],
        "pred_probability": probability.gather(1, predicted)[:, 0],
        "loss": torch.where(own > _NO_LOSS, -own, torch.nan),
    }
    if answers.said is not None:  # the columns are no alternatives: nothing to rank or to weigh
        return columns
    top = probability.topk(min(TOP, probability.shape[1]), dim=1)
    return columns | {
        "entropy": torch.special.entr(probability).sum(dim=1),
        "topk_class": top.indices,
        "topk_probability": top.values,
    }


def _map_figures(
    maps: _Maps, annotated: AnnotatedBatch, label: Tensor, predicted: Tensor
) -> tuple[_Figures, ...]:
    """Both targets' scores; the predicted answer's apart only where it is not the true one.

    ``label`` and ``predicted`` are the classes whose objects they are judged by, int64[B].
    """
    regions = Regions.of(annotated, label, label)
    image, cams, both, n = image_columns(regions), maps.true, regions, len(label)
    if maps.differ is not None:  # all maps at once: a device is idle between small steps
        of_pred = _regions_of_other(annotated, regions, label, predicted, maps.differ)
        cams, both = torch.cat([cams, maps.pred]), regions.joined(of_pred)
    figures, layout = _pack(_target_columns(cams, both))
    scored = unpack(figures, layout)["cam_status"] == 0
    true = pred = figures[:n]
    agreement = torch.where(scored[:n], 1.0, torch.nan)
    if maps.differ is not None:
        pred = true.index_copy(0, maps.differ, figures[n:])
        shared = mass.agreement(maps.true[maps.differ], maps.pred)
        of_both = torch.where(scored[:n][maps.differ] & scored[n:], shared, torch.nan)
        agreement = agreement.index_copy(0, maps.differ, of_both)
    image["cam_agreement"] = agreement
    return (
        _pack(image),
        (true, tuple((f"true_{name}", width) for name, width in layout)),
        (pred, tuple((f"pred_{name}", width) for name, width in layout)),
    )


def _regions_of_other(
    annotated: AnnotatedBatch, regions: Regions, label: Tensor, predicted: Tensor, differ: Tensor
) -> Regions:
    """The predicted class's regions where it is not the label: others only if objects have one."""
    if not annotated.told_apart:
        return regions.take(differ)
    return Regions.of(annotated.take(differ), predicted[differ], label[differ])


def _target_columns(cam: Tensor, regions: Regions) -> dict[str, Tensor]:
    return score_map(cam, regions) | {
        "region_basis": regions.basis,
        "region_area": regions.area,
        "guard_area": regions.guard_area,
    }


def _pack(columns: dict[str, Tensor]) -> _Figures:
    flat = [value.float().reshape(len(value), -1) for value in columns.values()]
    layout = tuple(
        (name, None if value.ndim == 1 else value.shape[1]) for name, value in columns.items()
    )
    return torch.cat(flat, dim=1), layout


def _beside(*parts: _Figures) -> _Figures:
    """Figures of the same images as one matrix."""
    matrices, layouts = zip(*parts, strict=True)
    return torch.cat(matrices, dim=1), tuple(chain(*layouts))
