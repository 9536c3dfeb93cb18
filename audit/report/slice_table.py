"""The table of slices: accuracy and attention by each value of the dataset's further columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from audit.report.axis import strip
from audit.report.banner import names, of
from audit.report.load import Case
from audit.report.tables import Row
from audit.report.text import NOT_AVAILABLE, clean, count, interval, percent, share, times
from audit.tables.sliced import left_out

__all__ = ["MAX_SLICES", "held_slices", "slice_places", "slice_table", "slice_words"]

MAX_SLICES = 200  # rows: beyond them a page is no longer read
_LIMIT = 60  # characters of a name or value

Key = tuple[str, str]  # name, value


def slice_words(key: Key) -> str:
    """``camera = north``: how the case table and its address name a slice."""
    return f"{clean(key[0], _LIMIT)} = {clean(key[1], _LIMIT)}"


def held_slices(cases: Sequence[Case]) -> set[Key]:
    """The slices of the cases that the report holds."""
    return {key for case in cases for key in case.slices}


def slice_places(slices: Sequence[Row]) -> dict[int, str]:
    """Row of ``slices.parquet`` → the fragment of its row on the page, of those that are shown."""
    return {at: f"slice-{at}" for at in _shown(slices)}


def slice_table(slices: Sequence[Row], summary: Row, cases: Sequence[Case]) -> dict[str, Any]:
    """The values column by column; of very many, those that can be least accurate.

    First come the figures of all images, to compare with. ``cases`` are those that the report
    holds: a value that one of them has leads to them.
    """
    held, shown = held_slices(cases), _shown(slices)
    columns = (summary.get("slices") or {}).get("columns") or ()
    return {
        "whole": _whole(summary),
        "columns": [
            {"name": clean(name, _LIMIT), "rows": [_row(at, slices[at], held) for at in rows]}
            for name, rows in groupby(shown, key=lambda at: slices[at]["slice"])
        ],
        "shown": count(len(shown)),
        "total": count(len(slices)),
        "capped": len(shown) < len(slices),
        "notes": [*_without(columns), *_left_out(left_out(summary))],
    }


def _shown(slices: Sequence[Row]) -> list[int]:
    """The rows that the table has, in their order."""
    if len(slices) <= MAX_SLICES:
        return list(range(len(slices)))
    worst = sorted(range(len(slices)), key=lambda at: _reach(slices[at]))
    return sorted(worst[:MAX_SLICES])


def _reach(row: Row) -> float:
    """How accurate the slice may be at best: one right of two says less than 40 of 100."""
    high = row["accuracy_high"]
    return 2.0 if high is None else float(high)


def _whole(summary: Row) -> dict[str, Any]:
    accuracy, seen = summary["accuracy"] or {}, summary["attention"] or {}
    figures = {
        "n": accuracy.get("n", 0),
        "accuracy": accuracy.get("value"),
        "accuracy_low": accuracy.get("low"),
        "accuracy_high": accuracy.get("high"),
        "n_images": summary["counts"]["audited"],
        "median_mass": seen.get("median_mass"),
        "median_lift": seen.get("median_lift"),
        "median_area": seen.get("median_area"),
        "median_center_baseline": seen.get("center_baseline"),
        "median_permuted_baseline": seen.get("permuted_baseline"),
    }
    cells = summary.get("two_by_two") or {}
    off, judged = (
        sum(n for name, n in cells.items() if name.endswith(end)) for end in ("_off", "")
    )
    return _figures(figures) | {"off": share(off, judged) if judged else NOT_AVAILABLE}


def _row(at: int, row: Row, held: set[Key]) -> dict[str, Any]:
    key = str(row["slice"]), str(row["value"])
    return {
        "id": f"slice-{at}",
        "value": clean(key[1], _LIMIT) or "(empty)",
        "link": f"case-table?{urlencode({'slice': slice_words(key)})}" if key in held else "",
        "off": percent(row["off_object_rate"]),
        **_figures(row),
    }


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "n": count(row["n_images"]),
        "unanswered": "" if row["n"] == row["n_images"] else count(row["n"]),
        "accuracy": percent(row["accuracy"]),
        "interval": interval(row["accuracy_low"], row["accuracy_high"]),
        "strip": strip(row["accuracy_low"], row["accuracy_high"], row["accuracy"]),
        "mass": percent(row["median_mass"]),
        "lift": times(row["median_lift"]),
        "area": percent(row["median_area"]),
        "center": percent(row["median_center_baseline"]),
        "permuted": percent(row["median_permuted_baseline"]),
    }


def _without(columns: Sequence[Row]) -> list[str]:
    """One sentence on the columns that some images have no value of."""
    few = [one for one in columns if one["without"]]
    told = ", ".join(f"{clean(one['name'], 40)} ({count(one['without'])})" for one in few)
    return [f"Images without a value: {told}."] if few else []


def _left_out(found: Mapping[str, str]) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for name, why in found.items():
        by_reason.setdefault(why, []).append(name)
    return [
        f"Left out, {clean(why)}: {of(len(some), 'column', 'columns')}: {names(some)}."
        for why, some in by_reason.items()
    ]
