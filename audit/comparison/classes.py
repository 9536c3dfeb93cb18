"""The comparison class by class: flips and attention with Holm's correction, and the verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from audit.comparison.overall import flips, labelled
from audit.comparison.schema import schema_of
from audit.comparison.sides import Side
from audit.comparison.statistics import RESAMPLES, adjusted_wald, holm, mcnemar, sign_flip
from audit.verdicts.statistics import mean_interval

__all__ = ["accuracy_change", "class_table", "verdict_change"]

_MASS = "true_relevance_mass_accuracy"
_DRAWS = 2_000_000_000  # signs that the permutation tests of all classes may draw together
_PER_CLASS = 40  # resamples a class: the least p must stay under .05/m after Holm


def class_table(
    pairs: pd.DataFrame, base: Side, candidate: Side, rng: np.random.Generator
) -> pd.DataFrame:
    """One row a class of the base, in its order; audit.comparison.schema names the columns."""
    names = base.manifest["dataset"]["classes"]
    compared = dict(tuple(labelled(pairs).groupby("true_class")))
    scored = dict(tuple(pairs[pairs[f"delta_{_MASS}"].notna()].groupby("true_class")))
    moved = pairs[pairs["attention_moved"].fillna(value=False)].groupby("true_class").size()
    resamples = max(RESAMPLES, _PER_CLASS * len(names) - 1)
    draws = _DRAWS // max(1, len(names))
    before, after = _verdicts(base), _verdicts(candidate)
    rows = [
        {"true_class": index, "label": label, "attention_moved": int(moved.get(index, 0))}
        | accuracy_change(compared.get(index))
        | _attention(scored.get(index), rng, resamples, draws)
        | _change(before.get((index, label)), after.get((index, label)))
        for index, label in enumerate(names)
    ]
    table = pd.DataFrame(rows, columns=schema_of("classes").names)
    for p, adjusted in (("mcnemar_p", "mcnemar_holm_p"), ("delta_mass_p", "delta_mass_holm_p")):
        table[adjusted] = holm(table[p].to_numpy(dtype=np.float64, na_value=np.nan))
    return table


def verdict_change(base: str | None, candidate: str | None) -> str | None:
    """What became of a class's verdict; None where neither run found it spurious.

    A class that the other run did not test, or had too few images for, is neither new nor cured.
    """
    if candidate == "spurious":
        known = {"spurious": "still_spurious", "clean": "newly_spurious"}
        return known.get(base or "", "spurious_untested_before")
    if base == "spurious":
        return "cured" if candidate == "clean" else "untested_now"
    return None


def accuracy_change(images: pd.DataFrame | None) -> dict[str, Any]:
    """A table's columns on the answers to ``images``, labelled in both runs; None: there are none.

    Accuracies, flips, the adjusted Wald interval of the difference, and McNemar's test.
    """
    if images is None:
        return {"n": 0, "negative_flips": 0, "positive_flips": 0}
    n = len(images)
    negative, positive = flips(images)
    interval, test = adjusted_wald(n, negative, positive), mcnemar(negative, positive)
    return {
        "n": n,
        "base_accuracy": images["base_correct"].sum() / n,
        "candidate_accuracy": images["candidate_correct"].sum() / n,
        "negative_flips": negative,
        "positive_flips": positive,
        "delta_accuracy": (positive - negative) / n,
        "delta_accuracy_low": interval.low,
        "delta_accuracy_high": interval.high,
        "mcnemar_p": test.exact_p,
        "mcnemar_mid_p": test.mid_p,
    }


def _attention(
    images: pd.DataFrame | None, rng: np.random.Generator, resamples: int, draws: int
) -> dict[str, Any]:
    if images is None:
        return {"n_scored": 0}
    differences = images[f"delta_{_MASS}"].to_numpy(dtype=np.float64)
    mean, test = mean_interval(differences), sign_flip(differences, rng, resamples, draws)
    return {
        "n_scored": mean.n,
        "base_mass": images[f"base_{_MASS}"].mean(),
        "candidate_mass": images[f"candidate_{_MASS}"].mean(),
        "delta_mass": mean.value,
        "delta_mass_low": mean.low,
        "delta_mass_high": mean.high,
        "delta_mass_p": test.p,
        "delta_mass_test": test.method,
    }


def _verdicts(side: Side) -> dict[tuple[int, str], str | None]:
    """Verdicts by class and name: names alone are not unique (ImageNet has two cranes)."""
    return {(row["true_class"], row["label"]): row["verdict"] for row in side.classes}


def _change(base: str | None, candidate: str | None) -> dict[str, Any]:
    return {
        "base_verdict": base,
        "candidate_verdict": candidate,
        "verdict_change": verdict_change(base, candidate),
    }
