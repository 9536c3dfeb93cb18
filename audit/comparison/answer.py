"""Is the candidate better, and what got worse: the comparison's first screen, from its figures.

A difference counts where its test or interval shows it: accuracy by its 95% interval and McNemar's
exact p ≤ .05, a class or slice by Holm's p ≤ .05, attention by its interval and by at least
NOTABLE_MASS, a verdict as it stands. Accuracy needs both, since a bootstrap of a few flips, all in
one direction, never reaches zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.comparison.questions import QuestionChange
from audit.comparison.words import p_value, points, points_interval
from audit.report.slice_table import slice_words
from audit.report.tables import Row
from audit.report.text import clean, count, percent

__all__ = ["NOTABLE_MASS", "Answer", "Reason", "answer"]

#: Less is no reason: a fit with another seed alone moves the heat as well (docs/compare.md).
NOTABLE_MASS = 0.05
_ALPHA = 0.05

_BOTH = "the candidate is better in places and worse in others."
# Direction of the accuracy, whether something got worse, whether something got better.
_HEADLINES = {
    ("up", False, True): "The candidate is more accurate, and nothing was found to be worse.",
    ("up", True, True): "The candidate is more accurate on the whole, and worse in places.",
    ("down", True, False): "The candidate is less accurate.",
    ("down", True, True): "The candidate is less accurate on the whole, and better in places.",
    ("same", False, False): "No difference was found that speaks against the candidate.",
    ("same", True, False): (
        "No difference in accuracy was found; the candidate is worse in places."
    ),
    ("same", False, True): (
        "No difference in accuracy was found; the candidate is better in places."
    ),
    ("same", True, True): f"No difference in accuracy was found; {_BOTH}",
    ("none", False, False): "Accuracy cannot be compared: no image has a label in both runs.",
    ("none", True, False): "Accuracy cannot be compared; the candidate is worse in places.",
    ("none", False, True): "Accuracy cannot be compared; the candidate is better in places.",
    ("none", True, True): f"Accuracy cannot be compared; {_BOTH}",
}


@dataclass(frozen=True)
class Reason:
    """One thing that got better or worse.

    ``subject`` is a class's name, a slice's ("camera = north"), a type of question, or a word for
    all.
    """

    kind: str  # accuracy, class_accuracy, slice_accuracy, verdict or attention
    true_class: int | None  # None: of the whole set, or of a slice
    subject: str
    sentence: str


@dataclass(frozen=True)
class Answer:
    """``state``: better, worse, mixed or alike."""

    state: str
    headline: str
    worse: tuple[Reason, ...]
    better: tuple[Reason, ...]


def answer(
    accuracy: Row | None,
    attention: Mapping[str, Any],
    classes: Sequence[Row],
    sentences: Mapping[int, str],
    slices: Sequence[Row] = (),
    *,
    questions: Sequence[QuestionChange] = (),
) -> Answer:
    """What the figures say. ``sentences``: the verdict sentence of a class that was found."""
    direction = _direction(accuracy)
    worse = [*_accuracy(accuracy, "down"), *_verdicts(classes, sentences, "newly_spurious")]
    worse += [*_attention(attention, worse=True), *_groups(classes, worse=True)]
    worse += [*_groups(slices, worse=True), *_questions(questions, "newly_spurious")]
    better = [*_accuracy(accuracy, "up"), *_verdicts(classes, sentences, "cured")]
    better += [*_attention(attention, worse=False), *_groups(classes, worse=False)]
    better += [*_groups(slices, worse=False), *_questions(questions, "cured")]
    return Answer(
        state=_state(direction, bool(worse), bool(better)),
        headline=_HEADLINES[direction, bool(worse), bool(better)],
        worse=tuple(worse),
        better=tuple(better),
    )


def _direction(accuracy: Row | None) -> str:
    if accuracy is None or accuracy["low"] is None:
        return "none"
    if accuracy["mcnemar_exact_p"] > _ALPHA or accuracy["low"] <= 0 <= accuracy["high"]:
        return "same"
    return "up" if accuracy["low"] > 0 else "down"


def _state(direction: str, worse: bool, better: bool) -> str:
    if direction == "down":
        return "worse"
    if worse:
        return "mixed" if better else "worse"
    return "better" if better else "alike"


def _accuracy(accuracy: Row | None, wanted: str) -> list[Reason]:
    if accuracy is None or _direction(accuracy) != wanted:
        return []
    sentence = (
        f"{percent(accuracy['candidate']['value'])} right instead of "
        f"{percent(accuracy['base']['value'])}, a difference of {points(accuracy['delta'])} points "
        f"({points_interval(accuracy['low'], accuracy['high'])}): "
        f"{count(accuracy['negative_flips']['count'])} images lost, "
        f"{count(accuracy['positive_flips']['count'])} won"
    )
    return [Reason("accuracy", None, "Accuracy", sentence)]


def _groups(groups: Sequence[Row], *, worse: bool) -> list[Reason]:
    """Classes or slices whose accuracy changed, the largest change first."""
    found = [
        row
        for row in groups
        if (row["mcnemar_holm_p"] or 0) <= _ALPHA
        and row["mcnemar_holm_p"] is not None
        and (row["delta_accuracy"] < 0) == worse
    ]
    found.sort(key=lambda row: -abs(row["delta_accuracy"]))
    return [_reason(row) for row in found]


def _reason(row: Row) -> Reason:
    sentence = (
        f"{percent(row['candidate_accuracy'])} right instead of {percent(row['base_accuracy'])} of "
        f"{count(row['n'])} images ({points(row['delta_accuracy'])} points; Holm’s "
        f"{p_value(row['mcnemar_holm_p'])})"
    )
    if "slice" in row:
        words = slice_words((row["slice"], row["value"]))
        return Reason("slice_accuracy", None, words, sentence)
    return Reason("class_accuracy", row["true_class"], row["label"], sentence)


def _verdicts(classes: Sequence[Row], sentences: Mapping[int, str], change: str) -> list[Reason]:
    """Classes whose verdict changed so. A cured one is told by what the base's run had found."""
    words = {
        "newly_spurious": "now found spurious: it ",
        "cured": "no longer found spurious; the base ",
    }
    return [
        Reason(
            "verdict",
            row["true_class"],
            row["label"],
            words[change] + sentences.get(row["true_class"], "decides by something else"),
        )
        for row in classes
        if row["verdict_change"] == change
    ]


def _questions(questions: Sequence[QuestionChange], change: str) -> list[Reason]:
    """Types of question whose verdict changed so."""
    words = {"newly_spurious": "now ", "cured": "no longer found so; in the base "}
    return [
        Reason("verdict", None, f"question type {one.name}", words[change] + one.sentence)
        for one in questions
        if one.change == change
    ]


def _attention(attention: Mapping[str, Any], *, worse: bool) -> list[Reason]:
    mass = attention["true"]["relevance_mass_accuracy"]
    if mass is None or mass["low"] is None or abs(mass["delta"]) < NOTABLE_MASS:
        return []
    if (worse and mass["high"] >= 0) or (not worse and mass["low"] <= 0):
        return []
    sentence = (
        f"{percent(mass['candidate'])} of the label’s heat lies on the object on average instead "
        f"of {percent(mass['base'])} ({points(mass['delta'])} points, "
        f"{points_interval(mass['low'], mass['high'])}; {clean(p_value(mass['p']))})"
    )
    return [Reason("attention", None, "Attention", sentence)]
