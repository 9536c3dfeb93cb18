"""What the first screen says of the verdicts: found, not found, warned, or not tested and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.report.tables import Row
from audit.report.text import clean, count, percent
from audit.tables.verdict_columns import TESTED

__all__ = [
    "MAX_SENTENCES",
    "banner",
    "bare_sentence",
    "caption_banner",
    "gaps",
    "measured",
    "names",
    "of",
    "question_banner",
    "tested",
]

MAX_SENTENCES = 5  # classes with their sentence on the first screen
_NAMES = 6
_BLANK = {"state": "untested", "figure": "", "of": "", "found": [], "more": []}
_TRIAGE = "What follows is triage: it says where the heat lies, not what the model decides by."
_UNMEASURED = "How often these tests raise a false alarm was not measured for this report."


def banner(
    verdicts: Row | None,
    classes: Sequence[Row],
    links: Mapping[int, str],
    pictures: Mapping[int, str],
) -> dict[str, Any]:
    """The banner as plain strings.

    ``verdicts`` is that key of ``summary.json`` (None: a run that made no interventions),
    ``classes`` the class table, ``links`` the place on the page of each class found, by
    true_class, in the order to show them, ``pictures`` what its strongest cue looks like.
    """
    if verdicts is None or not tested(verdicts):
        return _BLANK | {"headline": _untested(verdicts), "lines": gaps(verdicts, classes)}
    n, found = tested(verdicts), int(verdicts["counts"].get("spurious", 0))
    rows = {row["true_class"]: row for row in classes}
    told = [(rows[index], place) for index, place in links.items()]
    return {
        "state": "none" if not found else "warned" if verdicts["estimated_regions"] else "found",
        "figure": count(found),
        "of": f"of {of(n, 'tested class', 'tested classes')}",
        "headline": _headline(found, estimated=verdicts["estimated_regions"]),
        "found": [
            {
                "place": place,
                "name": clean(row["label"], 60),
                "sentence": bare_sentence(row),
                "picture": pictures.get(row["true_class"], ""),
            }
            for row, place in told[:MAX_SENTENCES]
        ],
        "more": [
            {"place": place, "name": clean(row["label"], 60)} for row, place in told[MAX_SENTENCES:]
        ],
        "lines": [_scope(verdicts), *gaps(verdicts, classes), measured(verdicts)],
    }


def question_banner(verdicts: Row, found: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The same of a dataset of questions; ``found`` are the types answered without looking.

    Of very many, ``found`` may be those that the page shows.
    """
    n = tested(verdicts)
    if not n:
        return _BLANK | {"headline": _untested_types(verdicts), "lines": [_TRIAGE]}
    headline = (
        "Found to be answered without looking at what is asked for."
        if found
        else "No type of question was found to be answered without looking."
    )
    return {
        "state": "found" if found else "none",
        "figure": count(int(verdicts["counts"].get("spurious", 0))),
        "of": f"of {of(n, 'tested type', 'tested types')} of question",
        "headline": headline,
        "found": found[:MAX_SENTENCES],
        "more": found[MAX_SENTENCES:],
        "lines": [
            f"Tested on {of(verdicts['images_tested'], 'question', 'questions')}, drawn evenly"
            " within each type, by covering what is asked for and asking again.",
            *_left_types(verdicts),
            "How often these tests raise a false alarm was not measured for questions.",
        ],
    }


def _untested_types(verdicts: Row) -> str:
    if verdicts["has_regions"] and verdicts["budget"] and not verdicts["counts"].get("clean"):
        return "No verdict: no type of question had enough to test."
    return _untested(verdicts)


def _left_types(verdicts: Row) -> list[str]:
    left = verdicts["not_tested"]
    if not left:
        return []
    told = names([one["label"] for one in left])
    return [f"Not tested: {of(len(left), 'type', 'types')} of question: {told}."]


def caption_banner() -> dict[str, Any]:
    """The same of captions, for which there is no such test."""
    return _BLANK | {
        "headline": "No verdict: what a caption rests on is not tested by changing pictures.",
        "lines": [
            "Which of its words name an object that is not there, and where each looks, is"
            " told below, under Words.",
            _TRIAGE,
        ],
    }


def tested(verdicts: Row) -> int:
    """How many classes have a verdict."""
    return sum(int(verdicts["counts"].get(name, 0)) for name in TESTED)


def bare_sentence(row: Row) -> str:
    """The class's verdict_sentence without the class's name before it."""
    said = (row["verdict_sentence"] or "").removeprefix(f"class {row['label']!r}: ")
    return clean(said, 900)


def of(n: int, one: str, several: str) -> str:
    """``1 class``, ``2,000 classes``."""
    return f"{count(n)} {one if n == 1 else several}"


def names(labels: Sequence[object], most: int = _NAMES) -> str:
    """``a, b, c and 7 more``."""
    listed = ", ".join(clean(label, 40) for label in labels[:most])
    return listed + (f" and {count(len(labels) - most)} more" if len(labels) > most else "")


def measured(verdicts: Row) -> str:
    """How often the tests were right where the answer was known beforehand.

    Not measured, where the figures are missing or belong to another version of the rules.
    """
    found = verdicts.get("measured")
    if not found or found.get("verdict_version") != verdicts["version"]:
        return _UNMEASURED
    alarms, caught, cases = (
        found[name] for name in ("false_alarms", "found", "verified_precision")
    )
    # a bootstrap over models says nothing of a rate that is 0 in all of them
    alike = "" if alarms["k"] else " if classes of one model fail independently"
    exact = ", with exact regions" if verdicts["estimated_regions"] else ""
    return (
        f"Measured beforehand on planted shortcuts{exact}: {of(alarms['k'], 'alarm', 'alarms')} in"
        f" {of(alarms['n'], 'class', 'classes')} without one (at most"
        f" {percent(alarms['high'])}{alike});"
        f" {count(caught['k'])} of {of(caught['n'], 'class', 'classes')} that use one found (at"
        f" least {percent(caught['low'])}); {percent(cases['rate'])} of the images flagged as"
        f" verified truly so (at least {percent(cases['low'])}). Bounds hold with 95% confidence."
    )


def _untested(verdicts: Row | None) -> str:
    if verdicts is None:
        return "Not tested: this run changed no picture to see what a decision rests on."
    if not verdicts["has_regions"]:
        return "No verdict: nothing says where the objects are."
    if verdicts["budget"] == 0:
        return "Not tested: the run was given no budget for it (--budget 0)."
    if verdicts["counts"].get("not_enough_images"):
        return "No verdict: no class had enough images to test."
    return "No verdict: no class was tested."


def _headline(found: int, *, estimated: bool) -> str:
    """What follows "3 of 10 tested classes", or stands for itself where nothing was found."""
    if not found and estimated:
        return "No class was found to decide by a cause outside its estimated region."
    if not found:
        return "No class was found to decide by something beside its object."
    if estimated:
        return "Warning: a cause outside the estimated region may decide."
    return f"Found to decide by something beside {'its' if found == 1 else 'their'} object."


def _scope(verdicts: Row) -> str:
    return (
        f"Tested on {of(verdicts['images_tested'], 'image', 'images')}, drawn evenly within each"
        " predicted class, by changing the picture and classifying it again."
    )


def gaps(verdicts: Row | None, classes: Sequence[Row]) -> list[str]:
    """What was left out, by name; only triage where nothing was tested."""
    if verdicts is None or not tested(verdicts):
        few = _few(classes) if verdicts and verdicts["counts"].get("not_enough_images") else []
        return [*few, _TRIAGE]
    left = sorted(verdicts["not_tested"], key=lambda one: -one["images"])
    said = _few(classes)
    if left:
        images = sum(one["images"] for one in left)
        said.append(
            f"Not tested: {of(len(left), 'class', 'classes')} ({of(images, 'image', 'images')}"
            f" predicted so): {names([one['label'] for one in left])}."
        )
    return said


def _few(classes: Sequence[Row]) -> list[str]:
    few = [row["label"] for row in classes if row["verdict"] == "not_enough_images"]
    if not few:
        return []
    return [f"Not enough images: {of(len(few), 'class', 'classes')}: {names(few)}."]
