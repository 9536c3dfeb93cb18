"""Where the hottest pixel lies: scores of a map's maximum, on a raster of at most 64 a side.

``heat`` is the upsampled map (B×r×c), ``region`` and ``valid`` the share of each raster pixel that
the region, or what is not to be ignored, covers (B×r×c, 0 to 1; ``valid`` None: everything).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from audit.scores.grid import as_float

__all__ = ["Peak", "dilate", "inside", "raster_size", "to_raster"]

_LARGEST = 64
_IN = 0.5  # a raster pixel is in the region when at least half of it is


def raster_size(size: tuple[int, int]) -> tuple[int, int]:
    """The raster for a view of ``size``: the view itself, or 64 a side where it is larger."""
    return min(size[0], _LARGEST), min(size[1], _LARGEST)


def to_raster(region: Tensor, size: tuple[int, int]) -> Tensor:
    """Regions …×H×W as the share of each raster pixel that they cover, …×size float32."""
    region = as_float(region)
    if tuple(region.shape[-2:]) == size:
        return region
    rows = _overlap(size[0], region.shape[-2], region.device)
    columns = _overlap(size[1], region.shape[-1], region.device)
    return (rows @ region @ columns.T.contiguous()).clamp_(max=1)


def dilate(region: Tensor, reach: tuple[int, int]) -> Tensor:
    """A bool region B×H×W grown by ``reach`` = (rows, columns) pixels on every side."""
    for axis, by in ((-2, reach[0]), (-1, reach[1])):
        grown = 0
        while grown < by:
            step = min(2 * grown + 1, by - grown)  # what is grown meets what it is shifted by
            region = _with_shifted(region, axis, step)
            grown += step
    return region


@dataclass(frozen=True)
class Peak:
    """The hottest pixels of B maps, found once for every region that is asked of."""

    hottest: Tensor  # B×r×c bool: all of tied maxima
    first: Tensor  # int64[B]: the first of them, row by row

    @classmethod
    def of(cls, heat: Tensor, valid: Tensor | None = None) -> Peak:
        """The maxima among the valid pixels; meaningless for a zero map: the caller nulls it."""
        if valid is not None:
            heat = torch.where(valid >= _IN, heat, -torch.inf)
        top, first = heat.flatten(1).max(dim=1)
        return cls(heat == top[:, None, None], first)

    def hits(self, inside: Tensor) -> Tensor:
        """Pointing game: whether a maximum lies ``inside`` (B×r×c bool, of ``inside``); bool[B].

        Any of tied maxima counts. Source: Zhang et al. 2016 (arXiv 1608.00507).
        """
        return _any(self.hottest & inside)

    def near(self, inside: Tensor, frame: Tensor, tolerance: float) -> Tensor:
        """Whether the first maximum lies within ``tolerance`` pixels of one ``inside``; bool[B].

        Pixels of the *source image*, in which ``frame`` float32[B×4] is the view (x0, y0, x1, y1).
        Distances run from centre to centre.
        """
        rows, columns = inside.shape[-2:]
        step_y, step_x = (frame[:, 3] - frame[:, 1]) / rows, (frame[:, 2] - frame[:, 0]) / columns
        at_y = torch.arange(rows, device=inside.device) - (self.first // columns)[:, None]
        at_x = torch.arange(columns, device=inside.device) - (self.first % columns)[:, None]
        down, across = (at_y * step_y[:, None]) ** 2, (at_x * step_x[:, None]) ** 2
        close = across[:, None] <= tolerance**2 - down[:, :, None]
        return _any(close & inside)


def inside(region: Tensor) -> Tensor:
    """The raster pixels that count as a region's: covered by half, or where none is, the most.

    ``region`` is …×r×c, so is what is found, bool.
    """
    most = region.amax(dim=(-2, -1), keepdim=True)
    return region >= torch.where(most > 0, most.clamp(max=_IN), torch.inf)


def _any(raster: Tensor) -> Tensor:
    """Whether any pixel of a bool raster B×r×c is set, bool[B]; torch's maximum is much faster."""
    return raster.view(torch.uint8).flatten(1).amax(dim=1) > 0


def _with_shifted(region: Tensor, axis: int, step: int) -> Tensor:
    """The union of a region with itself moved by ``step`` both ways along ``axis``."""
    found, kept = region.clone(), region.shape[axis] - step
    if kept > 0:
        found.narrow(axis, step, kept).logical_or_(region.narrow(axis, 0, kept))
        found.narrow(axis, 0, kept).logical_or_(region.narrow(axis, step, kept))
    return found


@lru_cache(maxsize=64)
def _overlap(pixels: int, finer: int, device: torch.device) -> Tensor:
    """The share of each of ``pixels`` that each of ``finer`` ≥ pixels covers: float32 pixels×finer.

    Each row sums to 1.
    """
    with torch.inference_mode(False):
        step = finer / pixels
        start = torch.arange(pixels, dtype=torch.float64)[:, None] * step
        left = torch.arange(finer, dtype=torch.float64)[None, :]
        length = torch.minimum(start + step, left + 1) - torch.maximum(start, left)
        return (length.clamp(min=0) / step).to(device, torch.float32)
