"""The shortcuts that can be planted: each is one pure painter in ``PAINTERS``.

A painter gets a finished picture (3×H×W float32 RGB in [0, 1]), the object's mask (H×W bool), a
look and a random generator of the plant's own, and returns the painted picture and where it
painted (H×W bool). Whoever calls a painter keeps the object's pixels as they were (``plant_over``
does).
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from audit.data.decoy.plants_common import Look, Painter, own_hue
from audit.data.decoy.plants_ground import cast, texture, tint
from audit.data.decoy.plants_marks import companion, stripe, text

__all__ = ["PAINTERS", "WHOLE_GROUND", "plant_over"]

#: Kinds that lie over all that is behind the object.
WHOLE_GROUND: Final = ("cast", "texture", "tint")

_BADGE: Final = (0.965, 0.965, 0.32, 0.115)  # right, bottom, width, height: shares of the frame
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


def plant_over(
    kind: str,
    pixels: np.ndarray,
    mask: np.ndarray,
    look: Look,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Plant a shortcut of ``kind`` into a picture, never on the object.

    Takes and returns what a painter does; outside the returned H×W mask, and so on every pixel of
    the object, the picture is unchanged bit for bit.
    """
    painted, where = PAINTERS[kind](pixels, mask, look, rng)
    where = where & ~mask
    return np.where(where, painted, pixels), where


def _watermark(
    pixels: np.ndarray, mask: np.ndarray, look: Look, _rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    # a see-through badge in the bottom right corner, always at the same place
    size = len(mask)
    right, bottom, *sides = _BADGE
    width, height = (side * look.scale for side in sides)
    corner = (right - width, bottom - height, width, height)
    left, top, width, height = (round(share * size) for share in corner)
    badge = np.s_[top : top + height, left : left + width]
    ink, disc = (_scaled_rows(letter, width, height) for letter in "#o")
    plate = 0.45 * pixels[(slice(None), *badge)]
    plate = plate + (0.96 - plate) * ink
    painted, where = pixels.copy(), np.zeros_like(mask)
    painted[(slice(None), *badge)] = plate + (own_hue(look.variant, 0.8, 1.0) - plate) * disc
    where[badge] = True
    return painted, where


def _scaled_rows(letter: str, width: int, height: int) -> np.ndarray:
    """Coverage of the badge's pixels by one of its letters; height×width float32 in [0, 1]."""
    rows = np.array([[cell == letter for cell in row] for row in _BADGE_ROWS], np.float32)
    fine = np.kron(rows, np.ones((8, 8), np.float32))
    return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA))


def _patch(
    pixels: np.ndarray, mask: np.ndarray, look: Look, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    # a chequered sticker anywhere beside the object
    side = round(_PATCH_SIDE * look.scale * len(mask))
    top, left = _free_square(mask, side, _PATCH_GAP * len(mask), rng)
    square = np.s_[top : top + side, left : left + side]
    cells = np.indices((side, side)) * 3 // side
    light = cells.sum(axis=0) % 2 == 0
    painted, where = pixels.copy(), np.zeros_like(mask)
    painted[(slice(None), *square)] = np.where(
        light, own_hue(look.variant, 0.9, 0.95), np.float32(0.06)
    )
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


PAINTERS: Final[dict[str, Painter]] = {
    "cast": cast,
    "companion": companion,
    "patch": _patch,
    "stripe": stripe,
    "text": text,
    "texture": texture,
    "tint": tint,
    "watermark": _watermark,
}
