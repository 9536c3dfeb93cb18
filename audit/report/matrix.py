"""The confusion matrix, whose cells lead to their cases; beyond 50 classes the pairs alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from audit.report.axis import at
from audit.report.load import Case
from audit.report.tables import Row
from audit.report.text import clean, count, share

__all__ = ["MAX_CLASSES", "MAX_PAIRS", "cell_link", "matrix", "pairs_table", "shown_pairs"]

MAX_CLASSES = 50  # a side of the matrix: beyond it cells are too small to read
MAX_PAIRS = 20
_SHADES = 5  # the strongest cell's; 0 is an empty one
_NARROW = 12  # classes: beyond them the columns' names stand upright

Pair = tuple[int, int]


def shown_pairs(cases: Sequence[Case]) -> set[Pair]:
    """(true class, predicted class) of the cases that the report holds."""
    return {
        (case.true.index, case.predicted.index)
        for case in cases
        if case.true is not None and case.predicted is not None
    }


def cell_link(pair: Pair, held: Collection[Pair]) -> str:
    """The fragment that filters the case table to ``pair``; "" where the report holds none."""
    return f"case-table?true={pair[0]}&pred={pair[1]}" if pair in held else ""


def matrix(
    pairs: Sequence[Row], classes: Sequence[Row], held: Collection[Pair]
) -> dict[str, Any] | None:
    """Rows are labels, columns predictions; None where there is nothing or too much to show.

    A last column counts predictions of outputs that no class of the dataset has.
    """
    known = [row["true_class"] for row in classes]
    if not pairs or not 1 < len(known) <= MAX_CLASSES:
        return None
    counts = {(pair["true_class"], pair["pred_class"]): pair["n"] for pair in pairs}
    other = {index: _beyond(counts, index, set(known)) for index in known}
    wrong = [n for (true, pred), n in counts.items() if true != pred]
    most = max([*wrong, 1])
    names = {row["true_class"]: clean(row["label"], 40) for row in classes}
    return {
        "upright": len(known) > _NARROW,
        "classes": [names[index] for index in known],
        "other": any(other.values()),
        "rows": [
            {
                "name": names[true],
                "cells": [_cell((true, pred), counts, names, most, held) for pred in known],
                "other": count(other[true]) if other[true] else "",
            }
            for true in known
        ],
    }


def _beyond(counts: dict[Pair, int], true: int, known: set[int]) -> int:
    return sum(n for (label, pred), n in counts.items() if label == true and pred not in known)


def _cell(
    pair: Pair,
    counts: dict[Pair, int],
    names: dict[int, str],
    most: int,
    held: Collection[Pair],
) -> dict[str, Any]:
    n = counts.get(pair, 0)
    right = pair[0] == pair[1]
    return {
        "n": count(n) if n else "",
        "tone": "right" if right else f"shade-{_shade(n, most)}",
        "link": cell_link(pair, held) if n else "",
        "said": f"{names[pair[0]]}, predicted {names[pair[1]]}: {count(n)}",
    }


def _shade(n: int, most: int) -> int:
    """0 for none, then 1 to 5 by the square root, so that rare confusions stay visible."""
    return 0 if n == 0 else max(1, round(_SHADES * (n / most) ** 0.5))


def pairs_table(
    pairs: Sequence[Row], classes: Sequence[Row], held: Collection[Pair]
) -> dict[str, Any]:
    """The most frequent confusions, the most frequent first."""
    wrong = [pair for pair in pairs if pair["true_class"] != pair["pred_class"]]
    wrong.sort(key=lambda pair: (-pair["n"], pair["true_class"], pair["pred_class"]))
    sizes = {row["true_class"]: row["n"] for row in classes}
    return {
        "rows": [
            {
                "true": clean(pair["true_label"], 60),
                "pred": clean(pair["pred_label"], 60),
                "n": count(pair["n"]),
                "share": share(pair["n"], sizes.get(pair["true_class"])),
                "bar": at(pair["n"] / wrong[0]["n"]),
                "link": cell_link((pair["true_class"], pair["pred_class"]), held),
            }
            for pair in wrong[:MAX_PAIRS]
        ],
        "total": count(len(wrong)),
        "capped": len(wrong) > MAX_PAIRS,
    }
