"""The box that a map draws round its object: Grad-CAM's localisation."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from audit.scores.grid import upsample
from audit.scores.pointing import raster_size

__all__ = ["box_ious", "cam_box"]

_THRESHOLD = 0.15  # of the maximum: the paper's, for weakly supervised localisation


def box_ious(cams: np.ndarray, boxes: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """IoU of each map's box with the best of its image's boxes, float32[B].

    ``cams`` float32 B×h×w, scaled to their maximum; ``boxes`` B arrays n×4 in pixels of the view,
    which has ``size`` (H, W). NaN where there is no map (NaN or zero) or no box. The map's box is
    read on a raster of at most 64 a side.
    """
    found = np.full(len(cams), np.nan, dtype=np.float32)
    some = [
        i for i, given in enumerate(boxes) if len(given) and np.nanmax(cams[i], initial=0.0) > 0
    ]
    if not some:
        return found
    raster = raster_size(size)
    heat = upsample(torch.from_numpy(np.ascontiguousarray(cams[some])), raster).numpy()
    scale = np.array([size[1] / raster[1], size[0] / raster[0]] * 2)
    hot = (heat >= _THRESHOLD * heat.max(axis=(1, 2), keepdims=True)).astype(np.uint8)
    for i, one in zip(some, hot, strict=True):
        found[i] = _best_iou(_largest(one) * scale, boxes[i])
    return found


def cam_box(heat: np.ndarray) -> np.ndarray:
    """The box (x0, y0, x1, y1; half-open) round the largest segment of heat ≥ .15 of its maximum.

    ``heat`` is r×c, its maximum > 0; segments touch at edges or corners; of equal ones the first.
    """
    return _largest((heat >= _THRESHOLD * heat.max()).astype(np.uint8))


def _largest(hot: np.ndarray) -> np.ndarray:
    """The box of the largest segment of ``hot``, uint8 r×c with some pixel above 0."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(hot, connectivity=8)
    x, y, width, height, _ = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())]
    return np.array([x, y, x + width, y + height], dtype=np.float64)


def _best_iou(box: np.ndarray, others: np.ndarray) -> float:
    corner = np.maximum(box[:2], others[:, :2])
    sides = np.clip(np.minimum(box[2:], others[:, 2:]) - corner, 0, None)
    both = sides.prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    return float((both / ((box[2:] - box[:2]).prod() + areas - both)).max())
