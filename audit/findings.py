"""One batch on the device: forward, both maps, every score, packed into one matrix.

Nothing here leaves the device or looks at a single image; the engine moves the packed matrix once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audit.answers import answered
from audit.errors import ModelError
from audit.explain.forward import Forward, class_map
from audit.map_scores import image_columns, score_map
from audit.models.classifier import Classifier
from audit.models.label_space import LabelSpace
from audit.records import Batch
from audit.scores import mass
from audit.target_regions import AnnotatedBatch, Regions

__all__ = ["TOP", "Packed", "examine", "unpack"]

TOP = 5


@dataclass(frozen=True)
class Packed:
    """Every figure of a batch as one float32 matrix; ``layout`` names runs of its columns.

    Class numbers below 2²⁴ and the maps' bytes are exact in float32.
    """

    matrix: Tensor  # B×W
    layout: tuple[tuple[str, int | None], ...]  # name, width; None: one figure an image


def unpack(matrix: np.ndarray, layout: tuple[tuple[str, int | None], ...]) -> dict[str, np.ndarray]:
    """Name → float32[B] (width None) or float32[B×width], as views of ``matrix``."""
    ends = np.cumsum([width or 1 for _, width in layout])
    return {
        name: matrix[:, end - 1] if width is None else matrix[:, end - width : end]
        for (name, width), end in zip(layout, ends, strict=True)
    }


def examine(
    batch: Batch,
    classifier: Classifier,
    space: LabelSpace,
    method: str,
    device: torch.device,
    *,
    dtype: torch.dtype = torch.float32,
) -> Packed:
    """Classify a batch, explain the true and the predicted class, and score both maps.

    ``method`` is one of ``audit.explain.methods.METHODS``; the model computes in ``dtype``.
    Without a label the predicted class stands in for the true one; the rows null it.
    """
    view = batch.view_on(device)
    ran = answered(classifier, space, view, dtype)
    scores = ran.scores
    if len(scores) != len(batch):
        raise ModelError(
            f"{classifier.name} gave {len(scores)} rows of scores for {len(batch)} images"
        )
    predicted = scores.detach().argmax(dim=1)
    label = torch.as_tensor(batch.label, device=device)
    true = torch.where(label >= 0, label, predicted)
    maps = _maps(ran, true, predicted, method)
    columns = _class_columns(scores.detach(), true, predicted)
    with torch.no_grad():
        grid = (maps.true.shape[-2], maps.true.shape[-1])
        annotated = AnnotatedBatch.of(batch, (view.shape[-2], view.shape[-1]), grid, device)
        columns |= _map_columns(maps, annotated, true, predicted)
    return _pack(columns)


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


def _class_columns(scores: Tensor, true: Tensor, predicted: Tensor) -> dict[str, Tensor]:
    log_probability = scores.log_softmax(dim=1)
    probability = log_probability.exp()
    top = probability.topk(min(TOP, scores.shape[1]), dim=1)
    return {
        "finite": torch.isfinite(scores).all(dim=1),
        "true": true,
        "pred": predicted,
        "true_probability": probability.gather(1, true[:, None])[:, 0],
        "pred_probability": probability.gather(1, predicted[:, None])[:, 0],
        "entropy": torch.special.entr(probability).sum(dim=1),
        "loss": -log_probability.gather(1, true[:, None])[:, 0],
        "topk_class": top.indices,
        "topk_probability": top.values,
    }


def _map_columns(
    maps: _Maps, annotated: AnnotatedBatch, label: Tensor, predicted: Tensor
) -> dict[str, Tensor]:
    """Both targets' scores; the predicted class's only where it is not the true one."""
    regions = Regions.of(annotated, label, label)
    image, true = image_columns(regions), _target_columns(maps.true, regions)
    pred, agreement = true, torch.where(true["cam_status"] == 0, 1.0, torch.nan)
    if maps.differ is not None:
        of_pred = _regions_of_other(annotated, regions, label, predicted, maps.differ)
        other = _target_columns(maps.pred, of_pred)
        pred = {name: value.index_copy(0, maps.differ, other[name]) for name, value in true.items()}
        scored = (true["cam_status"][maps.differ] == 0) & (other["cam_status"] == 0)
        shared = mass.agreement(maps.true[maps.differ], maps.pred)
        agreement = agreement.index_copy(0, maps.differ, torch.where(scored, shared, torch.nan))
    return {
        **image,
        **{f"true_{name}": value for name, value in true.items()},
        **{f"pred_{name}": value for name, value in pred.items()},
        "cam_agreement": agreement,
    }


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


def _pack(columns: dict[str, Tensor]) -> Packed:
    flat = {name: value.float().reshape(len(value), -1) for name, value in columns.items()}
    layout = tuple(
        (name, None if value.ndim == 1 else value.shape[1]) for name, value in columns.items()
    )
    return Packed(torch.cat(list(flat.values()), dim=1), layout)
