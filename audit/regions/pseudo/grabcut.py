"""GrabCut with a centre prior: the object of a picture that was taken of it.

The frame is background, a small ellipse in the middle object, a large one round it probably object;
OpenCV's GrabCut finds the edge between them by colour. The prior's sizes were chosen on pictures of
the decoy's train split and on the photos of ``benchmarks/pseudo_regions.py``, which says what the
estimates are worth.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

__all__ = ["SOURCE", "VERSION", "grabcut"]

SOURCE = "pseudo:grabcut"
#: Changes where the same picture gets another region.
VERSION = "grabcut-1"

_LONGER_SIDE = 128  # pixels; GrabCut's time grows faster than the area
_FRAME = 0.04  # of the shorter side: background for certain
_CERTAIN = 0.01  # of the area, in the middle: object for certain
_PROBABLE = 0.6  # of the area: probably object
_CENTRE = 0.15  # of the area: a part of the object must reach it
_ROUNDS = 5
_TOO_MUCH = 0.95  # of the area: no edge was found
_LEAST = 8  # pixels a side: less cannot hold frame and object


def grabcut(pixels: np.ndarray, seed: int = 0) -> np.ndarray:
    """The estimated object of an RGB picture (H×W×3 uint8): H×W bool, all False where none is seen.

    The same pixels and ``seed`` give the same mask, in any thread or process.
    """
    height, width = pixels.shape[:2]
    nothing = np.zeros((height, width), dtype=bool)
    scale = min(1.0, _LONGER_SIDE / max(height, width))
    size = (round(width * scale), round(height * scale))
    if min(size) < _LEAST:
        return nothing
    small = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)
    found = _reaching_centre(_cut(small, seed))
    assumed = _ellipse(found.shape[0], found.shape[1], _CERTAIN)
    if found.sum() <= assumed.sum() or found.mean() > _TOO_MUCH:
        return nothing
    full = cv2.resize(
        found.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT
    )
    return full.astype(bool)


def _cut(small: np.ndarray, seed: int) -> np.ndarray:
    """GrabCut's answer, h×w bool; all False where OpenCV gives up (one colour, say)."""
    mask = _prior(small.shape[0], small.shape[1])
    back, front = np.zeros((1, 65)), np.zeros((1, 65))  # OpenCV's colour models
    cv2.setRNGSeed(seed)  # of this thread
    try:
        cv2.grabCut(small, mask, (0, 0, 0, 0), back, front, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return np.zeros(mask.shape, dtype=bool)
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _prior(height: int, width: int) -> np.ndarray:
    mask = np.full((height, width), cv2.GC_PR_BGD, dtype=np.uint8)
    mask[_ellipse(height, width, _PROBABLE)] = cv2.GC_PR_FGD
    mask[_ellipse(height, width, _CERTAIN)] = cv2.GC_FGD
    frame = max(1, round(_FRAME * min(height, width)))
    mask[:frame] = mask[-frame:] = cv2.GC_BGD
    mask[:, :frame] = mask[:, -frame:] = cv2.GC_BGD
    return mask


def _ellipse(height: int, width: int, share: float) -> np.ndarray:
    """A centred ellipse of the picture's proportions that covers ``share`` of its area."""
    y, x = np.ogrid[:height, :width]
    across, down = (x + 0.5) / width - 0.5, (y + 0.5) / height - 0.5
    inside: np.ndarray = across**2 + down**2 <= share / math.pi
    return inside


def _reaching_centre(found: np.ndarray) -> np.ndarray:
    """The connected parts (over edges) that reach the picture's middle."""
    _, part = cv2.connectedComponents(found.astype(np.uint8), connectivity=4)
    kept = np.unique(part[_ellipse(found.shape[0], found.shape[1], _CENTRE)])
    return np.isin(part, kept[kept > 0])
