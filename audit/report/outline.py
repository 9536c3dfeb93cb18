"""A region's raster as the outline that the page draws over the image."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

__all__ = ["MAX_POINTS", "outline"]

MAX_POINTS = 240  # a page holds hundreds of outlines: a ragged mask must not fill it alone
_TOLERANCE = 0.75  # pixels that the simplified line may stray from the mask's border


def outline(mask: np.ndarray) -> str:
    """The borders of ``mask`` (H×W, nonzero on the region) as an SVG path; "" where it is empty.

    Coordinates are pixel centres: pixel (row 2, column 5) is the point (5, 2), so the path belongs
    into a view box that begins at (-0.5, -0.5). Holes are borders too. Lines are simplified to
    within 0.75 px, and of a mask with very many pieces only the largest are kept, up to
    ``MAX_POINTS`` points.
    """
    raster = (np.asarray(mask) != 0).astype(np.uint8)
    borders, _ = cv2.findContours(raster, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    lines = [_simplified(border) for border in borders]
    return "".join(_path(line) for line in _largest(lines))


def _simplified(border: np.ndarray) -> np.ndarray:
    line = cv2.approxPolyDP(border, _TOLERANCE, True)  # n×1×2 int32: x, y
    if len(line) > MAX_POINTS:
        line = line[:: -(-len(line) // MAX_POINTS)]
    return np.asarray(line).reshape(-1, 2)


def _largest(lines: Sequence[np.ndarray]) -> list[np.ndarray]:
    kept: list[np.ndarray] = []
    left = MAX_POINTS
    for line in sorted(lines, key=_extent, reverse=True):
        if len(line) > left:
            break
        kept.append(line)
        left -= len(line)
    return kept


def _extent(line: np.ndarray) -> int:
    height_width = line.max(axis=0) - line.min(axis=0) + 1
    return int(height_width.prod())


def _path(line: np.ndarray) -> str:
    points = "L".join(f"{x} {y}" for x, y in line.tolist())
    return f"M{points}Z"
