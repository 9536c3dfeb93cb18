"""What the captions' nouns rest on, and which name an object that is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.report.axis import strip
from audit.report.load import RunFolder
from audit.report.questions import looks
from audit.report.tables import Row
from audit.report.text import clean, count, interval, percent, share

__all__ = ["MAX_NOUNS", "nouns"]

MAX_NOUNS = 200  # rows


def nouns(run: RunFolder) -> dict[str, Any] | None:
    """The section of the captions' nouns; None where no caption was audited."""
    found = run.summary.get("words")
    if found is None:
        return None
    wrong, rows = found["hallucinated"], _shown(run.nouns)
    return {
        "said": count(found["said"]),
        "hallucinated": count(wrong["n"]),
        "share": percent(wrong["value"]),
        "interval": interval(wrong["low"], wrong["high"]),
        "strip": strip(wrong["low"], wrong["high"], wrong["value"]),
        "looks": looks(found["attention"], "objects of the word’s class"),
        "rows": [_row(row) for row in rows],
        "shown": count(len(rows)),
        "total": count(len(run.nouns)),
        "capped": len(rows) < len(run.nouns),
    }


def _shown(rows: Sequence[Row]) -> list[Row]:
    """Every class, or of very many those that captions hallucinate or name most often."""
    if len(rows) <= MAX_NOUNS:
        return list(rows)
    ranked = sorted(rows, key=lambda row: (-(row["hallucinated"] or 0), -row["said"]))
    return ranked[:MAX_NOUNS]


def _row(row: Row) -> dict[str, Any]:
    known = row["hallucinated"] is not None and row["said"]
    return {
        "name": clean(row["label"], 60),
        "said": count(row["said"]),
        "hallucinated": count(row["hallucinated"]),
        "rate": share(row["hallucinated"], row["said"]) if known else "",
        "referred": count(row["referred"]),
        "missed": count(row["missed"]),
        "mass": percent(row["mass"]),
        "interval": interval(row["mass_low"], row["mass_high"]),
        "strip": strip(row["area"], row["mass"], row["mass"]),
        "below": row["mass"] is not None and row["mass"] <= row["area"],
        "area": percent(row["area"]),
        "other": percent(row["other_mass"]),
    }
