"""The box that a map draws round its object: Grad-CAM's localisation."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from audit.regions.boxes import mask_boxes
from audit.scores.grid import run_edges, upsample_merged
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
    raster, grid = raster_size(size), cams.shape[1:]
    heat = upsample_merged(torch.from_numpy(cams[some]), raster).numpy()
    down, across = (run_edges(grid[k], raster[k]) * (size[k] / raster[k]) for k in (0, 1))
    found[some] = _best_ious(cam_boxes(heat, down, across), [boxes[i] for i in some])
    return found


def cam_boxes(heat: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """The box (x0, y0, x1, y1) round each map's largest segment: float64 B×4.

    ``heat`` is B×p×q, each map's maximum > 0; its rows lie between the edges ``down`` (p + 1,
    ascending), its columns between ``across`` (q + 1), in whose unit the boxes are. A segment is of
    pixels ≥ .15 of that maximum, which touch at edges or corners; of equal ones that which
    OpenCV numbers first.
    """
    top = heat.reshape(len(heat), -1).max(axis=1)
    hot = heat >= _THRESHOLD * top[:, None, None]
    area = np.outer(np.diff(down), np.diff(across)).reshape(-1)
    label, several = _segments(hot)
    for i in np.flatnonzero(several):
        areas = np.bincount(label[i].reshape(-1), weights=area)
        areas[0] = 0  # what is not hot
        hot[i] = label[i] == areas.argmax()
    x0, y0, x1, y1 = mask_boxes(hot).astype(int).T
    return np.stack([across[x0], down[y0], across[x1], down[y1]], axis=1).astype(np.float64)


def _segments(hot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The segments of masks (bool B×p×q, none empty): int32 B×p×q, 0 outside; and who has several.

    Their numbers ascend from one mask to the next.
    """
    rows = hot.shape[1]
    # one sheet, an empty row or two below each mask: OpenCV numbers by blocks of 2×2, so that every
    # mask must begin at an even row for its segments' order not to depend on its place
    sheet = np.pad(hot.view(np.uint8), ((0, 0), (0, 2 - rows % 2), (0, 0)))
    label = cv2.connectedComponents(sheet.reshape(-1, sheet.shape[2]), connectivity=8)[1]
    last = label.reshape(len(hot), -1).max(axis=1)
    return label.reshape(sheet.shape)[:, :rows], np.diff(last, prepend=0) > 1


def _best_ious(box: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """The IoU of each ``box`` (B×4) with the best of its ``others`` (B arrays n×4, n ≥ 1)."""
    n = [len(given) for given in others]
    one, other = np.repeat(box, n, axis=0), np.concatenate(others)
    corner = np.maximum(one[:, :2], other[:, :2])
    both = np.clip(np.minimum(one[:, 2:], other[:, 2:]) - corner, 0, None).prod(axis=1)
    areas = [(each[:, 2:] - each[:, :2]).prod(axis=1) for each in (one, other)]
    return np.maximum.reduceat(both / (areas[0] + areas[1] - both), np.cumsum([0, *n[:-1]]))
