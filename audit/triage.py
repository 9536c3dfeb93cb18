"""Flags from the tables alone: what to look at first. Triage suspects, it proves nothing.

An image is judged only where its predicted class's map and its region allow it: at least a quarter
of the region visible, and the region grown by one CAM cell covering at most 80% of the frame.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.tables.schema import FLAGS

__all__ = ["ANNOTATED", "LEAST_VISIBLE", "READ", "flag", "judged", "of_one_kind", "reasons"]

#: The columns of ``images`` that flags are made from.
READ = [
    "index",
    "path",
    "sample_id",
    "status",
    "status_detail",
    "n_regions",
    "region_source",
    "region_area_fraction",
    "region_visible_fraction",
    "pred_region_area_fraction",
    "pred_region_visible_fraction",
    "pred_guard_area_fraction",
    "present_classes",
    "true_class",
    "pred_class",
    "true_label",
    "pred_label",
    "correct",
    "true_probability",
    "pred_probability",
    "pred_cam_status",
    "true_relevance_mass_accuracy",
    "true_mass_lift",
    "pred_relevance_mass_accuracy",
    "pred_mass_lift",
    "pred_pointing_game_hit_guard",
    "true_cam_entropy",
    "true_border_mass",
    "cam_agreement",
    "other_region_mass",
    "center_baseline_mass",
    "permuted_baseline_mass",
]
#: ``region_source`` of what was annotated, and not estimated.
ANNOTATED = "annotation"
#: Share of a region that the view must keep for an image to be judged.
LEAST_VISIBLE = 0.25
_LARGEST_GUARD = 0.8


def judged(images: pd.DataFrame) -> pd.Series:
    """Which images the triage judges: bool, aligned with ``images``."""
    fits = (
        (images["pred_cam_status"] == "ok")
        & (images["pred_region_area_fraction"] > 0)
        & (images["pred_region_visible_fraction"] >= LEAST_VISIBLE)
        & (images["pred_guard_area_fraction"] <= _LARGEST_GUARD)
    )
    return _sure(fits)


def of_one_kind(images: pd.DataFrame) -> pd.Series:
    """Annotated images where there are any, else those with estimated regions: never both."""
    annotated = images["region_source"] == ANNOTATED
    return (
        annotated if annotated.any() else _sure(images["region_source"].str.startswith("pseudo:"))
    )


def flag(images: pd.DataFrame) -> pd.DataFrame:
    """The ``cases`` of these ``images`` (columns READ): flags and severity, not yet their reasons.

    ``off_object`` is S0: lift below 1, or the hottest point outside the grown region, of the
    predicted class's map. Flags that need what was not done are null.
    """
    ok, unreadable = _sure(images["status"] == "ok"), _sure(images["status"] == "unreadable")
    status = images["pred_cam_status"]
    missed = _sure(~images["pred_pointing_game_hit_guard"])
    wrong, other = _sure(~images["correct"]), _other_object(images)
    raised = {
        "misclassified": wrong & ~_sure(other),
        "other_object": other,
        "off_object": judged(images) & (_sure(images["pred_mass_lift"] < 1) | missed),
        "no_evidence": ok & _sure(status == "zero"),
        "degenerate_cam": ok & _sure(status.isin(["degenerate", "nonfinite"])),
        "unreadable": unreadable,
        "no_region": ~unreadable & _sure(images["n_regions"] == 0),
    }
    cases = images[["index", "sample_id"]].copy(deep=False)
    for name in FLAGS:
        cases[name] = raised.get(name, pd.Series(pd.NA, index=images.index, dtype="boolean"))
    cases["severity"] = _severity(images, cases)
    return cases


def reasons(images: pd.DataFrame, cases: pd.DataFrame) -> pd.Series:
    """One sentence for each of ``cases`` with a flag worth a look, with its numbers; "": none."""
    told = ["misclassified", "other_object", "off_object", "no_evidence", "degenerate_cam"]
    sure = cases[told].apply(_sure)
    shown = ((images["status"] != "ok") | sure.any(axis=1)).to_numpy(dtype=bool)
    rows = pd.concat([images[shown], sure[shown]], axis=1)
    said = [_sentence(row) for row in rows.itertuples(index=False)]
    return pd.Series(said, index=rows.index, dtype="str").reindex(images.index, fill_value="")


def _other_object(images: pd.DataFrame) -> pd.Series:
    """Whether the prediction is a further class that the image shows; null: not known."""
    known = images["present_classes"].notna() & images["pred_class"].notna()
    pairs = zip(images["present_classes"][known], images["pred_class"][known], strict=True)
    found = pd.Series(pd.NA, index=images.index, dtype="boolean")
    found[known] = [predicted in present for present, predicted in pairs]
    return found


def _sure(condition: pd.Series) -> pd.Series:
    """A condition as plain bool: null is not so."""
    return condition.astype("boolean").fillna(value=False).astype(bool)


def _severity(images: pd.DataFrame, cases: pd.DataFrame) -> pd.Series:
    """The larger of the error's confidence and of how far the lift falls short of chance."""
    error = images["pred_probability"].where(cases["misclassified"], 0)
    short = (1 - images["pred_mass_lift"]).clip(lower=0).where(cases["off_object"], 0)
    broken = (images["status"] != "ok").astype("float32")
    return pd.concat([error, short, broken], axis=1).max(axis=1).astype("float32")


def _elsewhere(row: Any) -> str:
    if pd.isna(row.other_region_mass):
        return ""
    return f", {row.other_region_mass:.0%} on other annotated objects"


def _sentence(row: Any) -> str:
    if row.status == "unreadable":
        return f"could not be read: {row.status_detail}"
    if row.status == "nonfinite":
        return "the model's scores are not finite"
    said = []
    if row.misclassified:
        said.append(
            f"predicted {row.pred_label!r} at {row.pred_probability:.2f}, labelled "
            f"{row.true_label!r} ({row.true_probability:.2f})"
        )
    if row.other_object:
        said.append(
            f"predicted {row.pred_label!r} at {row.pred_probability:.2f}, which the image shows "
            f"beside its label {row.true_label!r} ({row.true_probability:.2f})"
        )
    if row.off_object:
        where = "hottest point beside the region; " if not row.pred_pointing_game_hit_guard else ""
        said.append(
            f"{where}{row.pred_relevance_mass_accuracy:.0%} of the map of {row.pred_label!r} on a "
            f"region of {row.pred_region_area_fraction:.0%} of the view (lift "
            f"{row.pred_mass_lift:.2f}){_elsewhere(row)}"
        )
    if row.no_evidence:
        said.append(f"the map of {row.pred_label!r} is zero: nothing in it speaks for the class")
    if row.degenerate_cam:
        said.append(f"the map of {row.pred_label!r} is {row.pred_cam_status}: it cannot say where")
    return "; ".join(said)
