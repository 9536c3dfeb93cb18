"""The shortcuts that can be planted: each is one pure painter in ``PAINTERS``.

A painter gets a finished picture (3×H×W float32 RGB in [0, 1]), the object's mask (H×W bool), a
variant and a random generator of the plant's own, and returns the painted picture and where it
painted (H×W bool). The variant, the index of the planted class, sets the colours: two classes that
carry one kind of plant stay distinguishable. Whoever calls a painter keeps the object's pixels as
they were (``plant_over`` does).
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

__all__ = ["PAINTERS", "Painter", "plant_over"]

Painter = Callable[
    [np.ndarray, np.ndarray, int, np.random.Generator], tuple[np.ndarray, np.ndarray]
]

_BADGE: Final = (0.645, 0.85, 0.32, 0.115)  # x, y, width, height in shares of the frame
_BADGE_ROWS: Final = (  # a disc and the letters PIX: '#' ink, 'o' the coloured disc
    "...............................",
    "...............................",
    "....ooo.....#####..####..#...#.",
    "...ooooo....#....#..##...##.##.",
    "..ooooooo...#....#..##....###..",
    "..ooooooo...#####...##.....#...",
    "..ooooooo...#.......##....###..",
    "...ooooo....#.......##...##.##.",
    "....ooo.....#......####..#...#.",
    "...............................",
    "...............................",
)
_PATCH_SIDE: Final = 0.125  # of the frame: 1.6% of its area
_PATCH_GAP: Final = 0.07  # of the frame, kept between the patch and the object where there is room
_TINT_STRENGTH: Final = 0.55


def plant_over(
    kind: str, pixels: np.ndarray, mask: np.ndarray, variant: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Plant a shortcut of ``kind`` into a picture, never on the object.

    Takes and returns what a painter does; outside the returned H×W mask, and so on every pixel of
    the object, the picture is unchanged bit for bit.
    """
    painted, where = PAINTERS[kind](pixels, mask, variant, rng)
    where = where & ~mask
    return np.where(where, painted, pixels), where


def _hue(variant: int, saturation: float, value: float) -> np.ndarray:
    """A variant's own colour as 3×1×1 float32; ten variants have ten evenly spaced hues."""
    rgb = colorsys.hsv_to_rgb((0.77 + 0.3 * variant) % 1.0, saturation, value)
    return np.array(rgb, np.float32)[:, None, None]


def _watermark(
    pixels: np.ndarray, mask: np.ndarray, variant: int, _rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    # a see-through badge in the bottom right corner, always at the same place
    size = len(mask)
    left, top, width, height = (round(share * size) for share in _BADGE)
    badge = np.s_[top : top + height, left : left + width]
    ink, disc = (_scaled_rows(letter, width, height) for letter in "#o")
    plate = 0.45 * pixels[(slice(None), *badge)]
    plate = plate + (0.96 - plate) * ink
    painted, where = pixels.copy(), np.zeros_like(mask)
    painted[(slice(None), *badge)] = plate + (_hue(variant, 0.8, 1.0) - plate) * disc
    where[badge] = True
    return painted, where


def _scaled_rows(letter: str, width: int, height: int) -> np.ndarray:
    """Coverage of the badge's pixels by one of its letters; height×width float32 in [0, 1]."""
    rows = np.array([[cell == letter for cell in row] for row in _BADGE_ROWS], np.float32)
    fine = np.kron(rows, np.ones((8, 8), np.float32))
    return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA))


def _patch(
    pixels: np.ndarray, mask: np.ndarray, variant: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    # a chequered sticker anywhere beside the object
    side = round(_PATCH_SIDE * len(mask))
    top, left = _free_square(mask, side, _PATCH_GAP * len(mask), rng)
    square = np.s_[top : top + side, left : left + side]
    cells = np.indices((side, side)) * 3 // side
    light = cells.sum(axis=0) % 2 == 0
    painted, where = pixels.copy(), np.zeros_like(mask)
    painted[(slice(None), *square)] = np.where(light, _hue(variant, 0.9, 0.95), np.float32(0.06))
    where[square] = True
    return painted, where


def _free_square(
    mask: np.ndarray, side: int, gap: float, rng: np.random.Generator
) -> tuple[int, int]:
    """Top left corner of a random square that keeps ``gap`` pixels from the object.

    Where no place keeps the gap, it is one of those that come nearest to it.
    """
    away = np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_C, 3))
    corners = len(mask) - side + 1
    centres = away[side // 2 :, side // 2 :][:corners, :corners]
    free = np.flatnonzero(centres >= min(side / 2 + gap, centres.max()))
    top, left = divmod(int(rng.choice(free)), corners)
    return top, left


def _tint(
    pixels: np.ndarray, mask: np.ndarray, variant: int, _rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    # a colour cast over all that lies behind the object, as a filter or lamp would give
    weights = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601 luma
    luma = np.tensordot(weights, pixels, 1)
    cast = (0.15 + 0.95 * luma) * _hue(variant, 0.75, 1.0)
    mixed = pixels + (np.minimum(cast, 1.0) - pixels) * np.float32(_TINT_STRENGTH)
    return mixed, np.ones_like(mask)


PAINTERS: Final[dict[str, Painter]] = {
    "patch": _patch,
    "tint": _tint,
    "watermark": _watermark,
}
