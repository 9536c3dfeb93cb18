"""Scores that read the order of a map's pixels, on a raster of at most 64 a side.

``heat`` is the upsampled map (B×r×c), ``region`` and ``valid`` the share of each raster pixel that
the region, or what is not to be ignored, covers (B×r×c, 0 to 1; ``valid`` None: everything; a
region lies within what is valid). Shares count as weights, so that on binary regions these are the
usual definitions. Tied pixels share what they earn together: no score depends on their order.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Ranked", "average_precision", "coverages", "rank_accuracy", "ranked", "roc_area"]


@dataclass(frozen=True)
class Ranked:
    """A batch's pixels in ascending order of heat, n an image, sorted once for every score."""

    region: Tensor  # B×n: the region's share of each pixel, in that order
    inside: Tensor  # B×(n+1): running sum of region, from 0
    count: Tensor  # B×(n+1): running sum of what is valid, from 0
    first: Tensor  # int64 B×n: where the pixel's group of ties begins
    last: Tensor  # int64 B×n: one past where it ends


def ranked(heat: Tensor, region: Tensor, valid: Tensor | None = None) -> Ranked:
    """Sort the pixels of ``heat``, ``region`` and ``valid`` (B×r×c each) by heat."""
    value, order = _ascending(heat.flatten(1))
    weight = region.flatten(1).gather(1, order)
    images, n = value.shape
    place = torch.arange(n + 1, device=value.device)
    new = F.pad(value[:, 1:] != value[:, :-1], (1, 0), value=True)
    first = torch.where(new, place[:-1], 0).cummax(dim=1).values
    ends = F.pad(new[:, 1:], (0, 1), value=True)
    last = torch.where(ends, place[1:], n).flip(1).cummin(dim=1).values.flip(1)
    if valid is None:
        count = place.float().expand(images, -1)
    else:
        count = _running(valid.flatten(1).gather(1, order))
    return Ranked(weight, _running(weight), count, first, last)


def rank_accuracy(order: Ranked) -> Tensor:
    """Relevance rank accuracy: the share of the ⌈ΣR⌉ highest pixels that lies in R, float32[B].

    NaN for a flat map and for an empty region. Source: Arras et al. 2022 (arXiv 2003.07258).
    """
    total, every = order.inside[:, -1:], order.count[:, -1:]
    k = torch.minimum(total.ceil(), every).clamp(min=1)
    # the k-th highest pixel: its ties share the places that are left
    cut = torch.searchsorted(order.count.contiguous(), every - k, right=True) - 1
    cut = cut.clamp(0, order.first.shape[1] - 1)
    first, last = order.first.gather(1, cut), order.last.gather(1, cut)
    inside_last, count_last = order.inside.gather(1, last), order.count.gather(1, last)
    tied = inside_last - order.inside.gather(1, first)
    group = count_last - order.count.gather(1, first)
    places = k - (every - count_last)
    found = (total - inside_last + tied * places / group) / k
    flat = group >= every
    return torch.where((total > 0) & ~flat, found, torch.nan)[:, 0]


def roc_area(order: Ranked) -> Tensor:
    """Area under the ROC curve of the pixels, float32[B]; NaN where R is empty or full.

    The chance that a pixel of R is hotter than one outside, ties counted half.
    """
    outside = order.count - order.inside
    below, up_to = outside.gather(1, order.first), outside.gather(1, order.last)
    pairs = order.inside[:, -1] * outside[:, -1]
    earned = (order.region * (below + up_to)).sum(dim=1) / 2
    return torch.where(pairs > 0, earned / pairs, torch.nan)


def average_precision(order: Ranked) -> Tensor:
    """Average precision of the pixels against R (PxAP of one image), float32[B].

    Precision at a pixel's own value, averaged over the pixels of R; NaN where R is empty or full.
    Source: Choe et al. 2020 (arXiv 2001.07437).
    """
    total, every = order.inside[:, -1], order.count[:, -1]
    hits = total[:, None] - order.inside.gather(1, order.first)
    taken = every[:, None] - order.count.gather(1, order.first)
    precision = torch.where(order.region > 0, hits / taken, 0)
    found = (order.region * precision).sum(dim=1) / total
    return torch.where((total > 0) & (total < every), found, torch.nan)


def coverages(
    heat: Tensor, region: Tensor, valid: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Shared Interest of S = {heat > mean + 1σ} and R: (IoU, share of R, share of S), float32[B].

    NaN where the denominator is empty. σ is the population's. Source: Boggust et al. 2022
    (arXiv 2107.09234): IoU, ground-truth and saliency coverage.
    """
    heat, region = heat.flatten(1), region.flatten(1)
    weight = torch.ones_like(heat) if valid is None else valid.flatten(1)
    every = weight.sum(dim=1, keepdim=True)
    mean = (heat * weight).sum(dim=1, keepdim=True) / every
    sigma = (((heat - mean) ** 2 * weight).sum(dim=1, keepdim=True) / every).sqrt()
    salient = (heat > mean + sigma) * weight
    both = torch.minimum(salient, region).sum(dim=1)
    either = torch.maximum(salient, region).sum(dim=1)
    parts = (either, region.sum(dim=1), salient.sum(dim=1))
    iou, truth, saliency = (torch.where(part > 0, both / part, torch.nan) for part in parts)
    return iou, truth, saliency


def _running(weight: Tensor) -> Tensor:
    return F.pad(weight.cumsum(dim=1), (1, 0))


def _ascending(heat: Tensor) -> tuple[Tensor, Tensor]:
    """The values along the last axis in ascending order, and where they stood."""
    found = heat.sort(dim=1)
    return found.values, found.indices
