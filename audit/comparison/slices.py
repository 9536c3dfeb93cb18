"""The comparison by each value of the dataset's further columns, with Holm's correction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.comparison.groups import Groups
from audit.comparison.schema import schema_of
from audit.comparison.statistics import holm
from audit.tables.sliced import Sliced

__all__ = ["slice_table"]


def slice_table(pairs: pd.DataFrame, columns: Sequence[Sliced]) -> pd.DataFrame:
    """One row a value, as the base's images have it; audit.comparison.schema names the columns.

    ``pairs`` are the joined images, the base's first and in its order, and ``columns`` the base's
    further columns. Holm's correction is over all values of all columns with an image.
    """
    rows = [row for column in columns for row in _rows(column, pairs.iloc[: len(column.codes)])]
    table = pd.DataFrame(rows, columns=schema_of("slices").names)
    p = table["mcnemar_p"].to_numpy(dtype=np.float64, na_value=np.nan)
    table["mcnemar_holm_p"] = holm(p) if len(p) else p
    return table


def _rows(column: Sliced, pairs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    groups = Groups.of(pairs.assign(code=column.codes), "code")
    for at, value in enumerate(column.texts):
        yield {"slice": column.name, "value": value} | groups.changes(at)
