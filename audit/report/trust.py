"""How far the tests reached, what they cost, and what speaks against trusting them."""

from __future__ import annotations

from collections.abc import Sequence

from audit.report.banner import of
from audit.report.tables import Row
from audit.report.text import clean, count, interval, percent

__all__ = ["chance", "facts"]

_LEVEL = 0.05


def facts(verdicts: Row) -> list[tuple[str, str]]:
    """Terms and values; ``verdicts`` is that key of ``summary.json``."""
    told = [
        ("Images", _images(verdicts)),
        ("Over the whole set", _whole(verdicts["whole_set"])),
        ("Another fill", _fills(verdicts)),
        ("Forwards", f"{count(verdicts['forwards'])} of a budget of {count(verdicts['budget'])}"),
    ]
    return [(term, value) for term, value in told if value]


def chance(classes: Sequence[Row]) -> str:
    """In how many classes a patch that nothing in the image chose passes the covering test."""
    known = [row["s1_null_p"] for row in classes if row["s1_null_p"] is not None]
    if not known:
        return ""
    passed = sum(p <= _LEVEL for p in known)
    return (
        "Covering alone is not proof. A patch that another image’s map of the class chose also"
        f" lowers the probability more than its controls do (p ≤ {_LEVEL}) in {count(passed)} of"
        f" {of(len(known), 'class', 'classes')}. A verdict by a patch needs pasting to agree."
    )


def _images(verdicts: Row) -> str:
    beyond = verdicts["suspects_tested"]
    told = (
        f"; {of(beyond, 'suspect', 'suspects')} beyond them, as evidence on that image alone"
        if beyond
        else ""
    )
    return f"{count(verdicts['images_tested'])} drawn evenly within each predicted class{told}"


def _whole(rate: Row) -> str:
    if rate["rate"] is None:
        return ""
    return (
        f"An estimated {percent(rate['rate'])} (95% interval {interval(rate['low'], rate['high'])})"
        f" of the {of(rate['n'], 'image', 'images')} predicted a tested class are decided by a"
        f" verified patch, from {count(rate['n_sampled'])} sampled"
    )


def _fills(verdicts: Row) -> str:
    first = clean(verdicts["fill"], 20)
    return " ".join(_fill(first, one) for one in verdicts["fill_agreement"])


def _fill(first: str, other: Row) -> str:
    second, n = clean(other["fill"], 20), of(other["n"], "image", "images")
    kappa = "" if other["kappa"] is None else f"; Cohen’s κ {other['kappa']:.2f}"
    return (
        f"Covered with {first} and with {second}, {n}: a patch matters in"
        f" {count(other['holds_primary'])} and in {count(other['holds_second'])}; the two agree on"
        f" {percent(other['agreement'])}{kappa}."
    )
