"""One picture of one object: pose, light, shadow and background, before anything is planted.

Every draw comes from the one generator handed in, in a fixed order, so a picture is a function of
(generator's key, size, class) and of nothing that the plants do.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.data.decoy.backgrounds import paint_background
from audit.data.decoy.drawing import (
    Pose,
    cast_shadow,
    develop,
    rasterise,
    relief,
    rotation,
    squeeze,
    unit_coordinates,
)
from audit.data.decoy.outlines import OUTLINES, outline_area
from audit.data.decoy.surfaces import SURFACES

__all__ = ["KEPT_FREE", "Picture", "draw_picture"]

#: No object ever comes right of and below this point (x, y; shares of the frame): the corner stays
#: free in all pictures of all classes, so that a corner plant has no say in where objects stand.
KEPT_FREE: Final = (0.60, 0.81)

_MARGIN: Final = 0.03  # of the frame, between an object and its border
_LONGEST: Final = 0.74  # of the frame: an object's longer side, so that it fits above the corner
_AREA: Final = (0.07, 0.24)  # of the frame
_UNIT_AREAS: Final = {name: outline_area(outline) for name, outline in OUTLINES.items()}


@dataclass(frozen=True)
class Picture:
    """An object before its background, with nothing planted."""

    pixels: np.ndarray  # 3×H×W float32 RGB in [0, 1]
    mask: np.ndarray  # H×W bool: at least half of the pixel is the object


def draw_picture(rng: np.random.Generator, size: int, class_name: str) -> Picture:
    """Draw an object of ``class_name`` at a random place, size, pose, colour and light.

    Returns size×size pixels and the object's mask, which covers 6 to 25% of the frame.
    """
    background = paint_background(rng, size)
    pose = _draw_pose(rng, size, class_name)
    light = rng.uniform(np.deg2rad(200), np.deg2rad(340))  # from above; y points down
    towards = np.array([np.cos(light), np.sin(light)], np.float32)
    alpha = rasterise(pose, size, class_name)
    mask = alpha >= 0.5  # noqa: PLR2004  half a pixel
    ground = cast_shadow(background, alpha, towards, rng.uniform(0.25, 0.6))
    surface = _draw_surface(rng, pose, size, background[:, mask].mean(axis=1), class_name)
    surface *= relief(alpha, mask, towards)
    return Picture(develop(rng, ground + (surface - ground) * alpha), mask)


def _draw_pose(rng: np.random.Generator, size: int, class_name: str) -> Pose:
    """Turn, squeeze, scale and place the outline inside the frame, clear of the free corner."""
    outline = OUTLINES[class_name]
    matrix = rotation(rng.uniform(-0.8, 0.8)) @ squeeze(rng)
    matrix[:, 0] *= rng.choice((-1.0, 1.0))  # mirrored or not
    area = np.exp(rng.uniform(*np.log(_AREA))) * size**2
    matrix *= np.sqrt(area / _UNIT_AREAS[class_name])
    extent = np.ptp(outline[0] @ matrix.T, axis=0)
    matrix *= min(1.0, _LONGEST * size / extent.max())
    return Pose(matrix, _place(rng, outline[0] @ matrix.T, size))


def _place(rng: np.random.Generator, points: np.ndarray, size: int) -> np.ndarray:
    """Choose where the origin of n×2 ``points`` (pixels) goes; returns x, y in pixels."""
    low, high = points.min(axis=0), points.max(axis=0)
    first, last = _MARGIN * size - low, (1 - _MARGIN) * size - high
    centre = rng.uniform(first, last)
    into_corner = centre + high - np.array(KEPT_FREE) * size
    if (into_corner > 0).all():  # step out by the shorter way that stays in the frame
        room = np.where(centre - into_corner >= first, into_corner, np.inf)
        axis = int(room.argmin())
        centre[axis] -= into_corner[axis]
    return np.asarray(centre)


def _draw_surface(
    rng: np.random.Generator, pose: Pose, size: int, behind: np.ndarray, class_name: str
) -> np.ndarray:
    """Lay the class's pattern in two random colours over the whole frame; 3×H×W float32."""
    dark, light = (colour[:, None, None] for colour in _draw_colours(rng, behind))
    u, v = unit_coordinates(pose, size)
    field = SURFACES[class_name](u, v, rng.uniform(0, 2 * np.pi))
    return np.asarray(dark + (light - dark) * (0.5 + 0.5 * field), np.float32)


def _draw_colours(rng: np.random.Generator, behind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dark and light colour of an object: of two random pairs the one that stands out more.

    ``behind`` is the mean colour that the object covers, 3 floats. No class has colours of its own.
    """
    hue, shift = rng.uniform(0, 1, 2), rng.uniform(-0.12, 0.12, 2)
    saturation, value = rng.uniform(0.15, 0.8, 2), rng.uniform(0.5, 1.0, 2)
    depth = rng.uniform(0.35, 0.65, 2)
    light = np.array(
        [colorsys.hsv_to_rgb(*hsv) for hsv in zip(hue, saturation, value, strict=True)]
    )
    dark = np.array(
        [
            colorsys.hsv_to_rgb(h % 1, s, v)
            for h, s, v in zip(hue + shift, saturation, value * depth, strict=True)
        ]
    )
    best = int(np.abs((light + dark) / 2 - behind).sum(axis=1).argmax())
    return dark[best].astype(np.float32), light[best].astype(np.float32)
