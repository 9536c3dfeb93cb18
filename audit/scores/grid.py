"""Between the CAM's grid (h×w) and the view's pixels (H×W): bilinear upsampling U, and Uᵀ.

U acts on rows and columns apart, with half-pixel centres and clamped edges: exactly
``F.interpolate(mode="bilinear", align_corners=False)``. Because U is linear, a sum of the upsampled
map over a region is ⟨L, UᵀR⟩, on the grid, without upsampling any map.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["as_float", "axis_weights", "project", "upsample"]


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
    """UᵀR: a raster B×H×W carried to the CAM's grid, B×h×w float32.

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
