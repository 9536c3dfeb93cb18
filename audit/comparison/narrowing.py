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

__all__ = ["narrowing", "slice_names"]

_MOST_VALUES = 200  # of a column: in a longer menu no one finds theirs


def slice_names(found: Comparison, cases: Sequence[Case]) -> dict[str, list[int]]:
    """``camera = north`` → numbers of the ``cases`` that have it, column by column.

    Values are those of the base's images. Columns of very many values are left out.
    """
    held: dict[str, list[int]] = {}
    for column in found.sliced:
        if len(column.texts) > _MOST_VALUES:
            continue
        for place, text in enumerate(column.texts):
            mine = [at for at, case in enumerate(cases) if column.codes[case.at] == place]
            if mine:
                held[slice_words((column.name, text))] = mine
    return held


def narrowing(found: Comparison, cases: Sequence[Case]) -> dict[str, Any]:
    """What the page's script needs to narrow the cases.

    ``slices``: the cases of each value; ``totals``: images in each bucket, of all, of each class
    and of each value that a case has.
    """
    slices = slice_names(found, cases)
    classes = {case.row["true_class"] for case in cases} - {None}
    return {
        "slices": slices,
        "totals": {
            "all": _counted(found.images["bucket"]),
            "group": _by_class(found.images, classes),
            "slice": _by_slice(found, slices),
        },
    }


def _by_class(images: pd.DataFrame, classes: Iterable[int]) -> dict[str, dict[str, int]]:
    buckets = dict(tuple(images.groupby("true_class")["bucket"]))
    return {str(one): _counted(buckets[one]) for one in sorted(classes)}


def _by_slice(found: Comparison, names: Iterable[str]) -> dict[str, dict[str, int]]:
    wanted, bucket = set(names), found.images["bucket"].to_numpy()
    counted = {}
    for column in found.sliced:
        theirs = bucket[: len(column.codes)]
        for place, text in enumerate(column.texts):
            words = slice_words((column.name, text))
            if words in wanted:
                counted[words] = _counted(theirs[column.codes == place])
    return counted


def _counted(buckets: pd.Series | np.ndarray) -> dict[str, int]:
    """Images in each bucket that the page has a shelf for."""
    found = pd.Series(buckets).value_counts()
    return {name: int(found.get(name, 0)) for name in SHELVES}
