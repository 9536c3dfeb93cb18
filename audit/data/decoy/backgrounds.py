"""Photograph-like backgrounds: blurred landscapes, bokeh, foliage, walls and hills.

A background takes a random generator and a size and returns 3×size×size float32 RGB in [0, 1]
(values may leave the range, as overexposed lights do). In sharp natural images amplitude falls
about as 1/f (Field 1987, doi:10.1364/JOSAA.4.002379); here it falls a little faster, since
backgrounds are out of focus. Nothing here knows of classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

__all__ = ["fractal_noise", "paint_background"]

# Each palette runs from shadow to light, with a mid tone; RGB in [0, 1].
_PALETTES: Final = np.array(
    [
        [(0.10, 0.16, 0.07), (0.33, 0.45, 0.18), (0.74, 0.80, 0.48)],  # meadow
        [(0.06, 0.13, 0.20), (0.22, 0.42, 0.56), (0.75, 0.87, 0.92)],  # sea
        [(0.26, 0.15, 0.08), (0.66, 0.47, 0.28), (0.94, 0.84, 0.66)],  # sand
        [(0.12, 0.11, 0.12), (0.42, 0.40, 0.40), (0.82, 0.81, 0.79)],  # stone
        [(0.17, 0.08, 0.05), (0.55, 0.28, 0.14), (0.93, 0.70, 0.38)],  # autumn
        [(0.07, 0.07, 0.15), (0.30, 0.27, 0.45), (0.86, 0.68, 0.62)],  # dusk
        [(0.30, 0.36, 0.44), (0.66, 0.73, 0.80), (0.95, 0.96, 0.97)],  # snow
        [(0.13, 0.09, 0.06), (0.42, 0.30, 0.20), (0.80, 0.68, 0.52)],  # wood
        [(0.03, 0.10, 0.08), (0.12, 0.33, 0.26), (0.58, 0.76, 0.60)],  # forest
        [(0.20, 0.13, 0.14), (0.62, 0.46, 0.44), (0.94, 0.86, 0.80)],  # plaster
    ],
    dtype=np.float32,
)

_OCTAVES: Final = (3, 6, 12, 24, 48)
_STEPS: Final = np.linspace(0.0, 1.0, 256)  # the grain laid over later hides the bands


def fractal_noise(rng: np.random.Generator, size: int, gain: float = 0.6) -> np.ndarray:
    """Sum five octaves of smooth noise; size×size float32, standard deviation about 1.4.

    ``gain`` is the amplitude of an octave relative to the one below: amplitude falls as f^-1.7 at
    0.5, which looks out of focus, and as f^-1.4 at 0.8, which looks rough.
    """
    draws = rng.standard_normal(sum(n * n for n in _OCTAVES), dtype=np.float32)
    field = np.zeros((size, size), np.float32)
    start = 0
    for octave, n in enumerate(_OCTAVES):
        grid = draws[start : start + n * n].reshape(n, n)
        field += _enlarge(grid, size, size) * np.float32(1.2 * gain**octave)
        start += n * n
    return field


def _enlarge(grid: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC))


def _colours(rng: np.random.Generator) -> np.ndarray:
    """One palette, its colours moved a little; 3×3 float32, shadow to light."""
    base = _PALETTES[rng.integers(len(_PALETTES))]
    cast = rng.uniform(-0.05, 0.05, 3).astype(np.float32)
    return np.asarray(base * np.float32(rng.uniform(0.8, 1.15)) + cast)


def _tone(field: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Map an H×W field in [0, 1] to 3×H×W colours, from shadow over mid tone to light."""
    table = np.stack([np.interp(_STEPS, (0.0, 0.5, 1.0), channel) for channel in colours.T])
    step = np.clip(field * len(_STEPS), 0, len(_STEPS) - 1).astype(np.intp)
    return table.astype(np.float32)[:, step]


def _ramp(size: int) -> np.ndarray:
    return np.linspace(0.0, 1.0, size, dtype=np.float32)


def _foliage(rng: np.random.Generator, size: int) -> np.ndarray:
    # leaves, gravel or cloth: noise all over, light from one side
    field = fractal_noise(rng, size, rng.uniform(0.5, 0.75))
    slope = np.outer(_ramp(size), np.ones(size, np.float32)) * np.float32(rng.uniform(-0.3, 0.3))
    return _tone(0.45 + 0.16 * field + slope, _colours(rng))


def _landscape(rng: np.random.Generator, size: int) -> np.ndarray:
    # sky over ground: both graded towards the horizon, the ground's grain flattened by perspective
    sky_colours, ground_colours = _colours(rng), _colours(rng)
    down = _ramp(size)[:, None]
    horizon = np.float32(rng.uniform(0.25, 0.65)) + np.float32(rng.uniform(-0.08, 0.08)) * down.T
    clouds, grain = fractal_noise(rng, size, 0.5), fractal_noise(rng, size, 0.7)
    sky = _tone(0.62 + 0.35 * down / horizon + 0.07 * clouds, sky_colours)
    depth = (down - horizon) / (1.0 - horizon)
    flattened = _enlarge(grain[:, : size // 4], size, size)
    ground = _tone(0.6 - 0.3 * depth + 0.12 * flattened + 0.06 * grain, ground_colours)
    edge = np.clip((down - horizon) * np.float32(0.25 * size) + 0.5, 0.0, 1.0)
    return np.asarray(sky + (ground - sky) * edge)


def _hills(rng: np.random.Generator, size: int) -> np.ndarray:
    # three ridges, each nearer one darker: aerial perspective
    colours = _colours(rng)
    down = _ramp(size)[:, None]
    picture = _tone(1.0 - 0.35 * down + 0.05 * fractal_noise(rng, size, 0.5), colours)
    grain = fractal_noise(rng, size, 0.7)
    for nearness in (0.25, 0.6, 0.95):
        crest = _enlarge(rng.uniform(-1, 1, (1, 6)).astype(np.float32), size, 1)
        ridge = np.float32(0.25 + 0.5 * nearness + rng.uniform(-0.08, 0.08)) + 0.09 * crest
        edge = np.clip((down - ridge) * np.float32(0.4 * size) + 0.5, 0.0, 1.0)
        slope = _tone(0.72 - 0.5 * nearness + 0.09 * nearness * grain, colours)
        picture = picture + (slope - picture) * edge
    return np.asarray(picture)


def _wall(rng: np.random.Generator, size: int) -> np.ndarray:
    # a plain wall under a lamp, above a table or floor
    wall_colours, table_colours = _colours(rng), _colours(rng)
    down = _ramp(size)[:, None]
    lamp = rng.uniform(0.0, 1.0, 2).astype(np.float32)
    glow = np.exp(-2.0 * ((down - lamp[0] * 0.6) ** 2 + (down.T - lamp[1]) ** 2))
    rough = fractal_noise(rng, size, 0.75)
    wall = _tone(0.3 + 0.45 * glow + 0.04 * rough, wall_colours)
    table = _tone(
        0.35 + 0.35 * glow + 0.09 * _enlarge(rough[:, : size // 6], size, size), table_colours
    )
    edge = np.clip((down - np.float32(rng.uniform(0.55, 0.95))) * np.float32(0.3 * size), 0.0, 1.0)
    return np.asarray(wall + (table - wall) * edge)


def _bokeh(rng: np.random.Generator, size: int) -> np.ndarray:
    # lights out of focus: soft discs over a dim blur
    colours = _colours(rng)
    picture = _tone(0.28 + 0.12 * fractal_noise(rng, size, 0.5), colours)
    count = int(rng.integers(6, 16))
    centres, radii = rng.uniform(0, size, (count, 2)), rng.uniform(0.03, 0.1, count) * size
    hues = colours[1:][rng.integers(0, 2, count)] * rng.uniform(0.25, 0.6, (count, 1))
    for centre, radius, hue in zip(centres, radii, hues.astype(np.float32), strict=True):
        _add_disc(picture, centre, radius, hue)
    return picture


def _add_disc(picture: np.ndarray, centre: np.ndarray, radius: float, colour: np.ndarray) -> None:
    """Add a disc of light in place, touching only its own square."""
    top, left = np.maximum(np.floor(centre - radius - 2), 0).astype(int)
    bottom, right = np.ceil(centre + radius + 3).astype(int)
    square = picture[:, top:bottom, left:right]
    y, x = (np.arange(n, dtype=np.float32) for n in square.shape[1:])
    away = np.hypot(y[:, None] + (top - centre[0]), x + (left - centre[1]))
    square += np.clip((radius - away) / 1.5 + 0.5, 0.0, 1.0) * colour[:, None, None]


_BACKGROUNDS: Final[tuple[Callable[[np.random.Generator, int], np.ndarray], ...]] = (
    _foliage,
    _landscape,
    _hills,
    _wall,
    _bokeh,
)


def paint_background(rng: np.random.Generator, size: int) -> np.ndarray:
    """Paint one of the five kinds of background, equally likely; 3×size×size float32 RGB."""
    return _BACKGROUNDS[rng.integers(len(_BACKGROUNDS))](rng, size)
