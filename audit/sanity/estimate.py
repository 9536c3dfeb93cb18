"""A mean over images with its bootstrap interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Estimate", "bootstrap_mean"]

_RESAMPLES = 2000
_BOUNDS = (2.5, 97.5)


@dataclass(frozen=True)
class Estimate:
    """A mean over ``n`` images; the bounds are None where one image leaves nothing to resample."""

    value: float
    low: float | None
    high: float | None
    n: int


def bootstrap_mean(values: np.ndarray, seed: int) -> Estimate | None:
    """The mean of the finite ``values`` (float[n], one an image) and its 95% interval.

    Percentile bootstrap over images (Efron and Tibshirani 1993, chapter 13). None where no value
    is finite: a figure that does not exist is not 0.
    """
    known = values[np.isfinite(values)].astype(np.float64)
    n = len(known)
    if n == 0:
        return None
    if n == 1:
        return Estimate(float(known[0]), None, None, 1)
    drawn = np.random.default_rng(seed).integers(n, size=(_RESAMPLES, n))
    low, high = np.percentile(known[drawn].mean(axis=1), _BOUNDS)
    return Estimate(float(known.mean()), float(low), float(high), n)
