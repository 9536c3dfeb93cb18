"""What a scene shows, before it is drawn: objects with shape, colour, pattern and side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.data.scenes.spec import COLOURS, OWN_PATTERN, PATTERNS, SHAPES, SIDES

__all__ = ["SceneObject", "draw_objects"]


@dataclass(frozen=True)
class SceneObject:
    """One object of a scene, by the words of questions and captions."""

    shape: str
    colour: str
    pattern: str
    side: str  # of its centre


def draw_objects(
    rng: np.random.Generator, n_objects: tuple[int, int], own_share: float | None
) -> tuple[SceneObject, ...]:
    """Draw the objects of a scene, ``n_objects`` = (least, most), at most two a side.

    Shapes differ, and so do colours. ``own_share`` of the objects have their shape's own pattern;
    None: patterns are drawn freely. Nothing else depends on anything.
    """
    n = int(rng.integers(n_objects[0], n_objects[1] + 1))
    shapes = rng.permutation(SHAPES)[:n].tolist()
    colours = rng.permutation(COLOURS)[:n].tolist()
    sides = rng.permutation(SIDES * 2)[:n].tolist()
    return tuple(
        SceneObject(shape, colour, _draw_pattern(rng, shape, own_share), side)
        for shape, colour, side in zip(shapes, colours, sides, strict=True)
    )


def _draw_pattern(rng: np.random.Generator, shape: str, own_share: float | None) -> str:
    if own_share is None:
        return str(rng.choice(PATTERNS))
    own = OWN_PATTERN[shape]
    if rng.uniform() < own_share:
        return own
    return str(rng.choice([pattern for pattern in PATTERNS if pattern != own]))
