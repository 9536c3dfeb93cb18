"""The comparison by each value of the dataset's further columns, with Holm's correction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from audit.comparison.classes import accuracy_change
from audit.comparison.overall import labelled
from audit.comparison.schema import schema_of
from audit.comparison.sides import Side
from audit.comparison.statistics import holm
from audit.tables.sliced import Sliced, read_slices
from audit.verdicts.statistics import mean_interval

__all__ = ["slice_table"]

_MASS = "true_relevance_mass_accuracy"


def slice_table(pairs: pd.DataFrame, base: Side) -> pd.DataFrame:
    """One row a value, as the base's images have it; audit.comparison.schema names the columns.

    ``pairs`` are the joined images, the base's first and in its order. Holm's correction is over
    all values of all columns with an image.
    """
    columns = read_slices(base.root / "images").columns
    shared = pairs.iloc[: len(base.images)]
    rows = [row for column in columns for row in _rows(column, shared)]
    table = pd.DataFrame(rows, columns=schema_of("slices").names)
    p = table["mcnemar_p"].to_numpy(dtype=np.float64, na_value=np.nan)
    table["mcnemar_holm_p"] = holm(p) if len(p) else p
    return table


def _rows(column: Sliced, pairs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    coded = pairs.assign(code=column.codes)
    compared = dict(tuple(labelled(coded).groupby("code")))
    scored = dict(tuple(coded[coded[f"delta_{_MASS}"].notna()].groupby("code")))
    moved = coded[coded["attention_moved"].fillna(value=False)].groupby("code").size()
    for at, value in enumerate(column.texts):
        yield (
            {"slice": column.name, "value": value}
            | accuracy_change(compared.get(at))
            | _mass(scored.get(at))
            | {"attention_moved": int(moved.get(at, 0))}
        )


def _mass(images: pd.DataFrame | None) -> dict[str, Any]:
    if images is None:
        return {"n_scored": 0}
    mean = mean_interval(images[f"delta_{_MASS}"].to_numpy(dtype=np.float64))
    return {
        "n_scored": mean.n,
        "base_mass": images[f"base_{_MASS}"].mean(),
        "candidate_mass": images[f"candidate_{_MASS}"].mean(),
        "delta_mass": mean.value,
        "delta_mass_low": mean.low,
        "delta_mass_high": mean.high,
    }
