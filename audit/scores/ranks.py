"""Scores that read the order of a map's pixels, on a raster of at most 64 a side.

``heat`` is the upsampled map (B×p×q), ``region`` and ``valid`` how much of each of its pixels the
region (B×p×q), or what is not to be ignored (B×p×q, or 1×p×q for all), covers; a region lies within
what is valid. Both count as weights: on binary regions these are the usual definitions, and a pixel
that stands for several of one value (``audit.scores.grid.merge``) weighs as much as they. Tied
pixels share what they earn together: no score depends on their order.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Ranked", "average_precision", "coverages", "rank_accuracy", "ranked", "roc_area"]

_LEAST = 1e-3  # of a pixel: that much outside is a sum's rounding, and the region is full


@dataclass(frozen=True)
class Ranked:
    """A batch's pixels in ascending order of heat, n an image, sorted once for every score.

    ``inside_below`` and ``count_below`` are the running sums before a pixel's group of ties.
    """

    value: Tensor  # B×n: the heat
    region: Tensor  # B×n: how much of each pixel the region covers
    inside: Tensor  # B×(n+1): running sum of region, from 0
    count: Tensor  # B×(n+1): running sum of what is valid, from 0
    inside_below: Tensor  # B×n
    count_below: Tensor  # B×n


def ranked(heat: Tensor, region: Tensor, valid: Tensor) -> Ranked:
    """Sort the pixels of ``heat``, ``region`` and ``valid`` by heat."""
    value, order = _ascending(heat.flatten(1))
    weight = region.flatten(1).gather(1, order)
    count = _running(valid.flatten(1).expand(len(value), -1).gather(1, order))
    inside = _running(weight)
    tied = _ties(value)
    return Ranked(value, weight, inside, count, inside.gather(1, tied), count.gather(1, tied))


def rank_accuracy(order: Ranked) -> Tensor:
    """Relevance rank accuracy: the share of the ⌈ΣR⌉ highest pixels that lies in R, float32[B].

    NaN for a flat map and for an empty region. Source: Arras et al. 2022 (arXiv 2003.07258).
    """
    total, every = order.inside[:, -1:], order.count[:, -1:]
    k = torch.minimum(total.ceil(), every).clamp(min=1)
    # the k-th highest pixel: its ties share the places that are left
    cut = torch.searchsorted(order.count, every - k, right=True) - 1
    cut = cut.clamp(0, order.value.shape[1] - 1)
    last = torch.searchsorted(order.value, order.value.gather(1, cut), right=True)
    inside_last, count_last = order.inside.gather(1, last), order.count.gather(1, last)
    tied = inside_last - order.inside_below.gather(1, cut)
    group = count_last - order.count_below.gather(1, cut)
    places = k - (every - count_last)
    found = (total - inside_last + tied * places / group) / k
    flat = group >= every
    return torch.where((total > 0) & ~flat, found, torch.nan)[:, 0]


def roc_area(order: Ranked) -> Tensor:
    """Area under the ROC curve of the pixels, float32[B]; NaN where R is empty or full.

    The chance that a pixel of R is hotter than one outside, ties counted half: the mean of the
    pairs where it is hotter, and of those where it is not colder.
    """
    total = order.inside[:, -1]
    outside = order.count[:, -1] - total
    weight = order.count.diff(dim=1) - order.region  # how much of each pixel lies outside
    hotter = (order.region * (order.count_below - order.inside_below)).sum(dim=1)
    colder = (weight * order.inside_below).sum(dim=1)
    pairs = total * outside
    return torch.where(_two_sided(order), (hotter + pairs - colder) / 2 / pairs, torch.nan)


def average_precision(order: Ranked) -> Tensor:
    """Average precision of the pixels against R (PxAP of one image), float32[B].

    Precision at a pixel's own value, averaged over the pixels of R; NaN where R is empty or full.
    Source: Choe et al. 2020 (arXiv 2001.07437).
    """
    total, every = order.inside[:, -1], order.count[:, -1]
    hits = total[:, None] - order.inside_below
    taken = every[:, None] - order.count_below
    precision = torch.where(order.region > 0, hits / taken, 0)
    found = (order.region * precision).sum(dim=1) / total
    return torch.where(_two_sided(order), found, torch.nan)


def coverages(heat: Tensor, region: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shared Interest of S = {heat > mean + 1σ} and R: (IoU, share of R, share of S), float32[B].

    NaN where the denominator is empty. σ is the population's. Source: Boggust et al. 2022
    (arXiv 2107.09234): IoU, ground-truth and saliency coverage.
    """
    heat, region, weight = heat.flatten(1), region.flatten(1), valid.flatten(1)
    every = weight.sum(dim=1, keepdim=True)
    mean = (heat * weight).sum(dim=1, keepdim=True) / every
    sigma = (((heat - mean) ** 2 * weight).sum(dim=1, keepdim=True) / every).sqrt()
    salient = (heat > mean + sigma) * weight
    both = torch.minimum(salient, region).sum(dim=1)
    shown, whole = salient.sum(dim=1), region.sum(dim=1)
    parts = (shown + whole - both, whole, shown)
    iou, truth, saliency = (torch.where(part > 0, both / part, torch.nan) for part in parts)
    return iou, truth, saliency


def _two_sided(order: Ranked) -> Tensor:
    """Whether R is neither empty nor full: bool[B]."""
    total, every = order.inside[:, -1], order.count[:, -1]
    return (total > 0) & (every - total > _LEAST)


def _running(weight: Tensor) -> Tensor:
    return F.pad(weight.cumsum(dim=1), (1, 0))


def _ascending(heat: Tensor) -> tuple[Tensor, Tensor]:
    """The values (float32 B×n, ≥ 0) of each row in ascending order, and where they stood (int64).

    Sorted as integers, since the bits of a float that is not negative are in the order of its
    value; and stably, which is faster where values rise and fall in long runs, as a map's do.
    """
    bits = (heat + 0.0).view(torch.int32)  # + 0.0 makes a zero of -0.0
    value, order = bits.sort(dim=1, stable=True)
    return value.view(torch.float32), order


def _ties(value: Tensor) -> Tensor:
    """Where each pixel's group of ties begins in ascending values: int64 B×n."""
    new = F.pad(value[:, 1:] != value[:, :-1], (1, 0), value=True)
    place = torch.arange(value.shape[1], device=value.device)
    return torch.where(new, place, 0).cummax(dim=1).values
