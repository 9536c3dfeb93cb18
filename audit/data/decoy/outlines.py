"""The outlines of the ten decoy classes: closed contours in unit coordinates.

x points right and y down; a shape fits a circle of radius 1.3 round the origin. An outline is a
tuple of contours, each n×2 float64, of which those after the first are holes in it (even-odd).
"""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["OUTLINES", "Outline", "outline_area"]

Outline = tuple[np.ndarray, ...]

_POINTS: Final = 180  # a contour's points: finer than a quarter pixel at 128 px
_TURN: Final = np.linspace(0.0, 2.0 * np.pi, _POINTS, endpoint=False)


def _polar(radius: np.ndarray, angle: np.ndarray = _TURN) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _profile(x: np.ndarray, half_width: np.ndarray) -> np.ndarray:
    """Close the curve y = ±half_width(x): a shape symmetric about the x axis."""
    upper = np.stack([x, -half_width], axis=1)
    return np.concatenate([upper, np.stack([x, half_width], axis=1)[::-1]])


def _ball() -> Outline:
    return (_polar(np.ones(_POINTS)),)


def _ring() -> Outline:
    return (_polar(np.ones(_POINTS)), _polar(np.full(_POINTS, 0.52)))


def _cross() -> Outline:
    arm, tip = 0.36, 1.0
    corner = np.array([(arm, -tip), (arm, -arm), (tip, -arm)])
    turns = [np.array([[0, -1], [1, 0]]), -np.eye(2), np.array([[0, 1], [-1, 0]])]
    return (np.concatenate([corner, *(corner @ turn.T for turn in turns)]),)


def _star() -> Outline:
    angle = np.arange(10) * np.pi / 5 - np.pi / 2
    return (_polar(np.where(np.arange(10) % 2 == 0, 1.1, 0.47), angle),)


def _heart() -> Outline:
    # the classic parametric heart, centred and scaled to about unit radius
    x = 16 * np.sin(_TURN) ** 3
    y = 13 * np.cos(_TURN) - 5 * np.cos(2 * _TURN) - 2 * np.cos(3 * _TURN) - np.cos(4 * _TURN)
    return (np.stack([x, -(y + 2.5)], axis=1) / 15.5,)


def _flower() -> Outline:
    return (_polar(0.6 + 0.46 * np.sqrt(np.abs(np.cos(2.5 * _TURN)))),)


def _gear() -> Outline:
    return (_polar(0.92 + 0.12 * np.tanh(4.0 * np.cos(10 * _TURN))),)


def _leaf() -> Outline:
    x = np.linspace(-1.0, 1.0, _POINTS // 2)
    blade = 0.5 * np.cos(0.5 * np.pi * x) ** 0.8 * (1.0 - 0.3 * x)
    stalk_x = np.array([-1.28, -0.95])
    x, blade = np.concatenate([stalk_x, x[3:]]), np.concatenate([[0.05, 0.05], blade[3:]])
    return (_profile(x, blade),)


def _moon() -> Outline:
    # the outer circle from cusp to cusp, back along an inner circle through the same cusps
    cusp, shift = np.deg2rad(52.0), 0.48
    outer = _polar(np.ones(120), np.linspace(cusp, 2 * np.pi - cusp, 120))
    inner_radius = np.hypot(np.cos(cusp) - shift, np.sin(cusp))
    edge = np.arctan2(np.sin(cusp), np.cos(cusp) - shift)
    inner = _polar(np.full(90, inner_radius), np.linspace(2 * np.pi - edge, edge, 90))
    contour = np.concatenate([outer, inner[1:-1] + np.array([shift, 0.0])])
    return (contour + np.array([0.2, 0.0]),)


def _fish() -> Outline:
    x = np.linspace(-1.15, 1.05, _POINTS // 2)
    body = 0.52 * np.sqrt(np.clip(1.0 - ((x - 0.2) / 0.85) ** 2, 0.0, None))
    tail = np.clip(-0.62 * (x + 0.42), 0.0, None)
    return (_profile(x, np.maximum(body, tail)),)


OUTLINES: Final[dict[str, Outline]] = {
    "ball": _ball(),
    "cross": _cross(),
    "fish": _fish(),
    "flower": _flower(),
    "gear": _gear(),
    "heart": _heart(),
    "leaf": _leaf(),
    "moon": _moon(),
    "ring": _ring(),
    "star": _star(),
}


def outline_area(outline: Outline) -> float:
    """Area of an outline in squared units (shoelace formula): first contour less its holes."""
    areas = [_polygon_area(contour) for contour in outline]
    return areas[0] - sum(areas[1:])


def _polygon_area(contour: np.ndarray) -> float:
    x, y = contour.T
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
