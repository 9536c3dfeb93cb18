"""The tests and intervals that verdicts rest on, each by its published form.

Signed-rank test: Wilcoxon 1945, differences of zero left out. q-values: Benjamini and Hochberg
1995. Interval of a mean: Student's t. Bounds of a share: Clopper and Pearson 1934.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, false_discovery_control, t, wilcoxon

__all__ = ["Mean", "lower_bound", "mean_interval", "q_values", "signed_rank", "upper_bound"]

_LEVEL = 0.95


@dataclass(frozen=True)
class Mean:
    """A mean of n values and its two-sided 95% interval, in the values' unit.

    None: there is no value, or for the interval only one.
    """

    n: int
    value: float | None
    low: float | None
    high: float | None


def signed_rank(differences: np.ndarray) -> float:
    """p of the one-sided signed-rank test that ``differences`` (float[n]) tend to lie above zero.

    Zeros carry no sign and are left out, which keeps the test exact under a symmetric null; what
    share of the images they are is for the rate and the mean to say. Nothing but zeros, or nothing
    at all: 1.
    """
    signed = differences[differences != 0]
    if not len(signed):
        return 1.0
    return float(wilcoxon(signed, alternative="greater").pvalue)


def q_values(p: np.ndarray) -> np.ndarray:
    """Benjamini–Hochberg's adjusted p-values (float[m], the order of ``p``)."""
    return np.asarray(false_discovery_control(p)) if len(p) else np.zeros(0)


def mean_interval(values: np.ndarray) -> Mean:
    """The mean of ``values`` (float[n]) with the 95% interval by Student's t."""
    n = len(values)
    if not n:
        return Mean(0, None, None, None)
    middle = float(values.mean())
    if n == 1:
        return Mean(1, middle, None, None)
    half = float(t.ppf((1 + _LEVEL) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Mean(n, middle, middle - half, middle + half)


def lower_bound(successes: int, n: int) -> float:
    """One-sided 95% Clopper–Pearson bound: the share is at least this; 0 without any trial."""
    if n == 0:
        return 0.0
    return float(binomtest(successes, n, alternative="greater").proportion_ci(_LEVEL).low)


def upper_bound(successes: int, n: int) -> float:
    """One-sided 95% Clopper–Pearson bound: the share is at most this; 1 without any trial."""
    if n == 0:
        return 1.0
    return float(binomtest(successes, n, alternative="less").proportion_ci(_LEVEL).high)
