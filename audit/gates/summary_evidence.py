"""The figures of a run: ``summary.json`` by dotted names, classes and slices by their columns.

Here the one rule is kept that a gate rests on: what was not found out is null, also where a count
of what was found would be 0. No class is *shown* not to be spurious by testing none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from audit.gates.evidence import Counted, Evidence, Group, measures_of
from audit.gates.measures import Mean, Measure, Plain, Share
from audit.report import contract
from audit.report.tables import Row
from audit.tables.schema import FLAGS, arrow_schema
from audit.tables.sliced import left_out
from audit.tables.verdict_columns import TESTED, UNTESTED, verdict_columns

__all__ = ["ACCURACY", "GROUP_ACCURACY", "evidence_of"]

ACCURACY = "accuracy.value"
GROUP_ACCURACY = "accuracy"
_PROBLEMS = (
    "unreadable",
    "nonfinite",
    "unlabelled",
    "duplicate",
    "no_region",
    "region_cut_away",
    "note",
)
_WHOLE_SET = ("rate", "low", "high", "n", "n_sampled", "n_untested")
_PRECISION = (
    *("n", "predictions_changed", "probability_largest"),
    *("mass_n", "mass_median", "mass_largest"),
)
_DIFFERENCE = tuple(f"difference.{name}" for name in ("value", "low", "high", "n"))
_CURVE = ("auc", "random_auc", *_DIFFERENCE)
#: Names that hold for every run, also where a whole section is null.
_KNOWN = (
    *(
        f"{part}.{name}"
        for part, names in contract.SUMMARY.items()
        if part != "regions"  # it holds no figures of fixed name
        for name in names
    ),
    "counts.judged",
    *(f"flags.{name}" for name in FLAGS),
    *(f"problems.{kind}" for kind in _PROBLEMS),
    *(f"verdicts.counts.{name}" for name in (*TESTED, *UNTESTED)),
    *(f"verdicts.{name}" for name in ("images_tested", "suspects_tested", "forwards", "budget")),
    *(f"verdicts.{name}" for name in ("version", "estimated_regions", "has_regions")),
    *(f"verdicts.whole_set.{name}" for name in _WHOLE_SET),
    *(f"precision.{name}" for name in _PRECISION),
    *(f"sanity.{name}" for name in ("n", "depends")),
    *(f"sanity.{curve}.{name}" for curve in ("deletion", "insertion") for name in _CURVE),
)

# Column of ``classes`` or ``slices`` → the columns it is made of.
_SHARES = {GROUP_ACCURACY: ("n_correct", "n"), "s1_rate": ("s1_holds", "s1_tested")}
_MEANS = tuple(f"{test}_effect" for test in ("s1", "s2", "necessity", "sufficiency"))
_COUNTED_IN = {
    **dict.fromkeys(
        (
            "median_mass",
            "median_lift",
            "median_area",
            "median_center_baseline",
            "median_permuted_baseline",
        ),
        "n_scored",
    ),
    **dict.fromkeys(("s1_rate", "s1_drop", "s1_control_drop", "p_value", "q_value"), "s1_tested"),
    **{name: name.replace("_effect", "_n") for name in _MEANS},
}
_NUMBER_TYPES = ("int", "float", "double")
# Column → the section of the summary that is null where no class or slice can have a figure of it.
_SECTIONS = {
    **{name: "attention" for name, n in _COUNTED_IN.items() if n == "n_scored"},
    "off_object_rate": "two_by_two",
    **{column.name: "verdicts" for column in verdict_columns()},
}
# Section → a figure that every run has in which the section is not null.
_SIGNS = {
    "accuracy": ACCURACY,
    "attention": "attention.n",
    "two_by_two": "two_by_two.correct_on",
    "verdicts": "verdicts.counts.spurious",
}


def evidence_of(
    summary: Row,
    classes: Sequence[Row],
    slices: Sequence[Row] = (),
    questions: Sequence[Row] = (),
) -> Evidence:
    """The figures of a run's ``summary``, and of the rows of its tables of classes and slices.

    ``questions`` are the rows of types of question, where these were tested in place of classes.
    """
    verdicts = summary.get("verdicts") or {}
    overall: dict[str, Measure] = dict.fromkeys(_KNOWN, Plain(None))
    overall |= measures_of(_settled(summary)) | _accuracy(summary.get("accuracy"))
    reasons = _reasons(summary)
    missing = {part: reasons[part] for part, sign in _SIGNS.items() if overall[sign].value is None}
    return Evidence(
        source="summary.json",
        overall=overall,
        classes=_columns("classes", classes, _class, missing),
        slices=_columns("slices", slices, _slice, missing),
        columns=tuple(dict.fromkeys(str(row["slice"]) for row in slices)),
        left_out=left_out(summary),
        reasons=reasons,
        capped=frozenset(_capped()) if verdicts.get("estimated_regions") else frozenset(),
        named=_named(() if verdicts.get("groups") == "question type" else classes, questions),
    )


def _settled(summary: Row) -> dict[str, Any]:
    """``summary`` with 0 where a count was left out as empty, and null where nothing was tested."""
    content = dict(summary)
    found = {one["kind"]: one["count"] for one in summary.get("problems") or ()}
    content["problems"] = dict.fromkeys(_PROBLEMS, 0) | found
    verdicts = summary.get("verdicts")
    if verdicts:
        counts: dict[str, Any] = dict.fromkeys((*TESTED, *UNTESTED), 0)
        counts |= verdicts["counts"]
        if not any(counts[name] for name in TESTED):
            counts |= dict.fromkeys(TESTED)
        content["verdicts"] = {**verdicts, "counts": counts}
    return {name: value for name, value in content.items() if value is not None}


def _accuracy(found: Row | None) -> dict[str, Measure]:
    if not found or found.get("n") is None:
        return {}
    return {ACCURACY: Share(round(found["value"] * found["n"]), int(found["n"]))}


def _numbers(schema: pa.Schema) -> tuple[str, ...]:
    """The columns of numbers that a table has."""
    names = (field.name for field in schema if str(field.type).startswith(_NUMBER_TYPES))
    return tuple(name for name in names if name != "true_class")


def _columns(
    table: str,
    rows: Sequence[Row],
    group: Callable[[int, Row, Counted, Measure], Group],
    missing: Mapping[str, str],
) -> dict[str, tuple[Group, ...]]:
    """Every column of numbers of ``table``; ``missing``: section that is null → why it is."""
    schema = arrow_schema(table)
    found = {}
    for name in _numbers(schema):
        measure = _reader(name)
        why = missing.get(_SECTIONS.get(name, "accuracy"), "")
        counted = _counted(schema, _COUNTED_IN.get(name, "n"), why)
        found[name] = tuple(group(at, row, counted, measure(row)) for at, row in enumerate(rows))
    return found


def _counted(schema: pa.Schema, counted: str, why: str) -> Counted:
    told = schema.field(counted).metadata
    meaning = told[b"meaning"].decode().removeprefix("of these, ")
    return Counted(counted, told[b"unit"].decode(), meaning, why)


def _class(_at: int, row: Row, counted: Counted, measure: Measure) -> Group:
    n = int(row.get(counted.name) or 0)
    return Group(row["true_class"], str(row["label"]), n, measure, counted=counted)


def _slice(at: int, row: Row, counted: Counted, measure: Measure) -> Group:
    n, name = int(row.get(counted.name) or 0), str(row["slice"])
    return Group(at, f"{name} = {row['value']}", n, measure, name, counted)


def _reader(name: str) -> Callable[[Row], Measure]:
    if name in _SHARES:
        k, n = _SHARES[name]
        return lambda row: Share(int(row.get(k) or 0), int(row.get(n) or 0))
    if name in _MEANS:
        test = name.removesuffix("_effect")
        return lambda row: Mean(
            row.get(name),
            row.get(f"{test}_low"),
            row.get(f"{test}_high"),
            int(row.get(f"{test}_n") or 0),
        )
    return lambda row: Plain(_float32(row.get(name)))


def _float32(value: float | None) -> float | None:
    """A number of a float32 column as it was meant: .9, not .89999998."""
    return None if value is None else float(f"{value:.7g}")


def _capped() -> tuple[str, ...]:
    return ("verdicts", *(column.name for column in verdict_columns()))


def _named(
    classes: Sequence[Row], questions: Sequence[Row]
) -> dict[str, tuple[tuple[int, str, str], ...]]:
    """By each count of what is bad: the classes, and the types of question, that it counts."""
    return {
        f"verdicts.counts.{verdict}": _classes(classes, verdict) + _types(questions, verdict)
        for verdict in ("spurious", *UNTESTED)
    }


def _classes(rows: Sequence[Row], verdict: str) -> tuple[tuple[int, str, str], ...]:
    return tuple(
        (row["true_class"], str(row["label"]), row.get("verdict_sentence") or "")
        for row in rows
        if row.get("verdict") == verdict
    )


def _types(rows: Sequence[Row], verdict: str) -> tuple[tuple[int, str, str], ...]:
    """Types of question with negative numbers, which no class has."""
    return tuple(
        (-1 - place, str(row["question_type"]), row["verdict_sentence"] or "")
        for place, row in enumerate(rows)
        if row["verdict"] == verdict
    )


def _reasons(summary: Row) -> Mapping[str, str]:
    return {
        "accuracy": "no image has both a label and an answer",
        "attention": "no map could be scored against a region",
        "maps": "no image has a map",
        "two_by_two": "no image could be judged",
        "flags": "the run did not look for it",
        "sanity": "the maps' sanity checks were left out, or were not available",
        "precision": "the model computed in float32: there is nothing to compare",
        "verdicts": _untested(summary),
    }


def _untested(summary: Row) -> str:
    verdicts = summary.get("verdicts")
    if summary.get("words") is not None:
        return "what a caption rests on is not tested by changing pictures"
    if not verdicts:
        return "this run changed no picture to see what a decision rests on"
    if not verdicts.get("has_regions"):
        return "nothing says where the objects are, so that nothing was tested"
    if verdicts.get("budget") == 0:
        return "the run was given no budget to test with (--budget 0)"
    if verdicts.get("groups") == "question type":
        return "no type of question had enough to test"
    return "no class had enough images to test"
