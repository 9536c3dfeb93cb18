"""The comparison class by class: flips and attention with Holm's correction, and the verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from audit.comparison.groups import DELTA_MASS, Groups
from audit.comparison.schema import schema_of
from audit.comparison.sides import Side
from audit.comparison.statistics import RESAMPLES, holm, sign_flip

__all__ = ["class_table", "verdict_change"]

_DRAWS = 2_000_000_000  # signs that the permutation tests of all classes may draw together
_PER_CLASS = 40  # resamples a class: the least p must stay under .05/m after Holm


def class_table(
    pairs: pd.DataFrame, base: Side, candidate: Side, rng: np.random.Generator
) -> pd.DataFrame:
    """One row a class of the base, in its order; audit.comparison.schema names the columns."""
    names = base.manifest["dataset"]["classes"]
    groups = Groups.of(pairs, "true_class")
    resamples = max(RESAMPLES, _PER_CLASS * len(names) - 1)
    draws = _DRAWS // max(1, len(names))
    before, after = _verdicts(base), _verdicts(candidate)
    rows = [
        {"true_class": index, "label": label}
        | groups.changes(index)
        | _permuted(groups.scored.get(index), rng, resamples, draws)
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


def _permuted(
    images: pd.DataFrame | None, rng: np.random.Generator, resamples: int, draws: int
) -> dict[str, Any]:
    if images is None:
        return {}
    test = sign_flip(images[DELTA_MASS].to_numpy(dtype=np.float64), rng, resamples, draws)
    return {"delta_mass_p": test.p, "delta_mass_test": test.method}


def _verdicts(side: Side) -> dict[tuple[int, str], str | None]:
    """Verdicts by class and name: names alone are not unique (ImageNet has two cranes)."""
    return {(row["true_class"], row["label"]): row["verdict"] for row in side.classes}


def _change(base: str | None, candidate: str | None) -> dict[str, Any]:
    return {
        "base_verdict": base,
        "candidate_verdict": candidate,
        "verdict_change": verdict_change(base, candidate),
    }
