"""What the cases of a comparison can be narrowed to: a label's class, or a value of a column.

The page holds a choice of the images, so beside what is left of them it says how many images of the
kind the two runs share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.comparison.cases import SHELVES, Case
from audit.comparison.content import Comparison
from audit.report.slice_table import slice_words

__all__ = ["narrowing"]

_MOST_VALUES = 200  # of a column: in a longer menu no one finds theirs


def narrowing(found: Comparison, cases: Sequence[Case]) -> dict[str, Any]:
    """What the page's script needs to narrow the cases.

    ``slices``: ``camera = north`` → numbers of the ``cases`` that have it, as the base's images do;
    columns of very many values are left out. ``totals``: images in each bucket, of all, of each
    class and of each value that a case has.
    """
    slices: dict[str, list[int]] = {}
    counted: dict[str, dict[str, int]] = {}
    bucket = found.images["bucket"].to_numpy()
    for column in found.sliced:
        values = column.texts if len(column.texts) <= _MOST_VALUES else ()
        for place, text in enumerate(values):
            held = [at for at, case in enumerate(cases) if column.codes[case.at] == place]
            if held:
                words = slice_words((column.name, text))
                slices[words] = held
                counted[words] = _counted(bucket[: len(column.codes)][column.codes == place])
    classes = {case.row["true_class"] for case in cases} - {None}
    totals = {
        "all": _counted(bucket),
        "group": _by_class(found.images, classes),
        "slice": counted,
    }
    return {"slices": slices, "totals": totals}


def _by_class(images: pd.DataFrame, classes: Iterable[int]) -> dict[str, dict[str, int]]:
    buckets = dict(tuple(images.groupby("true_class")["bucket"]))
    return {str(one): _counted(buckets[one]) for one in sorted(classes)}


def _counted(buckets: pd.Series | np.ndarray) -> dict[str, int]:
    """Images in each bucket that the page has a shelf for."""
    found = pd.Series(buckets).value_counts()
    return {name: int(found.get(name, 0)) for name in SHELVES}
