"""The tables of a comparison's page: scores, classes, verdicts, changed answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from audit.comparison.content import Comparison
from audit.comparison.sides import Side
from audit.comparison.words import (
    CHANGES,
    bare_p,
    p_value,
    points,
    points_interval,
    ratio,
    ratio_interval,
)
from audit.report.banner import bare_sentence
from audit.report.slice_table import slice_words
from audit.report.tables import Row
from audit.report.text import clean, count, percent, times

__all__ = [
    "MAX_CLASSES",
    "class_rows",
    "class_target",
    "flows",
    "score_rows",
    "slice_link",
    "slice_rows",
    "span",
    "verdict_rows",
]

MAX_CLASSES = 200
_MAX_FLOWS = 20
_LEAST_REACH = 0.05  # an axis of differences is never shorter than ±5 points
_ALPHA = 0.05

_SCORES = {
    "relevance_mass_accuracy": ("Heat on the object", percent, points, points_interval, 1.0),
    "mass_lift": ("Lift", times, ratio, ratio_interval, 0.1),
    "mass_excess": ("Excess over chance", percent, points, points_interval, 1.0),
}
_TONES = {
    "newly_spurious": "worse",
    "spurious_untested_before": "worse",
    "still_spurious": "open",
    "untested_now": "open",
    "cured": "better",
}
# Change of a type of question → what is said of the base and of the candidate; "": the sentence
# of what was found.
_OTHERS = {
    "newly_spurious": ("clean", ""),
    "spurious_untested_before": ("not tested", ""),
    "still_spurious": ("spurious as well", ""),
    "untested_now": ("", "not tested"),
    "cured": ("", "clean"),
}


def span(
    low: float | None, high: float | None, dot: float | None, reach: float | None = None
) -> dict[str, str] | None:
    """A difference's interval on an axis with zero in its middle, as SVG percentages.

    ``reach``: the axis' half length; by default a little more than the interval needs.
    """
    if low is None or high is None or dot is None:
        return None
    half = reach or max(_LEAST_REACH, 1.15 * max(abs(low), abs(high)))
    tone = "better" if low > 0 else "worse" if high < 0 else "open"
    return {
        "low": _place(low, half),
        "high": _place(high, half),
        "dot": _place(dot, half),
        "tone": tone,
    }


def score_rows(attention: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The compared scores of the label's maps, then of the predicted class's."""
    rows = []
    for target, whose in (("true", "label’s class"), ("pred", "predicted class, where alike")):
        for score, (words, value, delta, between, scale) in _SCORES.items():
            found = attention[target][score]
            if found is None:
                continue
            scaled = [None if found[x] is None else scale * found[x] for x in ("low", "high")]
            rows.append(
                {
                    "words": words,
                    "whose": whose,
                    "base": value(found["base"]),
                    "candidate": value(found["candidate"]),
                    "delta": delta(found["delta"]),
                    "interval": between(found["low"], found["high"]),
                    "p": p_value(found["p"]),
                    "n": count(found["n"]),
                    "how": f"{found['interval']}; {found['test']}",
                    "strip": span(scaled[0], scaled[1], scale * found["delta"]),
                }
            )
    return rows


def class_rows(classes: Sequence[Row], groups: set[int]) -> dict[str, Any]:
    """The classes, the largest loss of accuracy first; of very many, the first MAX_CLASSES."""
    seen = [row for row in classes if row["n"] or row["n_scored"]]
    seen.sort(key=_loss)
    reach = _reach(seen)
    shown = seen[:MAX_CLASSES]
    return {
        "rows": [_class_row(row, reach, groups) for row in shown],
        "shown": count(len(shown)),
        "total": count(len(classes)),
        "capped": len(shown) < len(classes),
        "reach": points(reach).lstrip("+"),
    }


def slice_rows(slices: Sequence[Row], held: Collection[str]) -> dict[str, Any]:
    """The slices column by column; of very many, those with the largest losses of accuracy.

    Those ``held``, of which the page has a case, lead to their cases.
    """
    reach = _reach(slices)
    worst = sorted(range(len(slices)), key=lambda at: _loss(slices[at]))[:MAX_CLASSES]
    shown = [slices[at] for at in sorted(worst)]
    return {
        "columns": [
            {"name": clean(name, 60), "rows": [_slice_row(row, reach, held) for row in rows]}
            for name, rows in groupby(shown, key=lambda row: row["slice"])
        ],
        "shown": count(len(shown)),
        "total": count(len(slices)),
        "capped": len(shown) < len(slices),
        "reach": points(reach).lstrip("+"),
    }


def _loss(row: Row) -> tuple[float, float]:
    return row["delta_accuracy"] or 0, row["delta_mass"] or 0


def _reach(rows: Sequence[Row]) -> float:
    """Half the length of an axis that holds every interval."""
    bounds = [row[f"delta_accuracy_{end}"] for row in rows for end in ("low", "high") if row["n"]]
    return max([_LEAST_REACH, *(abs(float(bound)) for bound in bounds)])


def verdict_rows(found: Comparison, groups: set[int]) -> dict[str, Any]:
    """What either run found spurious, the newly found first, capped: classes, or types of question.

    The classes in ``groups``, of which the page has a case, lead to their cases.
    """
    if found.summary["questions"]:
        rows = [_question_row(one) for one in found.summary["questions"]]
    else:
        before, after = _sentences(found.base), _sentences(found.candidate)
        changed = [row for row in found.classes if row["verdict_change"]]
        changed.sort(key=lambda row: list(CHANGES).index(row["verdict_change"]))
        rows = [_changed_row(row, before, after, groups) for row in changed]
    shown = rows[:MAX_CLASSES]
    return {"rows": shown, "total": count(len(rows)), "capped": len(shown) < len(rows)}


def _changed_row(
    row: Row,
    before: Mapping[tuple[int, str], str],
    after: Mapping[tuple[int, str], str],
    groups: set[int],
) -> dict[str, str]:
    """A class; ``before`` and ``after`` are the sentences of both runs' verdicts."""
    return {
        "label": clean(row["label"], 60),
        "target": class_target(row["true_class"], groups),
        **_change(row["verdict_change"]),
        "base": _told(row, row["base_verdict"], before),
        "candidate": _told(row, row["candidate_verdict"], after),
    }


def _question_row(one: Mapping[str, Any]) -> dict[str, str]:
    """A type of question; the run that did not find it so is told by the change alone."""
    before, after = _OTHERS[one["change"]]
    return {
        "label": one["name"],
        "target": "",
        **_change(one["change"]),
        "base": before or one["sentence"],
        "candidate": after or one["sentence"],
    }


def _change(change: str) -> dict[str, str]:
    return {"change": CHANGES[change], "tone": _TONES[change]}


def class_target(true_class: int | None, groups: Collection[int]) -> str:
    """Where the page narrows its cases to a class; "" where it has none (``groups``) of it."""
    return f"#class={true_class}" if true_class in groups else ""


def flows(images: pd.DataFrame, groups: set[int]) -> dict[str, Any]:
    """What changed answers became: label, the base's answer, the candidate's, how often.

    The labels of classes in ``groups`` lead to their cases.
    """
    keys = ["true_class", "true_label", "base_pred_label", "candidate_pred_label"]
    changed = images[images["prediction_changed"].fillna(value=False).astype(bool)].dropna(
        subset=keys
    )
    found = changed.groupby(keys, observed=True).size().rename("n").reset_index()
    found = found.sort_values(["n", *keys], ascending=[False, *[True] * len(keys)])
    rows = [
        {
            "label": clean(row["true_label"], 60),
            "target": class_target(row["true_class"], groups),
            "before": clean(row["base_pred_label"], 60),
            "after": clean(row["candidate_pred_label"], 60),
            "n": count(int(row["n"])),
            "tone": _flow_tone(row),
        }
        for row in found.head(_MAX_FLOWS).to_dict("records")
    ]
    return {"rows": rows, "total": count(len(found)), "capped": len(found) > _MAX_FLOWS}


def _flow_tone(row: Mapping[Any, Any]) -> str:
    if row["base_pred_label"] == row["true_label"]:
        return "worse"
    return "better" if row["candidate_pred_label"] == row["true_label"] else "open"


def _class_row(row: Row, reach: float, groups: set[int]) -> dict[str, Any]:
    return {
        "label": clean(row["label"], 60),
        "target": class_target(row["true_class"], groups),
        **_changes(row, reach),
        "mass_p": bare_p(row["delta_mass_holm_p"]),
        "mass_sure": (row["delta_mass_holm_p"] or 1) <= _ALPHA,
        "before": _verdict(row["base_verdict"]),
        "after": _verdict(row["candidate_verdict"]),
        "tone": _TONES.get(row["verdict_change"] or "", "open"),
    }


def _slice_row(row: Row, reach: float, held: Collection[str]) -> dict[str, Any]:
    words = slice_words((row["slice"], row["value"]))
    return {
        "label": clean(row["value"], 60) or "(empty)",
        "target": f"#{slice_link(words)}" if words in held else "",
        **_changes(row, reach),
    }


def slice_link(words: str) -> str:
    """The fragment that narrows the cases to ``camera = north``."""
    return urlencode({"slice": words})


def _changes(row: Row, reach: float) -> dict[str, Any]:
    low, high = row["delta_accuracy_low"], row["delta_accuracy_high"]
    return {
        "n": count(row["n"]),
        "base": percent(row["base_accuracy"]),
        "candidate": percent(row["candidate_accuracy"]),
        "delta": points(row["delta_accuracy"]),
        "interval": points_interval(low, high),
        "strip": span(low, high, row["delta_accuracy"], reach),
        "lost": count(row["negative_flips"]),
        "won": count(row["positive_flips"]),
        "p": bare_p(row["mcnemar_holm_p"]),
        "sure": (row["mcnemar_holm_p"] or 1) <= _ALPHA,
        "base_mass": percent(row["base_mass"]),
        "candidate_mass": percent(row["candidate_mass"]),
        "delta_mass": points(row["delta_mass"]),
        "mass_interval": points_interval(row["delta_mass_low"], row["delta_mass_high"]),
        "moved": count(row["attention_moved"]),
    }


def _verdict(kind: str | None) -> str:
    return clean(kind or "not tested").replace("_", " ")


def _sentences(side: Side) -> dict[tuple[int, str], str]:
    return {
        (row["true_class"], row["label"]): bare_sentence(row)
        for row in side.classes
        if row.get("verdict_sentence")
    }


def _told(row: Row, verdict: str | None, sentences: Mapping[tuple[int, str], str]) -> str:
    return sentences.get((row["true_class"], row["label"]), "") or _verdict(verdict)


def _place(value: float, half: float) -> str:
    return f"{50 + 50 * min(max(value / half, -1.0), 1.0):.2f}%"
