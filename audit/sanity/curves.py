"""Deletion and insertion: does covering a map's hottest cells take the prediction away?

Source: Petsiuk et al. 2018, RISE (arXiv 1806.07421), section 4.3. A cell stands for the pixels
nearest to it; a covered pixel is that of the blurred view, in both curves, so that no edge and no
colour comes in that the image does not hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.integrate import trapezoid
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Areas", "areas", "blurred"]

_STEPS = 6
_BLUR = 0.1  # the Gaussian's deviation as a share of the view's shorter side

#: The chosen class's probability, float[B], of uint8 views B×3×H×W.
Probability = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Areas:
    """Areas under an image's curves of probability over the share of cells; float64[B] each.

    ``random`` holds for deletion and for insertion alike: covering cells in a random order shows
    the same images as uncovering them in that order reversed, which is random as well.
    """

    deletion: np.ndarray
    insertion: np.ndarray
    random: np.ndarray


def areas(
    probability: Probability, view: Tensor, cams: np.ndarray, index: np.ndarray, seed: int
) -> Areas:
    """Cover and uncover the cells of ``cams`` B×h×w by rank, on the views uint8 B×3×H×W.

    Equal cells are taken in a random order, the one that the map's is compared with; it is keyed
    by (``seed``, ``index`` of the image). Six steps of equal width.
    """
    cells = cams[0].size
    shuffled = np.stack([np.random.default_rng([seed, i]).permutation(cells) for i in index])
    by_rank = np.take_along_axis(cams.reshape(len(cams), cells), shuffled, axis=1)
    order = np.take_along_axis(shuffled, np.argsort(-by_rank, axis=1, kind="stable"), axis=1)
    cover = blurred(view)
    ends = probability(view), probability(cover)
    places = [_places(each, cams.shape).to(view.device) for each in (order, shuffled)]
    deleted, random = ([ends[0], *_curve(probability, view, cover, p), ends[1]] for p in places)
    shown = [ends[1], *_curve(probability, cover, view, places[0]), ends[0]]
    return Areas(_area(deleted, cells), _area(shown, cells), _area(random, cells))


def blurred(view: Tensor) -> Tensor:
    """Each view of uint8 B×3×H×W blurred by a Gaussian of a tenth of its shorter side."""
    sigma = _BLUR * min(view.shape[-2:])
    images = view.permute(0, 2, 3, 1).cpu().numpy()
    soft = np.stack([cv2.GaussianBlur(image, (0, 0), sigma) for image in images])
    return torch.from_numpy(soft).permute(0, 3, 1, 2).to(view.device)


def _places(order: np.ndarray, shape: tuple[int, ...]) -> Tensor:
    """Each cell's place in the order, int64 B×h×w."""
    return torch.from_numpy(np.argsort(order, axis=1).reshape(shape))


def _counts(cells: int) -> list[int]:
    return [round(k * cells / _STEPS) for k in range(_STEPS + 1)]


def _curve(probability: Probability, before: Tensor, after: Tensor, place: Tensor) -> list[Tensor]:
    """Probabilities between the curve's ends: the first cells as in ``after``, the rest not yet."""
    found = []
    for count in _counts(place[0].numel())[1:-1]:
        changed = F.interpolate(
            (place < count).float()[:, None], tuple(before.shape[-2:]), mode="nearest-exact"
        )
        found.append(probability(torch.where(changed > 0, after, before)))
    return found


def _area(curve: list[Tensor], cells: int) -> np.ndarray:
    heights = torch.stack(curve, dim=1).double().cpu().numpy()
    found: np.ndarray = trapezoid(heights, np.array(_counts(cells)) / cells, axis=1)
    return found
