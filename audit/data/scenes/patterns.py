"""The colours and patterns of the objects, as paint over an object's own coordinates.

A pattern takes (u, v), two float32 fields in the outline's unit coordinates, and a phase in
radians, and returns float32 in [-1, 1]: -1 is the colour's dark tone, +1 its light one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

__all__ = ["PAINTS", "TONES", "paint"]

#: Dark and light tone of each colour; RGB in [0, 1].
TONES: Final[dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]]] = {
    "blue": ((0.04, 0.08, 0.42), (0.16, 0.36, 0.98)),
    "green": ((0.01, 0.27, 0.05), (0.12, 0.74, 0.20)),
    "purple": ((0.25, 0.03, 0.36), (0.66, 0.22, 0.86)),
    "red": ((0.38, 0.01, 0.02), (0.92, 0.11, 0.10)),
    "white": ((0.42, 0.42, 0.43), (0.97, 0.97, 0.97)),
    "yellow": ((0.50, 0.34, 0.00), (0.99, 0.86, 0.10)),
}


def _dotted(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # dark dots on a staggered lattice
    lattice = np.cos(8.5 * u + phase) * np.cos(8.5 * v + phase)
    return np.asarray(np.tanh(6.0 * (0.32 - lattice)))


def _plain(u: np.ndarray, _v: np.ndarray, _phase: float) -> np.ndarray:
    return np.full_like(u, 0.8)


def _striped(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # slanting, so that no shape's own edges are taken for it
    return np.asarray(np.tanh(3.0 * np.sin(11.0 * (0.8 * u + 0.6 * v) + phase)))


PAINTS: Final[dict[str, Callable[[np.ndarray, np.ndarray, float], np.ndarray]]] = {
    "dotted": _dotted,
    "plain": _plain,
    "striped": _striped,
}


def paint(colour: str, pattern: str, u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    """The surface of an object over the whole frame: 3×H×W float32 RGB."""
    dark, light = (np.array(tone, np.float32)[:, None, None] for tone in TONES[colour])
    field = PAINTS[pattern](u, v, phase)
    return np.asarray(dark + (light - dark) * (0.5 + 0.5 * field), np.float32)
