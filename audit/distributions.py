"""How attention and confidence are spread over the run: counts in fixed bins, never the values.

The page draws histograms and a reliability diagram from them, whatever the number of images.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from audit.triage import of_one_kind

__all__ = ["BINS", "distributions"]

BINS = 20  # of mass and of area, on [0, 1]
_CONFIDENCE_BINS = 15  # the usual number for an expected calibration error
_LEAST_VISIBLE = 0.25
_MASS = "pred_relevance_mass_accuracy"


def distributions(images: pd.DataFrame) -> dict[str, Any]:
    """``distributions`` of ``summary.json``, from ``images`` (columns audit.triage.READ).

    ``mass``: counts of the predicted class's heat on the object for right and wrong answers, beside
    the region's share of the view for the same images; null where no image has both a map's score
    and a label. ``reliability``: by the predicted class's probability, how often it is right, and
    the expected calibration error; null where no image has an answer and a label.
    """
    return {"mass": _masses(images), "reliability": _reliability(images)}


def _masses(images: pd.DataFrame) -> dict[str, Any] | None:
    known = (
        images[_MASS].notna()
        & images["pred_region_area_fraction"].notna()
        & images["correct"].notna()
        & (images["pred_region_visible_fraction"] >= _LEAST_VISIBLE).fillna(value=False)
        & of_one_kind(images)
    )
    scored = images.loc[known.astype(bool), ["correct", _MASS, "pred_region_area_fraction"]]
    if scored.empty:
        return None
    right = scored["correct"].astype(bool).to_numpy()
    mass = scored[_MASS].to_numpy(dtype=float)
    area = scored["pred_region_area_fraction"].to_numpy(dtype=float)
    return {
        "bins": BINS,
        "right": _spread(mass[right]),
        "wrong": _spread(mass[~right]),
        "area": _spread(area),
    }


def _spread(values: np.ndarray) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    counts, _ = np.histogram(np.clip(known, 0, 1), bins=BINS, range=(0, 1))
    median = float(np.median(known)) if len(known) else None
    return {"counts": counts.tolist(), "n": len(known), "median": median}


def _reliability(images: pd.DataFrame) -> dict[str, Any] | None:
    """Bins of equal width; the error weighs each bin's gap by its share of the images (ECE)."""
    known = images["correct"].notna() & images["pred_probability"].notna()
    answered = images.loc[known.astype(bool), ["correct", "pred_probability"]]
    if answered.empty:
        return None
    surety = np.clip(answered["pred_probability"].to_numpy(dtype=float), 0, 1)
    right = answered["correct"].astype(bool).to_numpy()
    place = np.minimum((surety * _CONFIDENCE_BINS).astype(int), _CONFIDENCE_BINS - 1)
    bins = [_bin(at, surety[place == at], right[place == at]) for at in range(_CONFIDENCE_BINS)]
    gaps = [one["n"] * abs(one["accuracy"] - one["confidence"]) for one in bins if one["n"]]
    return {
        "bins": bins,
        "ece": float(sum(gaps) / len(answered)),
        "confidence": float(surety.mean()),
        "accuracy": float(right.mean()),
        "n": len(answered),
    }


def _bin(at: int, surety: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    n, k = len(right), int(right.sum())
    edges = {"from": at / _CONFIDENCE_BINS, "to": (at + 1) / _CONFIDENCE_BINS, "n": n}
    if not n:
        return edges | dict.fromkeys(("confidence", "accuracy", "low", "high"))
    wilson = binomtest(k, n).proportion_ci(method="wilson")
    return edges | {
        "confidence": float(surety.mean()),
        "accuracy": k / n,
        "low": float(wilson.low),
        "high": float(wilson.high),
    }
