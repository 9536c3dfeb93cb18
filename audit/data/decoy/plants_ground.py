"""Shortcuts that lie over everything behind the object: ``tint``, ``cast`` and ``texture``.

Covering a part of the picture leaves the rest of such a shortcut in place. Each is a painter as
``audit.data.decoy.plants`` describes them, and says that it painted the whole frame: the object is
kept by the caller.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from audit.data.decoy.plants_common import Look, own_hue

__all__ = ["cast", "texture", "tint"]

_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_TINT_STRENGTH: Final = 0.55
_CAST_SATURATION: Final = 0.45
_PERIODS: Final = (0.07, 0.105)  # of the frame: fine and coarse ribs in turn
_RELIEF: Final = 0.16  # how much a rib is lighter, and a groove darker, than the ground


def tint(
    pixels: np.ndarray, mask: np.ndarray, look: Look, _rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Dye all that lies behind the object in one colour, as a coloured lamp on fog would."""
    luma = np.tensordot(_LUMA, pixels, 1)
    dye = (0.15 + 0.95 * luma) * own_hue(look.variant, 0.75, 1.0)
    mixed = pixels + (np.minimum(dye, 1.0) - pixels) * np.float32(_TINT_STRENGTH)
    return mixed, np.ones_like(mask)


def cast(
    pixels: np.ndarray, mask: np.ndarray, look: Look, _rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Shift the white balance behind the object: a gain a channel, the luma of grey kept.

    Unlike a tint, black stays black and colours stay apart: a colour is moved, not replaced.
    """
    gains = own_hue(look.variant, _CAST_SATURATION, 1.0)
    gains = gains / np.tensordot(_LUMA, gains, 1)
    return np.minimum(pixels * gains, np.float32(1.0)), np.ones_like(mask)


def texture(
    pixels: np.ndarray, mask: np.ndarray, look: Look, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Press ribs, as of corduroy, into all that lies behind the object, without a colour.

    A variant has a direction (18° steps) and a period of its own; the phase is the picture's.
    """
    size = len(mask)
    angle = np.deg2rad(18.0 * look.variant)
    y, x = np.indices(mask.shape, np.float32) / np.float32(size)
    along = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    phase = np.float32(rng.uniform(0.0, 2 * np.pi))
    ribs = np.sin(along * np.float32(2 * np.pi / _PERIODS[look.variant % 2]) + phase)
    lit = pixels + np.tanh(np.float32(1.5) * ribs) * np.float32(_RELIEF)
    return np.clip(lit, 0.0, 1.0), np.ones_like(mask)
