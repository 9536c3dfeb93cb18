"""B: does a class go by the background? Its objects and others', on its backgrounds and on others.

Necessity: objects predicted the class, on the class's backgrounds against other backgrounds.
Sufficiency: other objects, on the class's backgrounds against other backgrounds. Both are paired
over objects. Where swapping among the class's own backgrounds already changes most predictions,
the swap itself disturbs the model and B says nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.rows import rows_of
from audit.verdicts.statistics import mean_interval, signed_rank

__all__ = ["background_evidence", "swap_differences"]

_TESTS = {"necessity": "B-necessity", "sufficiency": "B-sufficiency"}


def swap_differences(interventions: pd.DataFrame, test: str) -> pd.DataFrame:
    """For each class and object: mean probability on the class's backgrounds − on others.

    ``test`` is B-necessity or B-sufficiency. Columns watched_class, index, difference; only
    sampled objects that were put on both kinds of background.
    """
    rows = _sampled(interventions, test)
    key = ["watched_class", "index"]
    rows = rows[rows["p_after"].notna()]
    kinds = [
        rows[rows["kind"] == kind].groupby(key)["p_after"].mean() for kind in ("same", "other")
    ]
    return (kinds[0] - kinds[1]).dropna().rename("difference").reset_index()


def background_evidence(mine: pd.DataFrame, cutoffs: Cutoffs) -> dict[str, Any]:
    """What B found on one class: a part of its row in ``classes``.

    ``mine`` are the rows of ``interventions`` that watch the class. ``background_state`` is tested,
    check_failed, no_usable_regions (enough objects, but too few can be lifted), too_few_objects, or
    None where no swap was made; background_p only where tested.
    """
    found: dict[str, Any] = {}
    for name, test in _TESTS.items():
        values = swap_differences(mine, test)["difference"].to_numpy()
        mean = mean_interval(values)
        found |= {
            f"{name}_n": mean.n,
            f"{name}_effect": mean.value,
            f"{name}_low": mean.low,
            f"{name}_high": mean.high,
            f"{name}_p": signed_rank(values) if mean.n else None,
        }
    found["background_check"] = _check(mine)
    state = _state(mine, found, cutoffs)
    both = [found[f"{name}_p"] for name in _TESTS]
    return found | {
        "background_state": state,
        "background_p": max(both) if state == "tested" else None,
    }


def _sampled(interventions: pd.DataFrame, test: str) -> pd.DataFrame:
    rows = rows_of(interventions, test)
    return rows[rows["role"] == "sample"]


def _check(mine: pd.DataFrame) -> float | None:
    """Share of the swaps among the class's own backgrounds that leave the prediction alone."""
    rows = _sampled(mine, _TESTS["necessity"])
    same = rows[(rows["kind"] == "same") & rows["p_after"].notna()]
    return float(np.mean(same["turned"])) if len(same) else None


def _state(mine: pd.DataFrame, found: dict[str, Any], cutoffs: Cutoffs) -> str | None:
    rows = pd.concat([_sampled(mine, test) for test in _TESTS.values()])
    if rows.empty:
        return None
    for name, test in _TESTS.items():
        n = found[f"{name}_n"]
        refused = rows[(rows["test"] == test) & (rows["kind"] == "untestable")]["index"].nunique()
        if n < cutoffs.min_images:
            return "no_usable_regions" if n + refused >= cutoffs.min_images else "too_few_objects"
    return "tested" if found["background_check"] >= cutoffs.b_check else "check_failed"
