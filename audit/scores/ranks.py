"""Scores that read the order of a map's pixels, on a raster of at most 64 a side.

``heat`` is the upsampled map (B×r×c), ``region`` the share of each raster pixel that the region
covers (B×r×c, 0 to 1). Shares count as weights, so that on a binary region these are the usual
definitions. Tied pixels share what they earn together: no score depends on their order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Ranked", "average_precision", "coverages", "rank_accuracy", "ranked", "roc_area"]


@dataclass(frozen=True)
class Ranked:
    """A batch's pixels in ascending order of heat, n an image, sorted once for every score."""

    value: Tensor  # B×n
    region: Tensor  # B×n: the region's share of each pixel, in that order
    inside: Tensor  # B×(n+1): running sum of region, from 0
    first: Tensor  # int64 B×n: where the pixel's group of ties begins
    last: Tensor  # int64 B×n: one past where it ends


def ranked(heat: Tensor, region: Tensor) -> Ranked:
    """Sort the pixels of ``heat`` and ``region`` (B×r×c each) by heat."""
    order = _ascending(heat.flatten(1))
    value = heat.flatten(1).gather(1, order)
    weight = region.flatten(1).gather(1, order)
    n = value.shape[1]
    place = torch.arange(n, device=value.device)
    new = F.pad(value[:, 1:] != value[:, :-1], (1, 0), value=True)
    first = torch.where(new, place, 0).cummax(dim=1).values
    ends = F.pad(new[:, 1:], (0, 1), value=True)
    last = torch.where(ends, place + 1, n).flip(1).cummin(dim=1).values.flip(1)
    return Ranked(value, weight, F.pad(weight.cumsum(dim=1), (1, 0)), first, last)


def rank_accuracy(order: Ranked) -> Tensor:
    """Relevance rank accuracy: the share of the ⌈ΣR⌉ highest pixels that lies in R, float32[B].

    NaN for a flat map and for an empty region. Source: Arras et al. 2022 (arXiv 2003.07258).
    """
    n, total = order.value.shape[1], order.inside[:, -1]
    k = total.ceil().clamp(min=1)
    cut = n - k.long()[:, None]  # the k-th highest pixel: its ties share the places that are left
    first, last = order.first.gather(1, cut), order.last.gather(1, cut)
    above = (total[:, None] - order.inside.gather(1, last))[:, 0]
    tied = (order.inside.gather(1, last) - order.inside.gather(1, first))[:, 0]
    places = k - (n - last[:, 0])
    found = (above + tied * places / (last - first)[:, 0]) / k
    flat = order.value[:, 0] == order.value[:, -1]
    return torch.where((total > 0) & ~flat, found, torch.nan)


def roc_area(order: Ranked) -> Tensor:
    """Area under the ROC curve of the pixels, float32[B]; NaN where R is empty or full.

    The chance that a pixel of R is hotter than one outside, ties counted half.
    """
    places = torch.arange(order.inside.shape[1], device=order.inside.device)
    outside = places - order.inside
    below, up_to = outside.gather(1, order.first), outside.gather(1, order.last)
    pairs = order.inside[:, -1] * outside[:, -1]
    earned = (order.region * (below + up_to)).sum(dim=1) / 2
    return torch.where(pairs > 0, earned / pairs, torch.nan)


def average_precision(order: Ranked) -> Tensor:
    """Average precision of the pixels against R (PxAP of one image), float32[B].

    Precision at a pixel's own value, averaged over the pixels of R; NaN where R is empty or full.
    Source: Choe et al. 2020 (arXiv 2001.07437).
    """
    n, total = order.value.shape[1], order.inside[:, -1]
    hits = total[:, None] - order.inside.gather(1, order.first)
    found = (order.region * hits / (n - order.first)).sum(dim=1) / total
    return torch.where((total > 0) & (total < n), found, torch.nan)


def coverages(heat: Tensor, region: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shared Interest of S = {heat > mean + 1σ} and R: (IoU, share of R, share of S), float32[B].

    NaN where the denominator is empty. σ is the population's. Source: Boggust et al. 2022
    (arXiv 2107.09234): IoU, ground-truth and saliency coverage.
    """
    heat, region = heat.flatten(1), region.flatten(1)
    cut = heat.mean(dim=1, keepdim=True) + heat.std(dim=1, keepdim=True, correction=0)
    salient = (heat > cut).float()
    both = torch.minimum(salient, region).sum(dim=1)
    either = torch.maximum(salient, region).sum(dim=1)
    parts = (either, region.sum(dim=1), salient.sum(dim=1))
    iou, truth, saliency = (torch.where(part > 0, both / part, torch.nan) for part in parts)
    return iou, truth, saliency


def _ascending(heat: Tensor) -> Tensor:
    """argsort along the last axis. On the CPU by NumPy, whose sort is many times torch's speed."""
    if heat.device.type == "cpu":
        return torch.from_numpy(np.argsort(heat.numpy(), axis=1))
    return heat.argsort(dim=1)
