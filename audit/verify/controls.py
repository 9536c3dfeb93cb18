"""Control patches: the suspect patch's own shape, at other places where no evidence is claimed."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

__all__ = ["CONTROLS", "placements"]

#: Fewer placements than this, and an image is untestable.
CONTROLS = 4
_OVERLAP = 0.5  # counts of covered pixels come from a Fourier transform: half a pixel is none


def placements(
    patch: np.ndarray, blocked: np.ndarray, n: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Up to ``n`` shifted copies of ``patch`` (bool H×W): disjoint, in the frame, off ``blocked``.

    Places are drawn evenly from those that are left after each draw.
    """
    rows, columns = np.nonzero(patch)
    shape = patch[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    taken, found = blocked | patch, []
    for _ in range(n):
        free = np.flatnonzero(_overlap(taken, shape) < _OVERLAP)
        if not len(free):
            break
        top, left = divmod(int(rng.choice(free)), patch.shape[1] - shape.shape[1] + 1)
        placed = np.zeros_like(patch)
        placed[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
        found.append(placed)
        taken = taken | placed
    return found


def _overlap(taken: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """For every place of ``shape`` in the frame, how many of its pixels are taken."""
    return np.asarray(
        fftconvolve(taken.astype(np.float64), shape[::-1, ::-1].astype(np.float64), mode="valid")
    )
