"""Masks as COCO polygons along the edges of their pixels, so that decoding gives the mask back."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

__all__ = ["polygons_of"]

_Point = tuple[int, int]
#: Directions of travel with the mask on the right hand: right, down, left, up.
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def polygons_of(mask: np.ndarray) -> list[list[int]]:
    """COCO's ``segmentation`` of ``mask`` (H×W bool): one polygon a part, x and y in turn.

    A part hangs together over edges. Its holes are reached through a cut of no width. pycocotools
    draws exactly the mask from them.
    """
    _, part = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    joined: dict[int, list[_Point]] = {}
    for loop in sorted(_loops(mask), key=_area, reverse=True):  # holes have a negative area
        x, y = _pixel_of(loop)
        of_part = int(part[y, x])
        joined[of_part] = _with_hole(joined[of_part], loop) if of_part in joined else loop
    return [[value for point in loop for value in point] for loop in joined.values()]


def _loops(mask: np.ndarray) -> list[list[_Point]]:
    """The corners of every closed border; where two pixels touch by a corner, they are parted."""
    leaving = _edges(mask)
    ahead = dict.fromkeys((point, way) for point in sorted(leaving) for way in leaving[point])
    loops = []
    while ahead:
        loops.append(_walk(next(iter(ahead)), leaving, ahead))
    return loops


def _edges(mask: np.ndarray) -> dict[_Point, list[int]]:
    """From each grid point, the directions of the border's unit edges that leave it."""
    m = np.pad(mask, 1)
    here, above, left = m[1:, 1:], m[:-1, 1:], m[1:, :-1]
    borders = (  # has the edge: its pixel, and where from that pixel's corner the edge leaves
        (here & ~above, 0, 0),  # the top of ``here``, to the right
        (left & ~here, 0, 0),  # the right side of ``left``, down
        (above & ~here, 1, 0),  # the bottom of ``above``, to the left
        (here & ~left, 0, 1),  # the left side of ``here``, up
    )
    leaving: dict[_Point, list[int]] = {}
    for direction, (has, right, down) in enumerate(borders):
        for y, x in np.argwhere(has).tolist():
            leaving.setdefault((x + right, y + down), []).append(direction)
    return leaving


def _walk(
    first: tuple[_Point, int], leaving: dict[_Point, list[int]], ahead: dict[Any, None]
) -> list[_Point]:
    """The border that begins with edge ``first``, whose edges are taken out of ``ahead``."""
    (x, y), way = first
    corners = []
    while True:
        del ahead[(x, y), way]
        x, y = x + _STEPS[way][0], y + _STEPS[way][1]
        turns = ((way + turn) % 4 for turn in (1, 0, 3))  # right first: stay with the pixel
        onward = next(turn for turn in turns if turn in leaving[x, y])
        if onward != way:
            corners.append((x, y))
        way = onward
        if ((x, y), way) == first:
            return corners


def _area(loop: list[_Point]) -> int:
    """Twice the signed area: positive round the mask, negative round a hole."""
    ahead = [*loop[1:], loop[0]]
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(loop, ahead, strict=True))


def _pixel_of(loop: list[_Point]) -> _Point:
    """A pixel of the mask that the border runs along: the one below an edge to the right."""
    ahead = [*loop[1:], loop[0]]
    return next(a for a, b in zip(loop, ahead, strict=True) if a[1] == b[1] and b[0] > a[0])


def _with_hole(outer: list[_Point], hole: list[_Point]) -> list[_Point]:
    """``outer`` with a cut from its corner nearest to the hole's first, round it, and back."""
    x, y = hole[0]
    place = min(range(len(outer)), key=lambda i: abs(outer[i][0] - x) + abs(outer[i][1] - y))
    return [*outer[: place + 1], *hole, hole[0], *outer[place:]]
