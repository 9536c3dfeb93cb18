"""The box that a map draws round its object: Grad-CAM's localisation."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from audit.scores.grid import upsample
from audit.scores.pointing import raster_size

__all__ = ["box_ious", "cam_boxes"]

_THRESHOLD = 0.15  # of the maximum: the paper's, for weakly supervised localisation


def box_ious(cams: np.ndarray, boxes: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """IoU of each map's box with the best of its image's boxes, float32[B].

    ``cams`` float32 B×h×w, scaled to their maximum; ``boxes`` B arrays n×4 in pixels of the view,
    which has ``size`` (H, W). NaN where there is no map (NaN or zero) or no box. The map's box is
    read on a raster of at most 64 a side.
    """
    found = np.full(len(cams), np.nan, dtype=np.float32)
    drawn = np.any(cams > 0, axis=(1, 2)).tolist()
    some = [i for i, given in enumerate(boxes) if drawn[i] and len(given)]
    if not some:
        return found
    raster = raster_size(size)
    heat = upsample(torch.from_numpy(cams[some]), raster).numpy()
    scale = np.array([size[1] / raster[1], size[0] / raster[0]] * 2)
    found[some] = _best_ious(cam_boxes(heat) * scale, [boxes[i] for i in some])
    return found


def cam_boxes(heat: np.ndarray) -> np.ndarray:
    """The box (x0, y0, x1, y1; half-open) round each map's largest segment: float64 B×4.

    ``heat`` is B×r×c, each map's maximum > 0. A segment is of pixels ≥ .15 of that maximum, which
    touch at edges or corners; of equal ones the first.
    """
    hot = (heat >= _THRESHOLD * heat.max(axis=(1, 2), keepdims=True)).astype(np.uint8)
    sheet = np.pad(hot, ((0, 0), (0, 1), (0, 0)))  # one above the other, an empty row between
    rows = sheet.shape[1]
    stacked = sheet.reshape(-1, sheet.shape[2])
    segments = cv2.connectedComponentsWithStats(stacked, connectivity=8)[2][1:]  # 0: not hot
    left, top, width, height, area = segments.T.astype(np.float64)
    image = segments[:, cv2.CC_STAT_TOP] // rows
    order = np.lexsort((-area, image))
    largest = order[np.searchsorted(image[order], np.arange(len(heat)))]
    box = np.stack([left, top - image * rows, left + width, top - image * rows + height], axis=1)
    return np.asarray(box[largest])


def _best_ious(box: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """The IoU of each ``box`` (B×4) with the best of its ``others`` (B arrays n×4, n ≥ 1)."""
    n = [len(given) for given in others]
    one, other = np.repeat(box, n, axis=0), np.concatenate(others)
    corner = np.maximum(one[:, :2], other[:, :2])
    both = np.clip(np.minimum(one[:, 2:], other[:, 2:]) - corner, 0, None).prod(axis=1)
    areas = [(each[:, 2:] - each[:, :2]).prod(axis=1) for each in (one, other)]
    return np.maximum.reduceat(both / (areas[0] + areas[1] - both), np.cumsum([0, *n[:-1]]))
