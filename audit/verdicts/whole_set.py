"""From the uniform samples within predicted classes to a rate over the whole set.

A stratified estimate: Σ N_c/N · k_c/n_c, where of the N_c images predicted c, n_c were sampled and
k_c of these are spurious_verified; an untestable image is sampled and not verified. It holds given
the class verdicts: where L did not pass, the rate is zero by the flag's definition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm

__all__ = ["WholeSetRate", "whole_set_rate"]

_LEVEL = 0.95


@dataclass(frozen=True)
class WholeSetRate:
    """The share of images that decide by a verified patch, among those of the tested classes.

    The 95% interval is Clopper–Pearson's where one class carries the whole rate; with several it is
    the normal one, each class's variance taken at (k + z²/2)/(n + z²) (Agresti and Coull), so that
    a class with k = 0 or k = n still adds some, and multiplied by 1 − n/N for sampling without
    replacement. All None where no class was tested.
    """

    rate: float | None
    low: float | None
    high: float | None
    n: int  # images predicted a tested class
    n_sampled: int  # of these
    n_untested: int  # images predicted any other class


def whole_set_rate(
    predicted: pd.Series, images: pd.DataFrame, verdicts: pd.DataFrame
) -> WholeSetRate:
    """The rate over ``predicted``: pred_class of every image of the set that has one.

    ``images`` comes from ``per_image``, ``verdicts`` from ``class_verdicts``.
    """
    sizes = predicted.dropna().value_counts()
    tested = verdicts[verdicts["local_state"] == "tested"].set_index("true_class")
    sample = images[(images["role"] == "sample") & images["watched_class"].isin(tested.index)]
    total = int(sizes.reindex(tested.index, fill_value=0).sum())
    left = int(sizes.sum()) - total
    if not total:
        return WholeSetRate(None, None, None, 0, 0, left)
    passed = tested.index[tested["local_passes"].eq(other=True)]
    held = sample.groupby("watched_class")["holds"].agg(["sum", "size"]).reindex(passed)
    strata = np.column_stack([sizes.reindex(passed), held["sum"], held["size"]]).astype("float64")
    rate, low, high = _stratified(strata, total)
    return WholeSetRate(rate, low, high, total, len(sample), left)


def _stratified(strata: np.ndarray, total: int) -> tuple[float, float, float]:
    """Rate and interval of ``strata``, float S×3 of N_c, k_c, n_c; other images have rate zero."""
    if not len(strata):
        return 0.0, 0.0, 0.0
    size, k, n = strata.T
    weight = size / total
    rate = float((weight * k / n).sum())
    if len(strata) == 1 and n[0] < size[0]:
        exact = binomtest(int(k[0]), int(n[0])).proportion_ci(_LEVEL)
        return rate, float(weight[0] * exact.low), float(weight[0] * exact.high)
    z = float(norm.ppf((1 + _LEVEL) / 2))
    share = (k + z * z / 2) / (n + z * z)
    variance = weight**2 * share * (1 - share) / (n + z * z) * (1 - n / size)
    half = z * float(np.sqrt(variance.sum()))
    return rate, max(0.0, rate - half), min(float(weight.sum()), rate + half)
