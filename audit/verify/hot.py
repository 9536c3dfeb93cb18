"""The suspect patch: what is hottest beside the object."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["LIMITS", "hot_patch"]

#: A patch's largest share of the frame, in the order in which they are tried.
LIMITS = (0.04, 0.12)
_LEAST_HEAT = 0.5  # of the hottest pixel outside: what belongs to the patch
_STEPS = 12  # halvings of the interval in which the patch's threshold lies


def hot_patch(heat: np.ndarray, allowed: np.ndarray, limit: float) -> np.ndarray | None:
    """The pixels round the hottest allowed one, by falling heat: bool H×W.

    ``heat`` is the upsampled map (float H×W, ≥ 0), ``allowed`` where the patch may lie (bool H×W).
    The patch is connected (8 neighbours), each of its pixels has at least half the heat of its
    hottest one, and it covers at most ``limit`` of the frame: it is the largest such set that a
    threshold cuts out. None where nothing allowed has any heat.
    """
    outside = np.where(allowed, heat, 0.0)
    peak = int(outside.argmax())
    top = float(outside.flat[peak])
    if top <= 0:
        return None
    most = max(1, int(limit * heat.size))
    whole = _segment(outside >= _LEAST_HEAT * top, peak)
    if whole.sum() <= most:
        return whole
    low, high = _LEAST_HEAT * top, top
    best = _segment(outside >= top, peak)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        segment = _segment(outside >= middle, peak)
        if segment.sum() <= most:
            best, high = segment, middle
        else:
            low = middle
    return best if best.sum() <= most else _nearest(best, peak, most)


def _segment(mask: np.ndarray, peak: int) -> np.ndarray:
    """The connected part of ``mask`` that holds the pixel ``peak``."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    segment: np.ndarray = labels == labels.flat[peak]
    return segment


def _nearest(plateau: np.ndarray, peak: int, most: int) -> np.ndarray:
    """The ``most`` pixels of a plateau that lie nearest to ``peak``: no threshold can cut it.

    Fewer, where some of them hang together only through pixels farther away.
    """
    rows, columns = np.nonzero(plateau)
    row, column = divmod(peak, plateau.shape[1])
    order = np.argsort((rows - row) ** 2 + (columns - column) ** 2, kind="stable")[:most]
    kept = np.zeros_like(plateau)
    kept[rows[order], columns[order]] = True
    return _segment(kept, peak)
