"""The strongest swaps of backgrounds of a class that they decide, as the page shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.report.cards import SWAP_FOLDER, decodable
from audit.report.load import RunFolder
from audit.report.picture import kind_of
from audit.report.tables import Row
from audit.report.text import clean, probability

__all__ = ["shown_swaps", "swap_pictures"]

_NAME = 60
# Test → the views in which an object is shown; the last one is where the background decides.
_VIEWS = {
    "B-necessity": ("own", "same", "other"),
    "B-sufficiency": ("own", "other", "same"),
}
_PICTURES = {"own": "picture", "same": "same_picture", "other": "other_picture"}
_PROBABILITIES = {"own": "p_before", "same": "same_p", "other": "other_p"}


def shown_swaps(run: RunFolder, index: int) -> list[dict[str, Any]]:
    """The swaps of the class ``index`` as plain strings: each a title and three tiles."""
    return [
        {
            "title": _title(row),
            "tiles": [
                {
                    "src": _src(row, at, view),
                    "words": _words(row, view),
                    "probability": probability(row[_PROBABILITIES[view]]),
                }
                for view in _VIEWS[row["test"]]
            ],
        }
        for at, row in _rows(run, index)
    ]


def swap_pictures(run: RunFolder, classes: Iterable[int]) -> dict[str, bytes]:
    """Where the page has each picture of the swaps of ``classes`` → the picture.

    Raises DataError where one cannot be decoded.
    """
    return {
        _src(row, at, view): decodable(row[name], f"swaps: {name} of image {row['index']}")
        for index in classes
        for at, row in _rows(run, index)
        for view, name in _PICTURES.items()
    }


def _rows(run: RunFolder, index: int) -> list[tuple[int, Row]]:
    mine = [row for row in run.swaps if row["watched_class"] == index and row["test"] in _VIEWS]
    return list(enumerate(mine))


def _title(row: Row) -> str:
    if row["test"] == "B-necessity":
        return f"Image {row['index']}: its object on another background"
    return f"Image {row['index']}: another object on its background"


def _words(row: Row, view: str) -> str:
    watched, other = clean(row["watched_label"], _NAME), clean(row["other_label"], _NAME)
    if view == "same":
        return f"On the background of “{watched}”, image {row['same_index']}"
    if view == "other":
        return f"On that of “{other}”, image {row['other_index']}"
    return f"As it is, predicted “{clean(row['label'], _NAME)}”"


def _src(row: Row, at: int, view: str) -> str:
    suffix = kind_of(row[_PICTURES[view]]).suffix
    return f"{SWAP_FOLDER}/{row['watched_class']}-{at}-{view}{suffix}"
