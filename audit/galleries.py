"""Which cases the report shows: a bounded choice, the same for the same tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["GALLERIES", "choose"]

GALLERIES = ("misclassified", "off_object", "on_object_correct", "control")
_CONTROL_SHARE = 0.1
_CONTROL_MOST = 100


def choose(
    cases: pd.DataFrame, judged: pd.Series, correct: pd.Series, limit: int, seed: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Pick at most ``limit`` cases for the report.

    A tenth (at most 100) is a random control sample of the readable images, and as much an example
    of images that are right and on the object; the rest goes to the worst of the misclassified and
    of the off-object images, half each, and what one leaves unused to the other. Returns a frame
    with ``index`` and ``galleries`` (lists), ascending, and how many images of the run belong to
    each gallery.
    """
    misclassified, off = cases["misclassified"].astype(bool), cases["off_object"].astype(bool)
    right = correct.eq(other=True).fillna(value=False).astype(bool) & judged & ~off
    readable = ~cases["unreadable"].astype(bool)
    rng = np.random.default_rng([seed, 0])
    few = min(round(limit * _CONTROL_SHARE), _CONTROL_MOST)
    picked = {
        "control": _random(cases[readable], few, rng),
        "on_object_correct": _random(cases[right], few, rng),
    }
    left = max(limit - sum(map(len, picked.values())), 0)
    wrong, beside = _worst(cases[misclassified]), _worst(cases[off])
    first = min(len(wrong), max(left - left // 2, left - len(beside)))
    picked["misclassified"], picked["off_object"] = wrong[:first], beside[: left - first]
    totals = (int(misclassified.sum()), int(off.sum()), int(right.sum()), int(readable.sum()))
    return _listed(picked), dict(zip(GALLERIES, totals, strict=True))


def _worst(cases: pd.DataFrame) -> list[int]:
    ranked = cases.sort_values(["severity", "index"], ascending=[False, True], kind="stable")
    return [int(index) for index in ranked["index"]]


def _random(cases: pd.DataFrame, n: int, rng: np.random.Generator) -> list[int]:
    chosen = rng.choice(cases["index"].to_numpy(), size=min(n, len(cases)), replace=False)
    return [int(index) for index in chosen]


def _listed(picked: dict[str, list[int]]) -> pd.DataFrame:
    """One row an index, with the galleries it was picked for."""
    galleries: dict[int, list[str]] = {}
    for name in GALLERIES:
        for index in picked[name]:
            galleries.setdefault(index, []).append(name)
    chosen = sorted(galleries)
    return pd.DataFrame({"index": chosen, "galleries": [galleries[index] for index in chosen]})
