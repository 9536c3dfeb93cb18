"""The verdict on each class: L and B, corrected for both ways and for the number of classes.

p = min(1, 2·min(p_L, p_B)), an untested way counting as p = 1. Benjamini–Hochberg over the tested
classes rejects R of m at q. A class found so may still have passed by one way only: a way counts
where 2·p is at most R·q/m (the selection-adjusted level of Benjamini and Bogomolov 2014), and where
its effects reach their floors. Floors come after the correction, so they can only clear a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.verdicts.background import background_evidence
from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.local import per_image
from audit.verdicts.local_class import local_evidence
from audit.verdicts.sentences import verdict_sentence
from audit.verdicts.statistics import q_values

__all__ = ["class_verdicts"]

_WAYS = ("local", "background")


def class_verdicts(
    interventions: pd.DataFrame,
    classes: Sequence[str],
    *,
    view: tuple[int, int],
    fill: str,
    estimated: bool,
    cutoffs: Cutoffs,
) -> pd.DataFrame:
    """One row for each of the dataset's ``classes``, with the verdict columns of ``classes``.

    ``view`` is the model's input (H, W) that the boxes refer to, ``fill`` what the patches of
    verdicts are covered with. ``estimated``: the regions are estimated, so that a verdict is a
    warning at most. A class without any row is ``not_tested``.
    """
    if not classes:  # a dataset without labels: the columns, and no row
        given = {"view": view, "fill": fill, "estimated": estimated, "cutoffs": cutoffs}
        return class_verdicts(interventions, [""], **given)[:0]  # type: ignore[arg-type]
    images = per_image(interventions, fill, cutoffs)
    evidence = {
        watched: _evidence(images[images["watched_class"] == watched], mine, view, cutoffs)
        for watched, mine in interventions.groupby("watched_class")
    }
    nothing = _evidence(images[:0], interventions[:0], view, cutoffs)
    rows = [
        {"true_class": index, "label": label, "verdict_estimated": estimated}
        | evidence.get(index, nothing)
        for index, label in enumerate(classes)
    ]
    _correct(rows, cutoffs)
    for row in rows:
        row.update(_verdict(row))
        row["verdict_sentence"] = verdict_sentence(row)
    return pd.DataFrame(rows)


def _evidence(
    images: pd.DataFrame, mine: pd.DataFrame, view: tuple[int, int], cutoffs: Cutoffs
) -> dict[str, Any]:
    return local_evidence(images, view, cutoffs) | background_evidence(mine, cutoffs)


def _correct(rows: list[dict[str, Any]], cutoffs: Cutoffs) -> None:
    """Give each row p_value, q_value, and whether it passes by either way."""
    for row in rows:
        row["p_value"] = _combined(row)
    tested = [row for row in rows if row["p_value"] is not None]
    found = q_values(np.array([row["p_value"] for row in tested]))
    rejected = int((found <= cutoffs.q).sum())
    level = rejected * cutoffs.q / max(1, len(tested))
    adjusted = dict(zip((row["true_class"] for row in tested), found, strict=True))
    for row in rows:
        q = adjusted.get(row["true_class"])
        row["q_value"] = None if q is None else float(q)
        for way, floors in zip(_WAYS, (_local_floors, _background_floors), strict=True):
            p = row[f"{way}_p"]
            passed = p is not None and len(_WAYS) * p <= level and floors(row, cutoffs)
            row[f"{way}_passes"] = None if p is None else passed


def _combined(row: Mapping[str, Any]) -> float | None:
    p = [row[f"{way}_p"] for way in _WAYS if row[f"{way}_p"] is not None]
    return min(1.0, len(_WAYS) * min(p)) if p else None


def _local_floors(row: Mapping[str, Any], cutoffs: Cutoffs) -> bool:
    return bool(
        row["s1_rate"] >= cutoffs.s1_rate
        and row["s1_effect"] >= cutoffs.mean_d
        and row["s2_effect"] >= cutoffs.mean_g
    )


def _background_floors(row: Mapping[str, Any], cutoffs: Cutoffs) -> bool:
    return bool(
        row["necessity_effect"] >= cutoffs.necessity
        and row["sufficiency_effect"] >= cutoffs.sufficiency
    )


def _verdict(row: Mapping[str, Any]) -> dict[str, str | None]:
    states = [row[f"{way}_state"] for way in _WAYS]
    if states == [None, None]:
        return {"verdict": "not_tested", "verdict_by": None}
    by = [way for way in _WAYS if row[f"{way}_passes"]]
    if by:
        return {"verdict": "spurious", "verdict_by": " and ".join(by)}
    clean = states == ["tested", "tested"]  # what was half tested is not cleared
    return {"verdict": "clean" if clean else "not_enough_images", "verdict_by": None}
