"""The columns of a comparison's tables, with units and meanings."""

from __future__ import annotations

import pyarrow as pa

from audit.comparison.buckets import BUCKETS, MOVED_AGREEMENT, MOVED_MASS
from audit.tables.column import Column, number

__all__ = ["TABLES", "as_markdown", "schema_of"]

_SIDES = ("base", "candidate")
_TARGETS = {"true": "label's class", "pred": "predicted class"}
_SCORES = {
    "relevance_mass_accuracy": ("share", "heat on the object"),
    "mass_lift": ("ratio", "that share over the object's area"),
    "mass_excess": ("ratio", "0: chance, 1: all on the object"),
}


def _image_columns() -> list[Column]:
    text = pa.string()
    return [
        Column("sample_id", text, "", "what the two runs are joined on"),
        Column("path", text, "", "relative path; null where the images share a file"),
        Column("base_index", pa.int64(), "", "position in the base's dataset; null: not in it"),
        Column("candidate_index", pa.int64(), "", "the same of the candidate"),
        Column("true_class", pa.int32(), "", "label, from the base where it has the image"),
        Column("true_label", text, "", "its name"),
        Column("bucket", text, "", ", ".join(BUCKETS) + "; docs/compare.md defines each"),
        Column("prediction_changed", pa.bool_(), "", "null: not classified by both"),
        Column(
            "attention_moved",
            pa.bool_(),
            "",
            f"map_agreement < {MOVED_AGREEMENT}, or delta_true_relevance_mass_accuracy of at least "
            f"{MOVED_MASS} either way; null: neither exists",
        ),
        number("map_agreement", "Σ min(P, Q) of the two maps of the label's class; 1: equal"),
        *(column for side in _SIDES for column in _of_side(side)),
        *(column for target in _TARGETS for column in _deltas(target)),
    ]


def _of_side(side: str) -> list[Column]:
    text, of = pa.string(), f"of the {side}"
    return [
        Column(f"{side}_status", text, "", f"as in images, {of}; null: not in it"),
        Column(f"{side}_pred_class", pa.int32(), "", f"prediction {of}"),
        Column(f"{side}_pred_label", text, "", "its name"),
        Column(f"{side}_correct", pa.bool_(), "", f"the prediction {of} is the label"),
        number(f"{side}_true_probability", f"of the label, {of}", "probability"),
        number(f"{side}_pred_probability", f"of the prediction {of}", "probability"),
        *(
            number(f"{side}_{target}_{score}", f"{meaning}, {whose}, {of}", unit)
            for target, whose in _TARGETS.items()
            for score, (unit, meaning) in _SCORES.items()
        ),
    ]


def _deltas(target: str) -> list[Column]:
    only = "" if target == "true" else " and both predict alike"
    return [
        number(
            f"delta_{target}_{score}",
            f"candidate − base, where both have it{only}, with a quarter of the region visible",
            unit,
        )
        for score, (unit, _) in _SCORES.items()
    ]


def _answers(one: str, several: str) -> list[Column]:
    whole, chance = pa.int64(), "probability"
    return [
        Column("n", whole, "images", f"of the {one}, classified by both"),
        number("base_accuracy", "share of them that the base has right"),
        number("candidate_accuracy", "share that the candidate has right"),
        Column("negative_flips", whole, "images", "base right, candidate wrong"),
        Column("positive_flips", whole, "images", "base wrong, candidate right"),
        number("delta_accuracy", "(positive_flips − negative_flips) / n"),
        number("delta_accuracy_low", "lower end of the 95% adjusted Wald interval"),
        number("delta_accuracy_high", "upper end"),
        number("mcnemar_p", "exact, two-sided", chance),
        number("mcnemar_mid_p", "mid-p, two-sided", chance),
        number("mcnemar_holm_p", f"mcnemar_p, Holm over the {several} with an image", chance),
    ]


def _mass() -> list[Column]:
    return [
        Column("n_scored", pa.int64(), "images", "with heat on the object in both runs"),
        number("base_mass", "mean heat on the object, label's class"),
        number("candidate_mass", "the same of the candidate"),
        number("delta_mass", "candidate_mass − base_mass"),
        number("delta_mass_low", "lower end of the 95% t interval"),
        number("delta_mass_high", "upper end"),
    ]


def _slice_columns() -> list[Column]:
    return [
        Column("slice", pa.string(), "", "name of a further column of the dataset"),
        Column("value", pa.string(), "", "one of its values, as the base's images have it"),
        *_answers("slice", "values of all columns"),
        *_mass(),
        Column("attention_moved", pa.int64(), "images", "of the slice whose attention moved"),
    ]


def _class_columns() -> list[Column]:
    text, whole, chance = pa.string(), pa.int64(), "probability"
    return [
        Column("true_class", pa.int32(), "", "index of the class"),
        Column("label", text, "", "its name"),
        *_answers("class", "classes"),
        *_mass(),
        number("delta_mass_p", "sign-flip permutation test, two-sided", chance),
        Column("delta_mass_test", text, "", "how its p was made: exact, resamples, or normal"),
        number("delta_mass_holm_p", "delta_mass_p, Holm over the classes with a pair", chance),
        Column("attention_moved", whole, "images", "of the class whose attention moved"),
        Column("base_verdict", text, "", "as in the run's classes"),
        Column("candidate_verdict", text, "", "as in the run's classes"),
        Column(
            "verdict_change",
            text,
            "",
            "newly_spurious, cured, still_spurious, spurious_untested_before, or untested_now; "
            "null: found spurious in neither",
        ),
    ]


TABLES = {"images": _image_columns, "classes": _class_columns, "slices": _slice_columns}


def schema_of(table: str) -> pa.Schema:
    """The Arrow schema of ``table`` (a key of TABLES), each field with its unit and meaning."""
    return pa.schema(
        pa.field(c.name, c.type, metadata={"unit": c.unit, "meaning": c.meaning})
        for c in TABLES[table]()
    )


def as_markdown() -> str:
    """The tables as Markdown, for docs/compare.md."""
    lines = []
    for table, columns in TABLES.items():
        lines += [f"### {table}.parquet", "", "| column | type | unit | meaning |"]
        lines.append("|---|---|---|---|")
        lines += [f"| `{c.name}` | {c.type} | {c.unit or '–'} | {c.meaning} |" for c in columns()]
        lines.append("")
    return "\n".join(lines)
