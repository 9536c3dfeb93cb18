"""Accuracy and attention for each value of the dataset's further columns (camera, site, …)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.typing import SeriesGroupBy

from audit.summary import MEDIANS, accuracy_of, scored
from audit.tables.schema import arrow_schema
from audit.tables.sliced import Sliced, Slices
from audit.triage import judged, of_one_kind

__all__ = ["slice_table"]


def slice_table(slices: Slices, images: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """One row a value of each column; ``images`` and ``cases`` are the rows that were read.

    The figures are those of the class table: accuracy of the labelled images, medians of the
    label's maps where the region counts, and the share of off-object images among those judged.
    """
    within = scored(images).to_numpy(dtype=bool)
    off = cases["off_object"].astype("float32").where(judged(images) & of_one_kind(images))
    right = images["correct"].astype("Float32").to_numpy(dtype=np.float32, na_value=np.nan)
    rows = [
        row
        for column in slices.columns
        for row in _rows(column, images, within, off.to_numpy(), right)
    ]
    return pd.DataFrame(rows, columns=arrow_schema("slices").names)


def _rows(
    column: Sliced,
    images: pd.DataFrame,
    within: np.ndarray,
    off: np.ndarray,
    right: np.ndarray,
) -> Iterator[dict[str, Any]]:
    k, known = len(column.texts), column.codes >= 0
    answered = known & ~np.isnan(right)
    n_images = np.bincount(column.codes[known], minlength=k)
    n = np.bincount(column.codes[answered], minlength=k)
    n_correct = np.bincount(column.codes[answered & (right == 1)], minlength=k)
    n_scored = np.bincount(column.codes[known & within], minlength=k)
    medians = {
        name: _by_value(column, images[of].to_numpy(), known & within).median().reindex(range(k))
        for name, of in MEDIANS.items()
    }
    rates = _by_value(column, off, known).mean()
    for at, value in enumerate(column.texts):
        yield (
            {"slice": column.name, "value": value, "n_images": int(n_images[at])}
            | accuracy_of(int(n_correct[at]), int(n[at]))
            | {"n_scored": int(n_scored[at])}
            | {name: _number(medians[name][at]) for name in MEDIANS}
            | {"off_object_rate": _number(rates[at])}
        )


def _by_value(column: Sliced, figures: np.ndarray, rows: np.ndarray) -> SeriesGroupBy[Any, Any]:
    return pd.Series(figures[rows]).groupby(column.codes[rows])


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
