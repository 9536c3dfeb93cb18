"""Boxes as geometry: exact areas of unions, without a raster."""

from __future__ import annotations

import numpy as np

from audit.records import UNCLASSED, AnnotatedObject

__all__ = ["clip", "clip_each", "mask_boxes", "objects_of", "outside", "union_area"]


def objects_of(boxes: np.ndarray, label: int = UNCLASSED) -> tuple[AnnotatedObject, ...]:
    """One object a box (n×4: x0, y0, x1, y1, half-open), all of class ``label``."""
    return tuple(AnnotatedObject((a, b, c, d), None, label) for a, b, c, d in boxes.tolist())


def mask_boxes(masks: np.ndarray) -> np.ndarray:
    """The box round each mask (n×H×W, none of them empty): n×4 float64, half-open pixels."""
    axes = [np.asarray(masks.any(axis=1)), np.asarray(masks.any(axis=2))]
    first = [axis.argmax(axis=1) for axis in axes]
    last = [axis.shape[1] - axis[:, ::-1].argmax(axis=1) for axis in axes]
    return np.stack([*first, *last], axis=1).astype(np.float64)


def clip(boxes: np.ndarray, frame: tuple[float, float, float, float]) -> np.ndarray:
    """Boxes (n×4: x0, y0, x1, y1, half-open) cut at ``frame`` (x0, y0, x1, y1).

    Returns m×4 float64, m ≤ n: what has no area inside the frame is left out.
    """
    return np.concatenate([np.empty((0, 4)), *clip_each(boxes, frame)])


def clip_each(
    boxes: np.ndarray, frame: tuple[float, float, float, float]
) -> tuple[np.ndarray, ...]:
    """The same of each box apart: n arrays of one row, or of none."""
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    x0, y0, x1, y1 = frame
    cut = np.clip(boxes, [x0, y0, x0, y0], [x1, y1, x1, y1])
    seen = (cut[:, 2] > cut[:, 0]) & (cut[:, 3] > cut[:, 1])
    return tuple(cut[i : i + some] for i, some in enumerate(seen.tolist()))


def outside(box: tuple[float, float, float, float], size: tuple[int, int] | None) -> bool:
    """Whether a box has no area in an image of ``size`` (height, width); False for None."""
    return size is not None and not len(clip(np.array(box), (0, 0, size[1], size[0])))


def union_area(boxes: np.ndarray) -> float:
    """Area in square pixels that the boxes (n×4, x0 < x1, y0 < y1) cover together.

    By a sweep over x: between two neighbouring edges, the same rows are covered throughout.
    """
    ys, row = np.unique(boxes[:, [1, 3]], return_inverse=True)
    row = row.reshape(-1, 2)
    heights = np.diff(ys)
    edges = np.concatenate([boxes[:, 0], boxes[:, 2]])
    change = np.repeat([1, -1], len(boxes))
    depth = np.zeros(len(heights), dtype=np.int64)
    area, last = 0.0, 0.0
    for place in np.argsort(edges, kind="stable"):
        if edges[place] > last:
            area += (edges[place] - last) * heights[depth > 0].sum()
        last = edges[place]
        top, bottom = row[place % len(boxes)]
        depth[top:bottom] += change[place]
    return float(area)
