"""The strongest swaps of backgrounds of the classes that a background decides, as pictures.

A table of effects says that a background decides; here is one to be looked at: an object in its own
image, on a background of the class, and on a background of another class, with the probability
that the model gave each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from audit.media import Size, picture_of
from audit.plan import Plan
from audit.tables.schema import arrow_schema
from audit.verdicts.background import swap_differences
from audit.verdicts.rows import rows_of
from audit.verify.maps import read_maps
from audit.verify.subjects import Subject, read_subjects
from audit.verify.swap import NECESSITY, SUFFICIENCY, backgrounds, edge, put_on

__all__ = ["swap_examples"]

_OBJECTS = 2  # of a class, in each of the two tests
_SIZE = Size(side=160, limit=4_000)


def swap_examples(
    plan: Plan, images: Path, interventions: pd.DataFrame, verdicts: pd.DataFrame
) -> pa.Table:
    """The ``swaps`` table: for each class that the background decides its strongest objects.

    Of an object's swaps the one on the class's backgrounds with the highest probability and the one
    on others with the lowest, made again: the same seed gives the same pixels. ``images`` is the
    folder of the parts, ``interventions`` their table and ``verdicts`` comes from
    ``class_verdicts``.
    """
    passed = verdicts["true_class"][verdicts["background_passes"].eq(other=True)]
    watched = interventions[interventions["watched_class"].isin(passed)]
    chosen = [
        row
        for cls in passed
        for test in (NECESSITY, SUFFICIENCY)
        for row in _strongest(watched[watched["watched_class"] == cls], test)
    ]
    if not chosen:
        return arrow_schema("swaps").empty_table()
    drawn = _Drawn(plan, images, chosen)
    return pa.Table.from_pylist([drawn.row(one) for one in chosen], schema=arrow_schema("swaps"))


def _strongest(mine: pd.DataFrame, test: str) -> list[dict[str, Any]]:
    """The objects of the largest difference, each with its two swaps, without their pictures."""
    differences = swap_differences(mine, test).sort_values(
        ["difference", "index"], ascending=[False, True]
    )
    rows = rows_of(mine, test).sort_values(["p_after", "other_index"], kind="stable")
    found = []
    for index in differences["index"][:_OBJECTS]:
        tried = rows[(rows["index"] == index) & rows["p_after"].notna()]
        same, other = (tried[tried["kind"] == kind] for kind in ("same", "other"))
        best, worst = same.iloc[-1], other.iloc[0]
        found.append(
            {
                "watched_class": int(best["watched_class"]),
                "watched_label": best["watched_label"],
                "test": test,
                "index": int(index),
                "p_before": best["p_before"],
                "same_index": int(best["other_index"]),
                "same_p": best["p_after"],
                "other_index": int(worst["other_index"]),
                "other_p": worst["p_after"],
            }
        )
    return found


class _Drawn:
    """The images of the chosen swaps, read once."""

    def __init__(self, plan: Plan, images: Path, chosen: Sequence[Mapping[str, Any]]) -> None:
        names = ("index", "same_index", "other_index")
        wanted = np.unique([one[name] for one in chosen for name in names]).astype(np.int64)
        maps = read_maps(images, wanted, plan.grid)
        self._plan = plan
        self._subjects = {one.index: one for one in read_subjects(plan, wanted, *maps.of(wanted))}

    def row(self, one: Mapping[str, Any]) -> dict[str, Any]:
        names = self._plan.task.names
        subject, other = self._subjects[one["index"]], self._subjects[one["other_index"]]
        return {
            **one,
            "label": names[subject.predicted],
            "other_label": names[other.predicted],
            "picture": picture_of(subject.picture, _SIZE),
            "same_picture": self._on(subject, self._subjects[one["same_index"]]),
            "other_picture": self._on(subject, other),
        }

    def _on(self, subject: Subject, where: Subject) -> bytes:
        config = self._plan.config
        (background,) = backgrounds([where], config.fill, config.seed)
        return picture_of(put_on(subject, edge(subject), background), _SIZE)
