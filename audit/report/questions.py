"""The types of question: where the model looks for an answer, and whether it looks at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.report.axis import at, strip
from audit.report.load import RunFolder
from audit.report.tables import Row
from audit.report.text import clean, count, effect, interval, percent, share
from audit.tables.verdict_columns import TESTED, UNTESTED

__all__ = ["MAX_TYPES", "links", "looks", "questions", "told"]

MAX_TYPES = 100  # rows; a report of more types shows those found, then the most frequent
_ORDER = (*TESTED, *UNTESTED)
_WORDS = {
    "spurious": "without looking",
    "clean": "nothing found",
    "not_enough_images": "too few questions",
    "not_tested": "not tested",
}


def questions(run: RunFolder) -> dict[str, Any] | None:
    """The section of the types of question; None where the dataset asks none."""
    if not run.questions:
        return None
    rows = _shown(run.questions)
    return {
        "looks": looks(run.summary.get("questions"), "what is asked for"),
        "rows": [_row(at, row) for at, row in rows],
        "found": [_told(at, row) for at, row in rows if row["verdict"] == "spurious"],
        "shown": count(len(rows)),
        "total": count(len(run.questions)),
        "capped": len(rows) < len(run.questions),
    }


def told(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The types answered without looking, as the first screen tells them."""
    return [_told(at, row) for at, row in _shown(rows) if row["verdict"] == "spurious"]


def links(rows: Sequence[Row]) -> dict[int, str]:
    """Place in the table → the fragment of its row, of the types that the page shows."""
    return {at: f"question-{at}" for at, _ in _shown(rows)}


def looks(found: Mapping[str, Any] | None, what: str) -> dict[str, Any] | None:
    """Mean mass on ``what``, against its area and the other objects; None: nothing was scored."""
    if found is None:
        return None
    bars = [
        (f"Heat on {what}", found["mass"]["value"]),
        ("Heat on the other objects", found["other"]),
        ("Chance: its share of the view", found["area"]),
    ]
    return {
        "images": count(found["images"]),
        "bars": [(words, percent(value), at(value)) for words, value in bars if value is not None],
        "interval": interval(found["mass"]["low"], found["mass"]["high"]),
        "above": [
            (words, _points(found[name]))
            for words, name in (("its area", "above_area"), ("the other objects", "above_other"))
            if found[name]["value"] is not None
        ],
    }


def _points(mean: Mapping[str, Any]) -> str:
    """A difference of shares in points, with its interval where it has one."""
    said = f"{100 * mean['value']:z.1f}"
    if mean["low"] is not None:
        said += f" ({100 * mean['low']:z.1f} to {100 * mean['high']:z.1f})"
    return said.replace("-", "−") + " points"


def _shown(rows: Sequence[Row]) -> list[tuple[int, Row]]:
    """Those found first, then by what was tested; each with its place in the table."""
    places = sorted(
        range(len(rows)),
        key=lambda i: (_ORDER.index(str(rows[i]["verdict"])), -rows[i]["questions"], i),
    )
    return [(i, rows[i]) for i in places[:MAX_TYPES]]


def _told(place: int, row: Row) -> dict[str, str]:
    said = (row["verdict_sentence"] or "").removeprefix(f"question type {row['question_type']!r}: ")
    return {
        "place": f"question-{place}",
        "name": clean(row["question_type"], 60),
        "sentence": clean(said, 900),
        "picture": "",
    }


def _row(place: int, row: Row) -> dict[str, Any]:
    tested = row["tested"] or 0
    return {
        "id": f"question-{place}",
        "name": clean(row["question_type"], 60),
        "n": count(row["questions"]),
        "accuracy": percent(row["accuracy"]),
        "interval": interval(row["accuracy_low"], row["accuracy_high"]),
        "mass": percent(row["mass"]),
        "strip": strip(row["area"], row["mass"], row["mass"]),
        "below": row["mass"] is not None and row["mass"] <= row["area"],
        "area": percent(row["area"]),
        "other": percent(row["other_mass"]),
        "mark": row["verdict"],
        "verdict": _WORDS[str(row["verdict"])],
        "tested": count(tested) if tested else "",
        "stays": share(row["unchanged"], tested),
        "drop": effect(row["drop"]),
        "controls": effect(row["control_drop"]),
        "same": share(row["same_elsewhere"], row["asked_elsewhere"]),
        "q": "" if row["q_value"] is None else f"{row['q_value']:.2g}",
    }
