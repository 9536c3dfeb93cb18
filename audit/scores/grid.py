"""Between the CAM's grid (h×w) and the view's pixels (H×W): bilinear upsampling U, and Uᵀ.

U acts on rows and columns apart, with half-pixel centres and clamped edges: exactly
``F.interpolate(mode="bilinear", align_corners=False)``. Because U is linear, a sum of the upsampled
map over a region is ⟨L, UᵀR⟩, on the grid, without upsampling any map.

Beyond the centres of the outermost cells the upsampled map is flat: whole runs of pixels have one
value for any map. What reads values, and not places, can take each run as one pixel that weighs as
much as all of it: on 64 pixels a side of a 3×3 map, 44 of them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "as_float",
    "axis_weights",
    "merge",
    "project",
    "run_edges",
    "upsample",
    "upsample_merged",
]


@lru_cache(maxsize=64)
def axis_weights(cells: int, pixels: int, device: torch.device) -> Tensor:
    """U along one axis: float32 pixels×cells; each row sums to 1."""
    with torch.inference_mode(False):
        eye = torch.eye(cells, device=device)[:, None, :]  # one hat function a cell
        hats = F.interpolate(eye, size=pixels, mode="linear", align_corners=False)
        return hats[:, 0, :].T.contiguous()


def as_float(region: Tensor) -> Tensor:
    """A raster as float32; bool through uint8, which torch converts several times as fast."""
    return (region.view(torch.uint8) if region.dtype == torch.bool else region).float()


def project(region: Tensor, grid: tuple[int, int]) -> Tensor:
    """UᵀR: rasters …×H×W carried to the CAM's grid, …×h×w float32.

    Summed over the grid it is the raster's sum, in pixels.
    """
    rows = axis_weights(grid[0], region.shape[-2], region.device)
    columns = axis_weights(grid[1], region.shape[-1], region.device)
    return rows.T @ as_float(region) @ columns


def upsample(cam: Tensor, size: tuple[int, int]) -> Tensor:
    """U L: the map B×h×w at B×H×W pixels, float32."""
    rows = axis_weights(cam.shape[-2], size[0], cam.device)
    columns = axis_weights(cam.shape[-1], size[1], cam.device)
    return rows @ cam.float() @ columns.T


def upsample_merged(cam: Tensor, size: tuple[int, int]) -> Tensor:
    """U L at H×W pixels, each run of pixels that have one value for any map once: B×p×q."""
    rows = _runs(cam.shape[-2], size[0], cam.device)[0]
    columns = _runs(cam.shape[-1], size[1], cam.device)[0]
    return rows @ cam.float() @ columns.T


def merge(raster: Tensor, grid: tuple[int, int]) -> Tensor:
    """The sum of a raster B×H×W over each run of ``upsample_merged``'s pixels: B×p×q float32.

    ``grid`` is the map's h×w.
    """
    rows = _runs(grid[0], raster.shape[-2], raster.device)[1]
    columns = _runs(grid[1], raster.shape[-1], raster.device)[1]
    return rows @ as_float(raster) @ columns.T


@lru_cache(maxsize=64)
def run_edges(cells: int, pixels: int) -> np.ndarray:
    """Where the runs of ``upsample_merged`` begin along one axis, and the end: int64[p + 1]."""
    lengths = _runs(cells, pixels, torch.device("cpu"))[1].sum(dim=1).long()
    return F.pad(lengths.cumsum(dim=0), (1, 0)).numpy()


@lru_cache(maxsize=64)
def _runs(cells: int, pixels: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """U along one axis without repeated rows, p×cells; and which pixels each is of, p×pixels."""
    with torch.inference_mode(False):
        weights = axis_weights(cells, pixels, torch.device("cpu"))  # one merging for all devices
        rows, run = weights.unique_consecutive(  # type: ignore[no-untyped-call]
            dim=0, return_inverse=True
        )
        return rows.to(device), F.one_hot(run).T.float().contiguous().to(device)
