"""L: what S1 and S2 say of a whole class, from its uniformly sampled images alone.

Chosen suspects would bias a class's test; they are left to their own cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.local import ATTEMPTS
from audit.verdicts.place import place
from audit.verdicts.statistics import lower_bound, mean_interval, signed_rank, upper_bound

__all__ = ["local_evidence"]


def local_evidence(images: pd.DataFrame, view: tuple[int, int], cutoffs: Cutoffs) -> dict[str, Any]:
    """What S1 and S2 found on one class: a part of its row in ``classes``.

    ``images`` are the class's rows of ``per_image``, ``view`` is the model's input (H, W).
    ``local_state`` is tested, no_room (enough images, but too few have room for controls),
    no_hosts (S2 lacks images to paste into), too_few_images, or None where nothing was tried;
    local_p only where tested.
    """
    sample = images[images["role"] == "sample"]
    s1 = _over_attempts(_values(sample, "difference"), cutoffs.min_images)
    s2 = _over_attempts(_values(sample, "gain"), cutoffs.min_images)
    null = _over_attempts(_values(sample, "null"), cutoffs.min_images)
    state = _state(sample, s1, s2, cutoffs)
    return {
        "local_state": state,
        "local_p": max(s1["p"], s2["p"]) if state == "tested" else None,
        **{f"s1_{name}": value for name, value in s1.items()},
        **{f"s2_{name}": value for name, value in s2.items()},
        "s1_null_effect": null["effect"],
        "s1_null_p": null["p"],
        "s2_turned": _turned(sample, s2["attempt"]),
        "s1_untestable": int((sample["state"] == "untestable").sum()),
        **_rate(sample),
        **_held(sample[sample["holds"]], view),
    }


def _values(sample: pd.DataFrame, name: str) -> dict[int, np.ndarray]:
    return {
        attempt: sample[f"{name}_{attempt}"].dropna().to_numpy(dtype="float64")
        for attempt in ATTEMPTS
    }


def _over_attempts(values: Mapping[int, np.ndarray], least: int) -> dict[str, Any]:
    """The try with the smaller p, corrected for choosing it; tries on fewer images do not count."""
    p = {attempt: signed_rank(v) for attempt, v in values.items() if len(v) >= least}
    if not p:
        n = max(len(v) for v in values.values())
        return dict.fromkeys(("attempt", "effect", "low", "high", "p")) | {"n": n}
    best = min(p, key=lambda attempt: (p[attempt], -values[attempt].mean()))
    mean = mean_interval(values[best])
    return {
        "attempt": best,
        "n": mean.n,
        "effect": mean.value,
        "low": mean.low,
        "high": mean.high,
        "p": min(1.0, len(ATTEMPTS) * p[best]),
    }


def _state(
    sample: pd.DataFrame, s1: Mapping[str, Any], s2: Mapping[str, Any], cutoffs: Cutoffs
) -> str | None:
    if sample.empty:
        return None
    if s1["p"] is None:
        untestable = (sample["state"] == "untestable").sum()
        return "no_room" if s1["n"] + untestable >= cutoffs.min_images else "too_few_images"
    return "no_hosts" if s2["p"] is None else "tested"


def _rate(sample: pd.DataFrame) -> dict[str, Any]:
    """On what share of the images S1 holds, of those whose patch lies on no other object."""
    differences = sample[[f"difference_{attempt}" for attempt in ATTEMPTS]]
    tested = int(differences.notna().any(axis=1).sum())
    holds = int(sample["holds"].sum())
    return {
        "s1_tested": tested,
        "s1_holds": holds,
        "s1_rate": holds / tested if tested else None,
        "s1_rate_low": lower_bound(holds, tested) if tested else None,
        "s1_rate_high": upper_bound(holds, tested) if tested else None,
    }


def _turned(sample: pd.DataFrame, attempt: int | None) -> float | None:
    """Share of S2's hosts that the patch turned into the class, in the try that S2 rests on."""
    if attempt is None:
        return None
    hosts = int(sample[f"hosts_{attempt}"].sum())
    return float(sample[f"turned_{attempt}"].sum() / hosts) if hosts else None


def _held(held: pd.DataFrame, view: tuple[int, int]) -> dict[str, Any]:
    """The cue, from the images on which S1 holds: what covering it costs, and where it lies."""
    if held.empty:
        return dict.fromkeys(("s1_drop", "s1_control_drop", "cue_place"))
    boxes = held[["x0", "y0", "x1", "y1"]].to_numpy(dtype="float64")
    return {
        "s1_drop": float(held["drop"].mean()),
        "s1_control_drop": float(held["control_median"].mean()),
        "cue_place": place(boxes, view),
    }
