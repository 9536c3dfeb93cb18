"""Where the hottest pixel lies: scores of a map's maximum, on a raster of at most 64 a side."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["dilate", "hits", "hits_within", "raster_size", "to_raster"]

_LARGEST = 64
_IN = 0.5  # a raster pixel is in the region when at least half of it is


def raster_size(size: tuple[int, int]) -> tuple[int, int]:
    """The raster for a view of ``size``: the view itself, or 64 a side where it is larger."""
    return min(size[0], _LARGEST), min(size[1], _LARGEST)


def to_raster(region: Tensor, size: tuple[int, int]) -> Tensor:
    """A region B×H×W as the share of each raster pixel that it covers, B×size float32."""
    region = region.float()
    if tuple(region.shape[-2:]) == size:
        return region
    return F.adaptive_avg_pool2d(region[:, None], size)[:, 0]


def dilate(region: Tensor, reach: tuple[int, int]) -> Tensor:
    """A bool region B×H×W grown by ``reach`` = (rows, columns) pixels on every side.

    By a running count, so that the cost does not grow with the reach.
    """
    for axis, by in ((-2, reach[0]), (-1, reach[1])):
        n = region.shape[axis]
        count = F.pad(region.transpose(axis, -1).cumsum(-1), (1, 0))
        at = torch.arange(n, device=region.device)
        after, before = (at + by + 1).clamp(max=n), (at - by).clamp(min=0)
        region = (count[..., after] > count[..., before]).transpose(axis, -1)
    return region


def hits(heat: Tensor, region: Tensor) -> Tensor:
    """Pointing game: whether a maximum of ``heat`` (B×r×c) lies in ``region`` (B×r×c); bool[B].

    Any of tied maxima counts. Meaningless for a zero map: the caller nulls it.
    Source: Zhang et al. 2016 (arXiv 1608.00507).
    """
    hottest = heat == heat.amax(dim=(-2, -1), keepdim=True)
    return (hottest & _inside(region)).flatten(1).any(-1)


def _inside(region: Tensor) -> Tensor:
    """The raster pixels that count as the region's: covered by half, or where none is, the most."""
    most = region.amax(dim=(-2, -1), keepdim=True)
    return (region >= most.clamp(max=_IN)) & (region > 0)


def hits_within(heat: Tensor, region: Tensor, frame: Tensor, tolerance: float) -> Tensor:
    """Whether a maximum lies within ``tolerance`` pixels of the *source image* of the region.

    ``frame`` float32[B×4] is the view in the source image (x0, y0, x1, y1). Distances run from
    centre to centre, from the first of tied maxima; a tied maximum inside is a hit. bool[B].
    """
    rows, columns = heat.shape[-2:]
    first = heat.flatten(1).argmax(-1)
    step_y, step_x = (frame[:, 3] - frame[:, 1]) / rows, (frame[:, 2] - frame[:, 0]) / columns
    at_y = torch.arange(rows, device=heat.device)[None, :] - (first // columns)[:, None]
    at_x = torch.arange(columns, device=heat.device)[None, :] - (first % columns)[:, None]
    squared = ((at_y * step_y[:, None]) ** 2)[:, :, None] + ((at_x * step_x[:, None]) ** 2)[:, None]
    near = (squared <= tolerance**2) & _inside(region)
    return near.flatten(1).any(-1) | hits(heat, region)
