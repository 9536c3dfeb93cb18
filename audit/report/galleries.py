"""Which cases the page shows together, and of how many they are the shown ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.report.load import Case

__all__ = ["FIRST", "SHELVES", "Gallery", "Shelf", "absent", "galleries"]

FIRST = 30  # cases in index.html; the page adds the others when asked


@dataclass(frozen=True)
class Shelf:
    """A place on the page for cases of one kind.

    ``total`` says how many images of the kind the whole run has, from the ``summary``; None where
    the summary does not count them.
    """

    id: str  # the fragment that links to it
    title: str
    lead: str
    sources: tuple[str, ...]  # names in the media table's ``galleries``
    holds: Callable[[Case], bool]
    total: Callable[[Mapping[str, Any]], int | None]
    rank: Callable[[Case], float] = lambda case: -case.severity  # the smallest first
    tested: bool = False  # by changing the picture: only as sure as the regions are


@dataclass(frozen=True)
class Gallery:
    """A shelf with its cases, in the order they are shown."""

    shelf: Shelf
    cases: tuple[Case, ...]
    total: int  # such images in the run


def galleries(cases: Sequence[Case], summary: Mapping[str, Any]) -> list[Gallery]:
    """The shelves that have something to show or to count, in the page's order."""
    filled = [_filled(shelf, cases, summary) for shelf in SHELVES]
    return [gallery for gallery in filled if gallery.total]


def absent(shown: Sequence[Gallery], summary: Mapping[str, Any]) -> list[str]:
    """Titles of the shelves of errors that ``summary`` counts none for, beside those ``shown``.

    Labels are doubted only where it is known whether the model looks at the object.
    """
    found = {one.shelf.id for one in shown}
    looked_for = {"confident-errors", "disagreement"} if summary["accuracy"] else set()
    if summary["two_by_two"]:
        looked_for.add("label-suspects")
    return [
        shelf.title
        for shelf in SHELVES
        if shelf.id in looked_for - found and shelf.total(summary) == 0
    ]


def _filled(shelf: Shelf, cases: Sequence[Case], summary: Mapping[str, Any]) -> Gallery:
    held = [case for case in cases if set(shelf.sources) & {*case.galleries} and shelf.holds(case)]
    held.sort(key=lambda case: (shelf.rank(case), case.index))
    # A summary that counts fewer than are shown would read as nonsense: the cases are the evidence.
    return Gallery(shelf, tuple(held), max(shelf.total(summary) or 0, len(held)))


def _off(case: Case) -> bool:
    return "off_object" in case.flags


def _cell(name: str) -> Callable[[Mapping[str, Any]], int | None]:
    return lambda summary: (summary["two_by_two"] or {}).get(name)


def _named(name: str, *less: str) -> Callable[[Mapping[str, Any]], int | None]:
    """The gallery ``name`` without the images that the 2×2's cells ``less`` count."""

    def total(summary: Mapping[str, Any]) -> int | None:
        whole = summary["galleries"].get(name)
        cells = summary["two_by_two"] or {}
        return None if whole is None else whole - sum(cells.get(cell, 0) for cell in less)

    return total


def _flagged(name: str) -> Callable[[Case], bool]:
    return lambda case: name in case.flags


def _surety(case: Case) -> float:
    return 0.0 if case.predicted is None else case.predicted.probability or 0.0


def _disagreement(case: Case) -> float:
    return 1.0 if case.agreement is None else case.agreement


SHELVES = (
    Shelf(
        "verified",
        "Verified: decided by a patch beside the object",
        "Covering the marked patch lowers the prediction far more than covering others does, and"
        " the class was found to decide by such a patch. The largest falls come first.",
        ("verified",),
        _flagged("spurious_verified"),
        _named("verified"),
        tested=True,
    ),
    Shelf(
        "confident-errors",
        "Confident errors",
        "Wrong, with a probability of at least 90%. The surest come first.",
        ("confident_errors",),
        lambda case: case.correct is False,
        _named("confident_errors"),
        rank=lambda case: -_surety(case),
    ),
    Shelf(
        "label-suspects",
        "Labels in doubt",
        "The model is sure of another class than the label says, and looks at the object. Check the"
        " label before blaming the model.",
        ("label_suspects",),
        _flagged("label_suspect"),
        _named("label_suspects"),
    ),
    Shelf(
        "disagreement",
        "Two maps that disagree",
        "Wrong answers where the label’s class and the predicted class look at different places:"
        " the least alike come first.",
        ("disagreement",),
        lambda case: case.correct is False,
        _named("disagreement"),
        rank=_disagreement,
    ),
    Shelf(
        "local-cause",
        "A cause in this image alone",
        "Covering the marked patch lowers this prediction, but the class as a whole was not found"
        " to decide by such a patch.",
        ("local_cause",),
        _flagged("local_cause"),
        _named("local_cause"),
        tested=True,
    ),
    Shelf(
        "right-off",
        "Right, but off the object",
        "The answer is right and the heat is elsewhere. Accuracy cannot see these: if the model"
        " has learned a shortcut, it shows here first.",
        ("off_object",),
        lambda case: case.correct is True and _off(case),
        _cell("correct_off"),
    ),
    Shelf(
        "wrong-off",
        "Wrong, and off the object",
        "The answer is wrong, and what the predicted class’s map shows is not the object.",
        ("misclassified", "off_object"),
        lambda case: case.correct is False and _off(case),
        _cell("wrong_off"),
    ),
    Shelf(
        "wrong-other",
        "Wrong, not off the object",
        "The model looked at the object and named it wrongly, or its attention could not be"
        " judged: no region, no map, or a region that fills the view.",
        ("misclassified",),
        lambda case: case.correct is False and not _off(case),
        _named("misclassified", "wrong_off"),
    ),
    Shelf(
        "unlabelled-off",
        "No label, off the object",
        "Images without a label, where the predicted class’s map is off the object.",
        ("off_object",),
        lambda case: case.correct is None and _off(case),
        _named("off_object", "correct_off", "wrong_off"),
    ),
    Shelf(
        "right-on",
        "Right, and on the object",
        "For comparison: what this model’s maps look like where nothing is amiss.",
        ("on_object_correct",),
        lambda case: case.correct is True and not _off(case),
        _cell("correct_on"),
        rank=lambda _: 0.0,  # in the dataset's order
    ),
    Shelf(
        "control",
        "Random control sample",
        "Drawn by chance from all images, chosen by nothing they show. Compare it with the"
        " galleries above before reading anything into them.",
        ("control",),
        lambda _: True,
        _named("control"),
        rank=lambda _: 0.0,  # in the dataset's order
    ),
)
