"""What the painters of planted shortcuts share: their signature, looks and free places."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["Look", "Painter", "free_place", "own_hue"]


@dataclass(frozen=True)
class Look:
    """How a plant looks.

    ``variant``, the index of the planted class, sets colour and form: two classes that carry one
    kind of plant stay distinguishable. ``scale`` is its linear size relative to its kind's own;
    what lies over the whole ground has no size.
    """

    variant: int
    scale: float = 1.0


Painter = Callable[
    [np.ndarray, np.ndarray, Look, np.random.Generator], tuple[np.ndarray, np.ndarray]
]


def own_hue(variant: int, saturation: float, value: float) -> np.ndarray:
    """A variant's own colour as 3×1×1 float32; ten variants have ten evenly spaced hues."""
    rgb = colorsys.hsv_to_rgb((0.77 + 0.3 * variant) % 1.0, saturation, value)
    return np.array(rgb, np.float32)[:, None, None]


def free_place(
    mask: np.ndarray, height: int, width: int, gap: float, rng: np.random.Generator
) -> tuple[int, int]:
    """Top left corner of a random height×width pixel rectangle, ``gap`` pixels from the object.

    ``mask`` is H×W bool, the object. Where no place keeps the gap, it is one of those that cover
    least of the object with its surroundings of ``gap`` pixels.
    """
    reach = 2 * round(gap) + 1
    near = cv2.dilate(mask.astype(np.uint8), np.ones((reach, reach), np.uint8))
    sums = np.asarray(cv2.integral(near))
    covered = (sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]) + sums[
        :-height, :-width
    ]
    best = np.flatnonzero(covered == covered.min())
    top, left = divmod(int(rng.choice(best)), covered.shape[1])
    return top, left
