"""The figures of a whole comparison: accuracy, flips and attention, with tests and intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from audit.comparison.buckets import BUCKETS
from audit.comparison.sides import SCORES
from audit.comparison.statistics import flips_interval, mcnemar, mean_interval, sign_flip, wilson

__all__ = ["accuracy", "attention", "counts", "flips", "labelled"]


def labelled(pairs: pd.DataFrame) -> pd.DataFrame:
    """The images on which both runs are right or wrong."""
    known = pairs["base_correct"].notna() & pairs["candidate_correct"].notna()
    return pairs[known & (pairs["bucket"] != "not_judged")]


def flips(pairs: pd.DataFrame) -> tuple[int, int]:
    """How many of ``pairs`` (labelled) are negative flips, and how many positive ones."""
    before = pairs["base_correct"].to_numpy(dtype=bool)
    after = pairs["candidate_correct"].to_numpy(dtype=bool)
    return int((before & ~after).sum()), int((~before & after).sum())


def counts(pairs: pd.DataFrame) -> dict[str, Any]:
    """How many images there are, in both and in each bucket, and how the attention moved."""
    found = pairs["bucket"].value_counts()
    moved = pairs[pairs["bucket"] == "attention_moved"]["delta_true_relevance_mass_accuracy"]
    buckets = {name: int(found.get(name, 0)) for name in BUCKETS}
    alone = buckets["only_in_base"] + buckets["only_in_candidate"]
    return {
        "images": len(pairs),
        "shared": len(pairs) - alone,
        "labelled": len(labelled(pairs)),
        "buckets": buckets,
        "attention_moved_anywhere": int(pairs["attention_moved"].sum()),
        "moved_off_object": int((moved < 0).sum()),
        "moved_onto_object": int((moved > 0).sum()),
    }


def accuracy(pairs: pd.DataFrame, rng: np.random.Generator) -> dict[str, Any] | None:
    """Accuracies, their paired difference, flips and churn; None without a labelled pair."""
    both = labelled(pairs)
    n = len(both)
    if not n:
        return None
    negative, positive = flips(both)
    interval, test = flips_interval(n, negative, positive, rng), mcnemar(negative, positive)
    return {
        "n": n,
        "base": _share(int(both["base_correct"].sum()), n),
        "candidate": _share(int(both["candidate_correct"].sum()), n),
        "delta": (positive - negative) / n,
        "low": interval.low,
        "high": interval.high,
        "interval": interval.method,
        "negative_flips": _share(negative, n),
        "positive_flips": _share(positive, n),
        "churn": _churn(pairs),
        "mcnemar_exact_p": test.exact_p,
        "mcnemar_mid_p": test.mid_p,
    }


def attention(pairs: pd.DataFrame, rng: np.random.Generator) -> dict[str, Any]:
    """Target → score → its paired difference, each on the images where both have the score."""
    return {
        target: {score: _difference(pairs, f"{target}_{score}", rng) for score in SCORES}
        for target in ("true", "pred")
    }


def _difference(pairs: pd.DataFrame, name: str, rng: np.random.Generator) -> dict[str, Any] | None:
    scored = pairs[pairs[f"delta_{name}"].notna()]
    if scored.empty:
        return None
    differences = scored[f"delta_{name}"].to_numpy(dtype=np.float64)
    interval, test = mean_interval(differences, rng), sign_flip(differences, rng)
    return {
        "n": len(scored),
        "base": float(scored[f"base_{name}"].mean()),
        "candidate": float(scored[f"candidate_{name}"].mean()),
        "delta": float(differences.mean()),
        "low": interval.low,
        "high": interval.high,
        "interval": interval.method,
        "p": test.p,
        "test": test.method,
    }


def _share(part: int, n: int) -> dict[str, Any]:
    low, high = wilson(part, n)
    return {"count": part, "value": part / n, "low": low, "high": high}


def _churn(pairs: pd.DataFrame) -> dict[str, Any]:
    known = pairs["prediction_changed"].dropna()
    return {"n": len(known), **_share(int(known.sum()), len(known))}
