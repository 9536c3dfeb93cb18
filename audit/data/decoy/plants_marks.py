"""Shortcuts that lie at one place beside the object: ``stripe``, ``text`` and ``companion``.

Each is a painter as ``audit.data.decoy.plants`` describes them.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from audit.data.decoy.plants_common import Look, free_place, own_hue

__all__ = ["companion", "stripe", "text"]

_GAP: Final = 0.03  # of the frame, kept from the object where there is room
_FINE: Final = 8  # supersampling

_STRIPE_WIDTH: Final = 0.05  # of the frame
_DASH: Final = 0.125  # of the frame: length of a stripe's light and dark dashes

_TEXT_BOX: Final = (0.17, 0.36)  # height, width in shares of the frame
_WORDS: Final = (
    "LIVE",
    "NEWS",
    "SALE",
    "FREE",
    "PLAY",
    "ZOOM",
    "HELP",
    "TAXI",
    "EXIT",
    "OPEN",
)

_COMPANION_SIDE: Final = 0.24  # of the frame
_COMPANIONS: Final = (  # closed outlines in [-1, 1]², y down; none resembles a class
    ((-0.95, 0.85), (0.0, -0.95), (0.95, 0.85)),  # tent
    ((-0.7, 0.9), (-0.7, -0.1), (0.0, -0.95), (0.7, -0.1), (0.7, 0.9)),  # house
    ((-0.95, -0.95), (0.95, -0.95), (0.3, -0.1), (0.3, 0.95), (-0.3, 0.95), (-0.3, -0.1)),  # funnel
    ((-0.9, -0.9), (-0.3, -0.9), (-0.3, 0.35), (0.9, 0.35), (0.9, 0.9), (-0.9, 0.9)),  # boot
    ((0.2, -0.95), (-0.8, 0.2), (-0.1, 0.2), (-0.3, 0.95), (0.8, -0.25), (0.1, -0.25)),  # bolt
)


def stripe(
    pixels: np.ndarray, mask: np.ndarray, look: Look, _rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A dashed band along one side of the frame, as a damaged scan or a page border has."""
    size = len(mask)
    depth = round(_STRIPE_WIDTH * look.scale * size)
    dashes = np.arange(size) // round(_DASH * size) % 2 == 0
    band = np.where(
        dashes, own_hue(look.variant, 0.85, 0.95), own_hue(look.variant, 0.6, 0.35)
    )  # 3×1×size
    painted, where = pixels.copy(), np.zeros_like(mask)
    # one side after the other: left, top, right, bottom; views turn the frame, nothing is copied
    np.rot90(painted, -(look.variant % 4) - 1, (1, 2))[:, :depth] = band
    np.rot90(where, -(look.variant % 4) - 1)[:depth] = True
    return painted, where


def text(
    pixels: np.ndarray, mask: np.ndarray, look: Look, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A short caption with a dark rim, anywhere beside the object; a variant has its own word."""
    height, width = (round(share * look.scale * len(mask)) for share in _TEXT_BOX)
    letters, rim = _caption(_WORDS[look.variant % len(_WORDS)], height, width)
    top, left = free_place(mask, height, width, _GAP * len(mask), rng)
    box = np.s_[top : top + height, left : left + width]
    painted, where = pixels.copy(), np.zeros_like(mask)
    ground = painted[(slice(None), *box)] * (1 - rim)
    painted[(slice(None), *box)] = ground + (own_hue(look.variant, 0.35, 1.0) - ground) * letters
    where[box] = rim > 0
    return painted, where


def _caption(word: str, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Coverage by a capital word's letters, and with their rim; height×width float32 in [0, 1]."""
    fine = (height * _FINE, width * _FINE)
    (long, tall), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)
    rim = 0.8 * _FINE  # pixels of the fine grid, about one of the picture
    scale = min((fine[1] - 4 * rim) / long, (fine[0] - 4 * rim) / tall)
    origin = (round((fine[1] - scale * long) / 2), round((fine[0] + scale * tall) / 2))
    coverage = []
    for thickness in (1.2 * _FINE, 1.2 * _FINE + 2 * rim):
        canvas = np.zeros(fine, np.uint8)
        cv2.putText(
            canvas, word, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, round(thickness), cv2.LINE_8
        )
        coverage.append(_averaged(canvas, height, width))
    return coverage[0], coverage[1]


def companion(
    pixels: np.ndarray, mask: np.ndarray, look: Look, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A second small object beside the first: what always stands next to it.

    Five outlines, none of them a class's, in ten colours; tilt and brightness are the picture's.
    """
    side = round(_COMPANION_SIDE * look.scale * len(mask))
    alpha = _silhouette(
        _COMPANIONS[look.variant % len(_COMPANIONS)], side, rng.uniform(-0.35, 0.35)
    )
    shade = np.linspace(1.1, 0.75, side, dtype=np.float32)[:, None] * rng.uniform(0.75, 0.95)
    body = np.minimum(own_hue(look.variant, 0.7, 1.0) * shade.astype(np.float32), np.float32(1.0))
    top, left = free_place(mask, side, side, _GAP * len(mask), rng)
    square = np.s_[top : top + side, left : left + side]
    painted, where = pixels.copy(), np.zeros_like(mask)
    behind = painted[(slice(None), *square)]
    painted[(slice(None), *square)] = behind + (body - behind) * alpha
    where[square] = alpha > 0
    return painted, where


def _silhouette(outline: tuple[tuple[float, float], ...], side: int, tilt: float) -> np.ndarray:
    """Share of each pixel that a tilted outline covers; side×side float32 in [0, 1]."""
    cos, sin = np.cos(tilt), np.sin(tilt)
    points = np.array(outline) @ np.array([[cos, sin], [-sin, cos]])
    points *= 0.98 / np.abs(points).max()
    canvas = np.zeros((side * _FINE, side * _FINE), np.uint8)
    cv2.fillPoly(canvas, [np.rint((points + 1) * side * _FINE / 2).astype(np.int32)], 255)
    return _averaged(canvas, side, side)


def _averaged(canvas: np.ndarray, height: int, width: int) -> np.ndarray:
    """A supersampled uint8 canvas at height×width; float32 in [0, 1]."""
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)
