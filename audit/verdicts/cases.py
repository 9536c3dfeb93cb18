"""What the interventions say of single images: their flags, reasons and severity in ``cases``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from audit.report.text import effect
from audit.tables.verdict_columns import TESTED
from audit.verdicts.place import place

__all__ = ["evidence_reasons", "with_evidence"]


def with_evidence(
    cases: pd.DataFrame,
    predicted: pd.Series,
    images: pd.DataFrame,
    verdicts: pd.DataFrame,
) -> pd.DataFrame:
    """``cases`` with local_cause, spurious_verified, spurious_class and untestable filled in.

    ``predicted`` is each case's pred_class (aligned with ``cases``), ``images`` comes from
    ``per_image``, ``verdicts`` from ``class_verdicts``. Images without an S1 keep null, as do those
    predicted a class without a verdict in spurious_class. Severity gets the drop where it is
    larger.
    """
    marked = cases.copy(deep=False)
    known = predicted.isin(verdicts["true_class"][verdicts["verdict"].isin(TESTED)])
    spurious = predicted.isin(verdicts["true_class"][verdicts["verdict"] == "spurious"])
    marked["spurious_class"] = _flag(spurious, known)
    tested = marked["index"].isin(images["index"])
    found = images.set_index("index").reindex(marked["index"][tested])
    held = found["holds"].eq(other=True).to_numpy()
    passed = set(verdicts["true_class"][verdicts["local_passes"].eq(other=True)])
    local = found["watched_class"].isin(passed).to_numpy()
    flags = {
        "local_cause": held & ~local,
        "spurious_verified": held & local,
        "untestable": found["state"].eq("untestable").to_numpy(),
    }
    for name, values in flags.items():
        raised = tested.copy()
        raised[tested] = values
        marked[name] = _flag(raised, tested)
    drop = np.zeros(len(marked))
    drop[tested] = np.where(held, found["drop"].to_numpy(dtype="float64", na_value=np.nan), 0.0)
    severity = np.fmax(marked["severity"].to_numpy(dtype="float64"), np.clip(drop, 0, 1))
    marked["severity"] = severity.astype("float32")
    return marked


def _flag(raised: pd.Series, known: pd.Series) -> pd.Series:
    return raised.astype("boolean").where(known.astype(bool), pd.NA)


def evidence_reasons(
    cases: pd.DataFrame,
    predicted: pd.Series,
    images: pd.DataFrame,
    verdicts: pd.DataFrame,
    view: tuple[int, int],
) -> pd.Series:
    """What is to be said of each of ``cases``, as ``with_evidence`` returns them; "": nothing.

    ``view`` is the model's input (H, W), the others are as there.
    """
    in_class = cases["spurious_class"].eq(other=True).fillna(value=False).astype(bool)
    told = cases["index"].isin(images["index"]) | in_class
    found = images.set_index("index").reindex(cases["index"][told])
    by_class = verdicts.set_index("true_class")
    said = []
    for row, flagged, cls in zip(found.itertuples(), in_class[told], predicted[told], strict=True):
        parts = [_patch(row, view)]
        if flagged:
            verdict = by_class.loc[cls]
            parts.append(f"{verdict['label']!r} is a class {_cue(verdict)}")
        said.append("; ".join(part for part in parts if part))
    return pd.Series(said, index=cases.index[told], dtype="str").reindex(cases.index, fill_value="")


def _patch(row: Any, view: tuple[int, int]) -> str:
    if row.state == "untestable":
        return "untestable: no room for controls of the hottest patch's shape beside the region"
    if row.state != "tested" or not row.matters:
        return ""
    where = place(np.array([[row.x0, row.y0, row.x1, row.y1]], dtype="float64"), view)
    label = row.watched_label
    if row.on_other_object:
        return f"the patch {where} that lowers {label!r} lies on another annotated object"
    return (
        f"covering the patch {where} ({row.area_fraction:.0%} of the view) lowers {label!r} by "
        f"{effect(row.drop)}, controls {effect(row.control_median)}"
    )


def _cue(verdict: pd.Series) -> str:
    cues = {
        "local": "a patch outside its region",
        "background": "the background",
    }
    named = " and ".join(cues[way] for way in verdict["verdict_by"].split(" and "))
    if verdict["verdict_estimated"]:
        return f"that may decide by {named}, if the estimated regions are right"
    return f"found to decide by {named}"
