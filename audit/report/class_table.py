"""The table of classes: accuracy, attention beside its baselines, and the verdict."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from audit.report.axis import strip
from audit.report.tables import Row
from audit.report.text import clean, count, effect, interval, percent, probability, share, times

__all__ = ["MAX_CLASSES", "class_table", "shown_classes"]

MAX_CLASSES = 200  # rows: beyond them a page is no longer read


def class_table(
    classes: Sequence[Row], places: Mapping[int, str], held: Collection[int]
) -> dict[str, object]:
    """Every class in label order; of very many, those found spurious and the least accurate.

    ``places`` is where the page has more on a class, by true_class; ``held`` are the classes of
    which it holds images.
    """
    rows = shown_classes(classes)
    return {
        "rows": [
            _class_row(row, places.get(row["true_class"], ""), held=row["true_class"] in held)
            for row in rows
        ],
        "total": count(len(classes)),
        "shown": count(len(rows)),
        "capped": len(rows) < len(classes),
        "tested": any(row["verdict"] != "not_tested" for row in classes),
    }


def shown_classes(classes: Sequence[Row]) -> Sequence[Row]:
    """The rows that the table has."""
    if len(classes) <= MAX_CLASSES:
        return classes
    return sorted(classes, key=_urgency)[:MAX_CLASSES]


def _urgency(row: Row) -> tuple[bool, bool, float]:
    return row["verdict"] != "spurious", row["accuracy"] is None, row["accuracy"] or 0.0


def _class_row(row: Row, place: str, *, held: bool) -> dict[str, object]:
    return {
        "id": f"class-{row['true_class']}",
        "label": clean(row["label"], 60),
        "n": count(row["n"]),
        "images": f"case-table?true={row['true_class']}" if held else "",
        "accuracy": percent(row["accuracy"]),
        "interval": interval(row["accuracy_low"], row["accuracy_high"]),
        "n_scored": count(row["n_scored"]),
        "mass": percent(row["median_mass"]),
        "area": percent(row["median_area"]),
        "center": percent(row["median_center_baseline"]),
        "permuted": percent(row["median_permuted_baseline"]),
        "lift": times(row["median_lift"]),
        "mass_strip": strip(row["median_area"], row["median_mass"], row["median_mass"]),
        "below": (row["median_lift"] or 1) < 1,
        "off": percent(row["off_object_rate"]),
        "confusion": None if row["worst_confusion"] is None else clean(row["worst_confusion"], 60),
        "confusion_n": count(row["worst_confusion_n"]),
        "place": place,
        **_verdict(row),
    }


def _verdict(row: Row) -> dict[str, object]:
    """The class's verdict in words, the mark beside it, and what the tests found."""
    kind = clean(row["verdict"])
    warned = kind == "spurious" and bool(row.get("verdict_estimated"))
    return {
        "mark": kind,
        "verdict": "warning" if warned else kind.replace("_", " "),
        "q": "" if row.get("q_value") is None else probability(row["q_value"]),
        **_verified(row),
        "patch": _effects(row, "local", ("s1", "s2")),
        "ground": _effects(row, "background", ("necessity", "sufficiency")),
    }


def _verified(row: Row) -> dict[str, str]:
    """The share of the tested images, drawn evenly, that a patch was shown to decide.

    A cause in a single image is none of the class's: without the class's own verdict it is 0.
    """
    n = row.get("s1_tested")
    if row.get("local_state") != "tested" or not n:
        return {"verified": "", "verified_of": ""}
    k = row["s1_holds"] if row["local_passes"] else 0
    return {"verified": share(k, n), "verified_of": f"{count(k)} of {count(n)}"}


def _effects(row: Row, way: str, tests: tuple[str, str]) -> str:
    """The two effects that a way needs; "" where it was not tested."""
    if row.get(f"{way}_state") != "tested":
        return ""
    return " / ".join(effect(row[f"{test}_effect"]) for test in tests)
