"""A map as a picture to lay over the view: coloured as the report colours it, clear where cold."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

__all__ = ["heat_png", "region_png", "size_of"]

_SIDE = 448  # px: finer than any grid needs
_FULL = 160  # of 255: where a map's colour hides the picture below
_CYAN = (242, 227, 123)  # BGR: the report's outline
_WASH = 150  # of 255: how much of the colour covers a cell that lies in the region


def size_of(view: Sequence[int]) -> tuple[int, int]:
    """Width and height of every picture of a run whose model's view is ``view`` (h, w)."""
    scale = _SIDE / max(view)
    return max(1, round(view[1] * scale)), max(1, round(view[0] * scale))


def heat_png(cells: Sequence[int], grid: tuple[int, int], view: Sequence[int]) -> bytes:
    """A map (h·w values of 0 to 255, row by row) as a PNG with an alpha channel, in inferno.

    It is resized as the scores define it: bilinear, half-pixel centres, clamped at the border.
    """
    map_ = np.asarray(cells, np.float32).reshape(grid)
    values = cv2.resize(map_, size_of(view), interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap(np.rint(values).astype(np.uint8), cv2.COLORMAP_INFERNO)
    alpha = np.rint(255 * np.minimum(1, values / _FULL)).astype(np.uint8)
    return _png(np.dstack([colours, alpha]))


def region_png(
    region: Sequence[float],
    valid: Sequence[float] | None,
    grid: tuple[int, int],
    view: Sequence[int],
) -> bytes:
    """The region as the map's grid sees it: a wash on each cell, by the share that lies in it.

    ``region`` and ``valid`` (None: everything is valid) are ``region_grid`` and ``valid_grid``.
    """
    share = np.asarray(region, np.float32) / (_area(grid, view) if valid is None else _some(valid))
    wash = np.rint(_WASH * np.clip(share, 0, 1)).astype(np.uint8).reshape(grid)
    alpha = cv2.resize(wash, size_of(view), interpolation=cv2.INTER_NEAREST)
    colour = np.broadcast_to(np.array(_CYAN, np.uint8), (*alpha.shape, 3))
    return _png(np.dstack([colour, alpha]))


def _some(valid: Sequence[float]) -> np.ndarray:
    return np.maximum(np.asarray(valid, np.float32), 1e-6)


def _area(grid: tuple[int, int], view: Sequence[int]) -> np.ndarray:
    """Each cell's share of the view under bilinear resizing (Uᵀ1), in px."""
    rows, columns = (_weights(cells, size) for cells, size in zip(grid, view, strict=True))
    return np.outer(rows, columns).ravel().astype(np.float32)


def _weights(cells: int, size: int) -> np.ndarray:
    at = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, cells - 1)
    part = at - low
    return np.bincount(low, 1 - part, cells) + np.bincount(high, part, cells)


def _png(bgra: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", np.ascontiguousarray(bgra))[1])
