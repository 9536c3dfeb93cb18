"""Every table's columns: type, unit and meaning, in one place, beside the parts' reader and writer.

``cam-audit schema`` prints this, docs/columns.md is made from it, and each Parquet file carries it
as field metadata.
"""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa

from audit.tables.column import Column, accuracy_columns, looked_columns
from audit.tables.column import number as _f
from audit.tables.verdict_columns import (
    cue_columns,
    intervention_columns,
    question_columns,
    swap_columns,
    verdict_columns,
)

__all__ = [
    "FLAGS",
    "SCHEMA_VERSION",
    "SCORE_VERSION",
    "TABLES",
    "arrow_schema",
    "as_markdown",
]

#: Raised whenever a column's values change meaning; part of a run's fingerprint.
SCORE_VERSION = 2
SCHEMA_VERSION = 2

_WHOSE = {"true": "true class", "pred": "predicted class"}
_RASTER = "on a raster of at most 64 a side"


def _identity() -> list[Column]:
    text, dictionary = pa.string(), pa.map_(pa.string(), pa.string())
    return [
        Column("index", pa.int64(), "", "position in the dataset's order"),
        Column(
            "sample_id",
            text,
            "",
            "blake2b-128 of the source's bytes, or of these and the question or reference caption; "
            "with #2, #3, … on further copies of the same",
        ),
        Column("path", text, "", "relative path; null where the images share a file"),
        Column(
            "status", text, "", "ok, unreadable, or nonfinite (the scores hold NaN or infinity)"
        ),
        Column("status_detail", text, "", "why a row is not ok, or a note on how it was read"),
        Column("image_height", pa.int32(), "px", "of the upright source image"),
        Column("image_width", pa.int32(), "px", "of the upright source image"),
        Column("question", text, "", "what is asked about the image; null where nothing is"),
        Column("slices", dictionary, "", "the dataset's further attributes of this image"),
    ]


def _region_columns(cells: int) -> list[Column]:
    grid, frame = pa.list_(pa.float32(), cells), pa.list_(pa.float32(), 4)
    return [
        Column("region_source", pa.string(), "", "annotation, pseudo:<method>, or none"),
        Column("n_regions", pa.int32(), "objects", "in the region of the true class; 0: no region"),
        Column(
            "present_classes",
            pa.list_(pa.int32()),
            "",
            "further classes that the image shows, its label left out; null: not known",
        ),
        _f("region_area_fraction", "share of the view's valid pixels that the region covers (a)"),
        _f("region_visible_fraction", "share of the region that the model's view keeps"),
        _f("ignore_fraction", "share of the view to be ignored; 0 where nothing is marked so"),
        _f(
            "guard_area_fraction",
            "share of the valid pixels that the region grown by a CAM cell covers",
        ),
        *(_basis(prefix) for prefix in ("true", "pred")),
        _f("pred_region_area_fraction", "as region_area_fraction, of the predicted class's region"),
        _f("pred_region_visible_fraction", "as region_visible_fraction, of the same"),
        _f("pred_guard_area_fraction", "as guard_area_fraction, of the same"),
        Column("frame", frame, "px", "x0, y0, x1, y1 of the view in the source image"),
        Column("region_grid", grid, "px", "region carried to the CAM's grid (UᵀR), row by row"),
        Column("valid_grid", grid, "px", "the same of the valid pixels; null: nothing is ignored"),
    ]


def _basis(prefix: str) -> Column:
    return Column(
        f"{prefix}_region_basis",
        pa.string(),
        "",
        f"objects that make the {_WHOSE[prefix]}'s region: class (of that class), label (none is: "
        "those of the label), unclassed (the annotation gives no classes); null: no region",
    )


def _class_columns() -> list[Column]:
    return [
        Column(
            "true_class", pa.int32(), "", "label as an index into the dataset's classes; null: none"
        ),
        Column(
            "pred_class",
            pa.int32(),
            "",
            "highest score; from the number of classes on: a model output that no class claims",
        ),
        Column("true_label", pa.string(), "", "name of true_class; or the reference caption"),
        Column("pred_label", pa.string(), "", "name of pred_class; or the model's caption"),
        Column("correct", pa.bool_(), "", "pred_label equals true_label; null without a label"),
        _f("true_probability", "softmax of the true class", "probability"),
        _f("pred_probability", "softmax of the predicted class", "probability"),
        _f("entropy", "of the softmax over the label space", "nat"),
        _f("loss", "cross-entropy of the true class", "nat"),
        Column("topk_class", pa.list_(pa.int32()), "", "the five highest classes, best first"),
        Column("topk_probability", pa.list_(pa.float32()), "probability", "and their softmax"),
    ]


def _target_columns(prefix: str, cells: int) -> list[Column]:
    whose = _WHOSE[prefix]
    rows = [
        Column(
            "cam",
            pa.list_(pa.uint8(), cells),
            "maximum/255",
            f"map of the {whose} scaled to its maximum, row by row; null where there is none",
        ),
        _f("cam_max", "maximum of the raw map", "score per activation"),
        Column("cam_status", pa.string(), "", "ok, zero, nonfinite, or degenerate (a 1×1 grid)"),
        _f("cam_entropy", "entropy of the map over log(h·w); 1: flat"),
        _f("border_mass", "share of the map in the frame's outer eighth (.4375 of the area)"),
        _f("relevance_mass_accuracy", "share of the map's mass inside the region"),
        _f("mass_lift", "that share over the region's area share; 1: chance", "ratio"),
        _f("mass_excess", "(mass - a) / (1 - a); 0: chance, 1: all inside", "ratio"),
        _f("mass_guard", "mass inside the region grown by one CAM cell"),
        _f("relevance_rank_accuracy", f"share of the ⌈ΣR⌉ hottest pixels in the region, {_RASTER}"),
        Column(
            "pointing_game_hit", pa.bool_(), "", f"a hottest pixel lies in the region, {_RASTER}"
        ),
        Column(
            "pointing_game_hit_tolerant",
            pa.bool_(),
            "",
            f"within 15 source pixels of the region, {_RASTER}",
        ),
        Column(
            "pointing_game_hit_guard",
            pa.bool_(),
            "",
            f"in the region grown by one CAM cell, {_RASTER}",
        ),
        _f("pixel_auroc", f"ROC area of the map against the region, {_RASTER}", "area"),
        _f("pixel_ap", f"average precision of the map against the region, {_RASTER}", "area"),
        _f("iou_coverage", f"IoU of {{map > mean + σ}} and region, {_RASTER}"),
        _f(
            "ground_truth_coverage",
            f"share of the region that {{map > mean + σ}} covers, {_RASTER}",
        ),
        _f("saliency_coverage", f"share of {{map > mean + σ}} in the region, {_RASTER}"),
        _f(
            "cam_box_iou",
            "IoU of the box round the largest segment of {map ≥ .15 max} with the best of the "
            f"region's boxes, {_RASTER}",
        ),
    ]
    return [Column(f"{prefix}_{c.name}", c.type, c.unit, c.meaning) for c in rows]


def _image_columns(cells: int) -> list[Column]:
    """The ``images`` table for maps of ``cells`` = h·w cells."""
    return [
        *_identity(),
        *_region_columns(cells),
        *_class_columns(),
        *_target_columns("true", cells),
        *_target_columns("pred", cells),
        _f("cam_agreement", "Σ min(P, Q) of the two maps as distributions over the grid; 1: equal"),
        _f(
            "other_region_mass",
            "share of the predicted class's map on annotated objects outside its region; null: "
            "there are none, or their classes are not said",
        ),
        _f("true_other_region_mass", "the same of the true class's map and region"),
        _f("center_baseline_mass", "mass that a centred Gaussian (σ = ¼ side) has in the region"),
        _f(
            "permuted_baseline_mass",
            "mass that another image's true-class map of the class has in it",
        ),
    ]


def _word_columns(cells: int) -> list[Column]:
    """The ``words`` table: the words of captions that name a class of the dataset."""
    return [
        Column("index", pa.int64(), "", "as in images"),
        Column("caption", pa.string(), "", "whose it is: true (the reference) or pred (the model)"),
        Column("position", pa.int32(), "words", "before it in its caption"),
        Column("word", pa.string(), "", "as the caption has it"),
        Column("class", pa.int32(), "", "index of the class that it names"),
        Column("label", pa.string(), "", "that class"),
        _f("probability", "of the word, given the image and the words before", "probability"),
        Column(
            "present",
            pa.bool_(),
            "",
            "an object of the class is annotated; false of the model's word: hallucinated; null: "
            "no object of any class is annotated",
        ),
        _f("region_area_fraction", "share of the valid pixels that the class's objects cover"),
        Column("cam", pa.list_(pa.uint8(), cells), "maximum/255", "map of the word, as in images"),
        Column("cam_status", pa.string(), "", "as in images"),
        _f("relevance_mass_accuracy", "share of the word's map on objects of its class"),
        _f("mass_lift", "that share over region_area_fraction; 1: chance", "ratio"),
        Column("pointing_game_hit", pa.bool_(), "", f"its hottest pixel lies on them, {_RASTER}"),
        _f("other_region_mass", "share of the word's map on objects of other classes"),
    ]


def _noun_table(_cells: int) -> list[Column]:
    """The ``nouns`` table: one row a class that captions may name."""
    whole = pa.int64()
    return [
        Column("class", pa.int32(), "", "index of the class"),
        Column("label", pa.string(), "", "its name"),
        Column("said", whole, "images", "whose caption by the model names it"),
        Column(
            "hallucinated",
            whole,
            "images",
            "of these, without an annotated object of it; null: none of them is annotated",
        ),
        Column("referred", whole, "images", "whose reference caption names it"),
        Column("missed", whole, "images", "of these, where the model's caption does not"),
        *looked_columns(
            "mean of the model's word's mass on the class's objects, over images",
            "mean of these objects' share of the view",
            "mean of the word's mass on objects of other classes",
        ),
    ]


_FLAGS = {
    "misclassified": "the prediction is not the label, nor another class that the image shows",
    "label_suspect": "misclassified with the map on the object, the prediction as probable as its "
    "class usually is: the label is in doubt; null: no label or no region",
    "other_object": "the prediction is another class that the image shows; null: not known",
    "off_object": "triage only: lift < 1, or the hottest point misses the grown region",
    "local_cause": "covering the hottest patch beside the region costs far more than covering "
    "controls does, in a class where this is no rule; null: no intervention was made",
    "spurious_verified": "the same, in a class found to decide by such patches; null: no "
    "intervention was made",
    "spurious_class": "predicted a class found to decide by something beside its object; null: "
    "that class has no verdict",
    "untestable": "beside the region is no room for controls of the hottest patch's shape; null: "
    "no intervention was made",
    "no_evidence": "the predicted class's map is zero",
    "degenerate_cam": "the map is a single cell, or not finite",
    "unreadable": "the source could not be read",
    "no_region": "nothing says where the object is",
}


def _case_columns(_cells: int) -> list[Column]:
    return [
        Column("index", pa.int64(), "", "as in images"),
        Column("sample_id", pa.string(), "", "as in images"),
        *(Column(name, pa.bool_(), "", meaning) for name, meaning in _FLAGS.items()),
        Column(
            "reason", pa.string(), "", "one sentence with its numbers; empty where no flag is set"
        ),
        _f("severity", "0 to 1, for sorting: confidence of the error, or how far off the region"),
    ]


def _group_figures() -> list[Column]:
    """How right a group's images are, and where the model looks in them."""
    return [
        *accuracy_columns(),
        Column(
            "n_scored", pa.int64(), "images", "with a map and a region at least a quarter visible"
        ),
        _f("median_mass", "of the true class's relevance_mass_accuracy"),
        _f("median_lift", "of the true class's mass_lift", "ratio"),
        _f("median_area", "of region_area_fraction"),
        _f("median_center_baseline", "of center_baseline_mass"),
        _f("median_permuted_baseline", "of permuted_baseline_mass"),
        _f("off_object_rate", "share of the judged images flagged off_object"),
    ]


def _class_table(_cells: int) -> list[Column]:
    whole = pa.int64()
    return [
        Column("true_class", pa.int32(), "", "index of the class"),
        Column("label", pa.string(), "", "its name"),
        Column("n", whole, "images", "labelled so and classified"),
        Column("n_correct", whole, "images", "of these, predicted so"),
        *_group_figures(),
        Column("worst_confusion", pa.string(), "", "the wrong answer given most often"),
        Column("worst_confusion_n", whole, "images", "how often"),
        *verdict_columns(),
    ]


def _slice_table(_cells: int) -> list[Column]:
    return [
        Column("slice", pa.string(), "", "name of a further column of the dataset"),
        Column("value", pa.string(), "", "one of its values"),
        Column("n_images", pa.int64(), "images", "that have it"),
        Column("n", pa.int64(), "images", "of these, labelled and classified"),
        Column("n_correct", pa.int64(), "images", "of these, predicted as labelled"),
        *_group_figures(),
    ]


def _pair_table(_cells: int) -> list[Column]:
    return [
        Column("true_class", pa.int32(), "", "label"),
        Column("pred_class", pa.int32(), "", "prediction"),
        Column("true_label", pa.string(), "", "name of the label"),
        Column("pred_label", pa.string(), "", "name of the prediction"),
        Column("n", pa.int64(), "images", "how often"),
    ]


def _media_table(_cells: int) -> list[Column]:
    return [
        Column("index", pa.int64(), "", "as in images"),
        Column("galleries", pa.list_(pa.string()), "", "where the report shows it"),
        Column("view", pa.binary(), "WebP", "the model's view, at most 224 px a side"),
        Column("region", pa.binary(), "PNG", "the region on it, 0 or 255; null: none"),
        Column(
            "covered",
            pa.binary(),
            "WebP",
            "the view with its suspect patch covered, where S1 holds; null elsewhere",
        ),
    ]


TABLES = {
    "images": _image_columns,
    "words": _word_columns,
    "media": _media_table,
    "cases": _case_columns,
    "classes": _class_table,
    "slices": _slice_table,
    "pairs": _pair_table,
    "questions": question_columns,
    "nouns": _noun_table,
    "interventions": intervention_columns,
    "cues": cue_columns,
    "swaps": swap_columns,
}
FLAGS = tuple(_FLAGS)


@lru_cache(maxsize=64)
def arrow_schema(table: str, cells: int = 1) -> pa.Schema:
    """The Arrow schema of ``table`` (a key of TABLES), each field with its unit and meaning."""
    return pa.schema(
        pa.field(c.name, c.type, metadata={"unit": c.unit, "meaning": c.meaning})
        for c in TABLES[table](cells)
    )


def as_markdown() -> str:
    """Every table as Markdown, for ``cam-audit schema`` and docs/columns.md."""
    lines = []
    for table, columns in TABLES.items():
        lines += [f"## {table}", "", "| column | type | unit | meaning |", "|---|---|---|---|"]
        for column in columns(1):
            kind = str(column.type).replace("[1]", "[h·w]").replace("item: ", "")
            lines.append(f"| `{column.name}` | {kind} | {column.unit or '–'} | {column.meaning} |")
        lines.append("")
    return "\n".join(lines)
