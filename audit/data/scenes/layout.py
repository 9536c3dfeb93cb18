"""Where the objects of a scene stand: on their sides, whole, and apart from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from audit.data.decoy.drawing import Pose, rotation, squeeze
from audit.data.decoy.outlines import OUTLINES, outline_area
from audit.data.scenes.objects import SceneObject
from audit.data.scenes.spec import SHAPES

__all__ = ["FROM_MIDDLE", "place_objects"]

#: Least distance of an object's centre from the vertical middle line; of the frame.
FROM_MIDDLE: Final = 0.11

# All of these are shares of the frame:
_AREA: Final = (0.055, 0.115)  # of an object
_LONGEST: Final = 0.42  # an object's longer side: two fit above each other
_MARGIN: Final = 0.03  # between an object and the border
_GAP: Final = 0.03  # between the boxes of two objects
_IN_ORDER: Final = 0.06  # between two centres' x: their order from left to right can be seen
_MOST_TURNED: Final = 0.6  # radians
_TRIES: Final = 256  # places for the same poses
_UNIT_AREAS: Final = {name: outline_area(OUTLINES[name]) for name in SHAPES}


def place_objects(
    rng: np.random.Generator, objects: Sequence[SceneObject], size: int
) -> tuple[Pose, ...]:
    """Draw pose and place of each object in a size×size frame; their boxes do not touch."""
    while True:
        matrices = [_draw_matrix(rng, one.shape, size) for one in objects]
        outlines = [
            OUTLINES[one.shape][0] @ matrix.T for one, matrix in zip(objects, matrices, strict=True)
        ]
        low, high = (np.array([f(points, axis=0) for points in outlines]) for f in (np.min, np.max))
        centres = _draw_centres(rng, objects, (high - low) / 2, size)
        if centres is not None:
            origins = centres - (low + high) / 2
            return tuple(
                Pose(matrix, origin) for matrix, origin in zip(matrices, origins, strict=True)
            )


def _draw_matrix(rng: np.random.Generator, shape: str, size: int) -> np.ndarray:
    """Turn, squeeze and scale an outline: 2×2, from unit coordinates to pixels."""
    outline = OUTLINES[shape]
    matrix = rotation(rng.uniform(-_MOST_TURNED, _MOST_TURNED)) @ squeeze(rng)
    matrix[:, 0] *= rng.choice((-1.0, 1.0))  # mirrored or not
    area = np.exp(rng.uniform(*np.log(_AREA))) * size**2
    matrix *= np.sqrt(area / _UNIT_AREAS[shape])
    extent = np.ptp(outline[0] @ matrix.T, axis=0)
    matrix *= min(1.0, _LONGEST * size / extent.max())
    return np.asarray(matrix)


def _draw_centres(
    rng: np.random.Generator, objects: Sequence[SceneObject], half: np.ndarray, size: int
) -> np.ndarray | None:
    """Centres (n×2: x, y in pixels) of boxes that are twice ``half`` (n×2) long; None: no luck."""
    first, last = half + _MARGIN * size, size * (1 - _MARGIN) - half
    left = np.array([one.side == "left" for one in objects])
    last[left, 0], first[~left, 0] = (0.5 - FROM_MIDDLE) * size, (0.5 + FROM_MIDDLE) * size
    for those in (np.flatnonzero(left), np.flatnonzero(~left)):
        if len(those) == 2:  # noqa: PLR2004 - each leaves room for the other
            upper, lower = rng.permutation(those)
            last[upper, 1] -= 2 * half[lower, 1] + _GAP * size
            first[lower, 1] += 2 * half[upper, 1] + _GAP * size
    if (first > last).any():
        return None
    tried = rng.uniform(first, last, (_TRIES, *first.shape))
    good = np.ones(_TRIES, dtype=bool)
    for i in range(len(objects)):
        for j in range(i):
            away = np.abs(tried[:, i] - tried[:, j])
            good &= (away > half[i] + half[j] + _GAP * size).any(axis=1)
            good &= away[:, 0] > _IN_ORDER * size
    return tried[good.argmax()] if good.any() else None
