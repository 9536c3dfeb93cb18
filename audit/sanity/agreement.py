"""How alike two maps of one image are: by the order of their cells, and by their structure."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor
from torch.nn import functional as F

__all__ = ["rank_correlation", "ssim"]

_SIGMA, _RADIUS = 1.5, 5  # px: the Gaussian window of 11×11 of Wang et al. 2004
_C1, _C2 = 0.01**2, 0.03**2  # for images in [0, 1]


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's r of each pair of rows of two matrices n×cells: float64[n].

    Ties share their mean rank. NaN where a row is constant: it has no order.
    """
    ranks = [rankdata(rows, axis=1) for rows in (first, second)]
    a, b = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    norm = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    with np.errstate(invalid="ignore"):
        found: np.ndarray = (a * b).sum(axis=1) / np.where(norm > 0, norm, np.nan)
    return found


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """The mean structural similarity of each pair of images n×H×W with values in [0, 1]: float[n].

    Wang et al. 2004 (IEEE TIP 13.4), over every whole 11×11 Gaussian window. NaN
    where the images are smaller than one window.
    """
    if min(first.shape[-2:]) < 2 * _RADIUS + 1:
        return torch.full((len(first),), torch.nan)
    a, b = first.float(), second.float()
    mean_a, mean_b = _local_mean(a), _local_mean(b)
    variance_a = _local_mean(a * a) - mean_a**2
    variance_b = _local_mean(b * b) - mean_b**2
    covariance = _local_mean(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_a + variance_b + _C2)
    return (luminance * structure).mean(dim=(-2, -1))


def _local_mean(images: Tensor) -> Tensor:
    """The Gaussian mean round each pixel that has a whole window: n×(H-10)×(W-10)."""
    at = torch.arange(-_RADIUS, _RADIUS + 1, dtype=images.dtype, device=images.device)
    window = torch.exp(-(at**2) / (2 * _SIGMA**2))
    window = window / window.sum()
    rows = F.conv2d(images[:, None], window[None, None, :, None])
    return F.conv2d(rows, window[None, None, None, :])[:, 0]
