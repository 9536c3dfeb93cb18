"""An image's annotated objects as the model's view shows them, those of one class together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit.data.geometry import View
from audit.records import AnnotatedObject
from audit.regions.boxes import clip, mask_boxes, union_area

__all__ = ["Group", "ignored", "on_view"]

_TOGETHER = 64  # boxes drawn at a time, each on a raster of its own


@dataclass(frozen=True)
class Group:
    """The objects of one class in one image, on the model's view of H×W pixels."""

    label: int
    raster: np.ndarray  # H×W bool: their union
    n_objects: int
    visible: float  # share of the union's area that the view keeps
    boxes: np.ndarray  # n×4: the boxes of those that the view shows, in its pixels


def on_view(objects: Sequence[AnnotatedObject], view: View) -> list[Group]:
    """The objects that are not to be ignored, by class; what has no area in the image is left out.

    A view pixel is in an object when its centre, carried back to the source, is.
    """
    kept = [one for one in objects if not one.ignore and _has_area(one, view)]
    labels = sorted({one.label for one in kept})
    return [_group(label, [one for one in kept if one.label == label], view) for label in labels]


def ignored(objects: Sequence[AnnotatedObject], view: View) -> np.ndarray | None:
    """The union of the areas to ignore on the view (H×W bool); None where there are none."""
    areas = [one for one in objects if one.ignore and _has_area(one, view)]
    return _raster(areas, view) if areas else None


def _group(label: int, objects: Sequence[AnnotatedObject], view: View) -> Group:
    return Group(
        label=label,
        raster=_raster(objects, view),
        n_objects=len(objects),
        visible=_visible(objects, view),
        boxes=view.boxes_on(np.array([_box(one) for one in objects])),
    )


def _has_area(one: AnnotatedObject, view: View) -> bool:
    if one.mask is not None:
        return bool(one.mask.any())
    return len(clip(np.array(one.box), _whole(view))) > 0


def _raster(objects: Sequence[AnnotatedObject], view: View) -> np.ndarray:
    boxes = np.array([one.box for one in objects if one.mask is None], dtype=np.float64)
    union = np.zeros((view.height, view.width), dtype=bool)
    for first in range(0, len(boxes), _TOGETHER):
        union |= view.of_boxes(boxes[first : first + _TOGETHER])
    for one in objects:
        if one.mask is not None:
            union |= view.of_mask(one.mask)
    return union


def _visible(objects: Sequence[AnnotatedObject], view: View) -> float:
    """By exact areas where all are boxes, else by the source's pixels."""
    if all(one.mask is None for one in objects):
        boxes = clip(np.array([one.box for one in objects]), _whole(view))
        return union_area(clip(boxes, view.frame)) / union_area(boxes)
    union = _raster(objects, View.of_source(view.source))
    return float(view.inside(union[None]).sum() / max(union.sum(), 1))


def _box(one: AnnotatedObject) -> np.ndarray:
    """The object's box: as annotated, else the one round its mask."""
    if one.box is None and one.mask is not None:
        return np.asarray(mask_boxes(one.mask[None])[0])
    return np.asarray(one.box)


def _whole(view: View) -> tuple[float, float, float, float]:
    return 0.0, 0.0, float(view.source[1]), float(view.source[0])
