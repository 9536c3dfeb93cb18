"""The surface pattern of each decoy class, as a field over the object's own coordinates.

A pattern takes (u, v), two float32 fields of equal shape in the outline's unit coordinates, and a
phase in radians, and returns float32 in [-1, 1]: -1 is the object's dark colour, +1 its light one.
Edges are soft, about a pixel wide on a small object, so that patterns survive 64-pixel pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

__all__ = ["SURFACES", "Surface"]

Surface = Callable[[np.ndarray, np.ndarray, float], np.ndarray]

# In unit coordinates of their outlines:
_FISH_EYE: Final = 0.1  # width of the white round the pupil
_FLOWER_DISC: Final = 0.34  # radius
_LEAF_RIB: Final = 0.07  # half the width of the midrib


def _soft(field: np.ndarray, sharpness: float = 2.5) -> np.ndarray:
    return np.asarray(np.tanh(sharpness * field))


def _ball(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # meridians of a beach ball: stripes that crowd towards the left and right edge
    across = u / np.sqrt(np.clip(1.02 - v * v, 0.05, None))
    return _soft(np.sin(6.0 * np.arcsin(np.clip(across, -1.0, 1.0)) + phase))


def _cross(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # bricks: dark mortar between courses, joints shifted by half a brick in every other course
    course = v * 3.2 + phase
    joint = u * 1.7 + 0.5 * (np.floor(course) % 2)
    gap = np.minimum(_to_line(course), _to_line(joint) * 1.9)
    return _soft(gap - 0.16, 9.0)


def _to_line(field: np.ndarray) -> np.ndarray:
    """Distance of a field to the nearest whole number."""
    return np.asarray(np.abs(field - np.rint(field)))


def _fish(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # bent vertical bands, and an eye
    bands = _soft(np.sin(9.0 * (u + 0.45 * v * v) + 0.25 * phase))
    from_pupil = np.hypot(u - 0.7, v + 0.12) - 0.1
    return np.where(from_pupil < _FISH_EYE, _soft(from_pupil, 20.0), bands)


def _flower(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # light petals with a dark base, and a speckled disc
    radius = np.hypot(u, v)
    disc = np.cos(16.0 * u + phase) * np.cos(16.0 * v)
    return np.where(radius < _FLOWER_DISC, _soft(disc, 3.0), _soft(radius - 0.58, 5.0))


def _gear(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # turned grooves round a hub
    return _soft(np.cos(14.0 * np.hypot(u, v) + 0.2 * phase), 2.0)


def _heart(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # gingham: two crossing sets of stripes, three tones
    stripes = _soft(np.sin(8.0 * u + phase)) + _soft(np.sin(8.0 * v + phase))
    return np.asarray(0.5 * stripes)


def _leaf(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # side veins run forward from the midrib
    veins = _soft(np.sin(11.0 * (u - 0.9 * np.abs(v)) + phase), 1.6)
    return np.where(np.abs(v) < _LEAF_RIB, np.float32(1.0), veins)


def _moon(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # craters on a staggered lattice
    lattice = np.cos(7.0 * u + phase) * np.cos(7.0 * v + 0.5 * phase)
    return -_soft(lattice - 0.42, 5.0)


def _ring(u: np.ndarray, v: np.ndarray, phase: float) -> np.ndarray:
    # the strands of a twisted rope
    return _soft(np.sin(10.0 * np.arctan2(v, u) + 7.0 * np.hypot(u, v) + phase))


def _star(u: np.ndarray, v: np.ndarray, _phase: float) -> np.ndarray:
    # a compass star: each point has a light and a dark half
    return _soft(np.sin(5.0 * (np.arctan2(v, u) + 0.5 * np.pi)), 6.0)


SURFACES: Final[dict[str, Surface]] = {
    "ball": _ball,
    "cross": _cross,
    "fish": _fish,
    "flower": _flower,
    "gear": _gear,
    "heart": _heart,
    "leaf": _leaf,
    "moon": _moon,
    "ring": _ring,
    "star": _star,
}
