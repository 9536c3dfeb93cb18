"""The rows of ``interventions`` as plain numbers."""

from __future__ import annotations

import pandas as pd

__all__ = ["rows_of"]


def rows_of(interventions: pd.DataFrame, test: str) -> pd.DataFrame:
    """The rows of one ``test``: a copy with two columns more.

    ``p_before`` and ``p_after`` become float64 (null: NaN). ``change`` is p_after − p_before, and
    ``turned`` says whether the changed picture is predicted the watched class.
    """
    rows = interventions[interventions["test"] == test].copy()
    for name in ("p_before", "p_after"):
        rows[name] = rows[name].to_numpy(dtype="float64", na_value=float("nan"))
    rows["change"] = rows["p_after"] - rows["p_before"]
    after = rows["pred_after"].to_numpy(dtype="float64", na_value=float("nan"))
    rows["turned"] = after == rows["watched_class"].to_numpy(dtype="float64")
    return rows
