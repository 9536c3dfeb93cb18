"""Scores that are ratios of sums: exact on the CAM's grid, for any size of the view.

L is the raw map (B×h×w, ≥ 0), R the region and V the valid pixels, both as UᵀR and UᵀV (B×h×w).
A score that does not exist is NaN here and null in the tables, never 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["agreement", "border", "entropy", "excess", "gaussian", "lift", "mass_inside", "ratio"]

_CENTRE_SIGMA = 0.25  # of the side: about two thirds of the mass in the middle quarter of the area
_BORDER = 1 / 8  # of the side, at each edge: .4375 of the area


def mass_inside(cam: Tensor, region: Tensor, valid: Tensor) -> Tensor:
    """Relevance mass accuracy ΣL·R / ΣL·V, float32[B]; NaN for a zero map.

    Also known as energy-based pointing game, attribution localisation, or continuous saliency
    coverage (Arras et al. 2022; Wang et al. 2020).
    """
    return ratio((cam * region).sum((-2, -1)), (cam * valid).sum((-2, -1)))


def lift(mass: Tensor, area: Tensor) -> Tensor:
    """mass / a: 1 is chance. NaN where a = 0."""
    return ratio(mass, area)


def excess(mass: Tensor, area: Tensor) -> Tensor:
    """(mass − a) / (1 − a): 0 is chance, 1 all inside. NaN where a = 1."""
    return ratio(mass - area, 1 - area)


def entropy(cam: Tensor) -> Tensor:
    """Shannon entropy of the map as a distribution over its cells, over log(h·w): 1 is flat.

    NaN for a zero map and for a single cell.
    """
    share = _distribution(cam)
    flat = math.log(share.shape[-1])
    return -torch.xlogy(share, share).sum(-1) / (flat if flat > 0 else math.nan)


def agreement(first: Tensor, second: Tensor) -> Tensor:
    """Σ min(P, Q) of two maps (B×h×w) as distributions over the grid: 1 equal, 0 disjoint."""
    return torch.minimum(_distribution(first), _distribution(second)).sum(-1)


def border(size: tuple[int, int], device: torch.device) -> Tensor:
    """The frame's outer eighth at each edge as a raster 1×H×W: .4375 of the area."""
    inner = [((torch.arange(n, device=device) + 0.5) / n - 0.5).abs() < 0.5 - _BORDER for n in size]
    return ~(inner[0][:, None] & inner[1][None, :])[None]


def gaussian(pixels: int, device: torch.device) -> Tensor:
    """A Gaussian of σ = ¼ of the side along one axis, float32[pixels]: the map of knowing nothing.

    Over both axes it is the centre baseline of pointing-game evaluations (Zhang et al. 2016).
    """
    at = (torch.arange(pixels, device=device) + 0.5) / pixels - 0.5
    return torch.exp(-(at**2) / (2 * _CENTRE_SIGMA**2))


def _distribution(cam: Tensor) -> Tensor:
    flat = cam.flatten(1)
    return ratio(flat, flat.sum(-1, keepdim=True))


def ratio(above: Tensor, below: Tensor) -> Tensor:
    """above / below of tensors that broadcast, NaN where below is not positive."""
    return torch.where(below > 0, above / below, torch.nan)
