"""Boxes as geometry: exact areas of unions, without a raster."""

from __future__ import annotations

import numpy as np

from audit.records import UNCLASSED, AnnotatedObject

__all__ = ["clip", "mask_boxes", "objects_of", "union_area"]


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
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    x0, y0, x1, y1 = frame
    cut = np.clip(boxes, [x0, y0, x0, y0], [x1, y1, x1, y1])
    return cut[(cut[:, 2] > cut[:, 0]) & (cut[:, 3] > cut[:, 1])]


def union_area(boxes: np.ndarray) -> float:
    """Area in square pixels that the boxes (n×4, x0 < x1, y0 < y1) cover together.

    By coordinate compression: the boxes' edges cut the plane into at most (2n - 1)² cells, each
    wholly inside or outside of every box.
    """
    if len(boxes) == 0:
        return 0.0
    xs, ys = np.unique(boxes[:, [0, 2]]), np.unique(boxes[:, [1, 3]])
    covered = np.zeros((len(ys) - 1, len(xs) - 1), dtype=bool)
    for x0, y0, x1, y1 in boxes:
        rows = slice(np.searchsorted(ys, y0), np.searchsorted(ys, y1))
        columns = slice(np.searchsorted(xs, x0), np.searchsorted(xs, x1))
        covered[rows, columns] = True
    return float((np.diff(ys)[:, None] * np.diff(xs)[None, :] * covered).sum())
