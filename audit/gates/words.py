"""How a gate's figures and names are written, in every output alike."""

from __future__ import annotations

import re

from audit.gates.measures import Bounds
from audit.gates.verdict import Verdict
from audit.report.text import clean

__all__ = ["GROUPS", "between", "label", "lines", "number", "percent", "plain"]

#: Scope of a gate → one and several of what offends or is left out; overall counts count classes.
GROUPS = {
    "overall": ("class", "classes"),
    "class": ("class", "classes"),
    "slice": ("slice", "slices"),
}

_LONGEST_LABEL, _LONGEST_LINE = 60, 2000
_LARGE = 1e15  # from here on, digits in full say nothing
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def number(value: float, unlike: float | None = None, *, signed: bool = False) -> str:
    """Four digits, whole numbers in full, a true minus: 0.9775, 1,200, −0.01, 1e+15.

    More digits where fewer would show it as another whole number, or as ``unlike``. ``signed``:
    what is above 0 has its plus, as a change has.
    """
    plus = "+" if signed and value > 0 else ""
    return plus + _digits(value, unlike).replace("-", "−")


def between(bounds: Bounds, *, signed: bool = False) -> str:
    """``0.9700 to 0.9831``; ``signed`` as in ``number``."""
    return f"{number(bounds.low, signed=signed)} to {number(bounds.high, signed=signed)}"


def label(name: object) -> str:
    """An untrusted class name as one short visible line in quotes."""
    return f"'{clean(name, _LONGEST_LABEL)}'"


def percent(level: float) -> str:
    """``95%``, ``99.5%``, ``99.995%``: as many digits as tell it from 100%."""
    return f"{number(round(100 * level, 9))}%"


def lines(verdict: Verdict) -> list[str]:
    """One line a gate, then the outcome: for a terminal, or a log."""
    gates = [
        f"{row.outcome.upper():4}  {plain(row.name, _LONGEST_LINE)}: "
        f"{plain(row.sentence, _LONGEST_LINE)}"
        for row in verdict.rows
    ]
    against = f" against {plain(verdict.baseline, _LONGEST_LABEL)}" if verdict.baseline else ""
    policy = plain(verdict.policy, _LONGEST_LABEL)
    run = plain(verdict.run, _LONGEST_LABEL)
    return [*gates, f"{run}{against}, policy {policy}: {verdict.outcome.upper()}"]


def plain(text: str, limit: int) -> str:
    """One visible line of at most ``limit`` characters, all of which XML allows."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", clean(text, limit))


def _digits(value: float, unlike: float | None) -> str:
    if abs(value) >= _LARGE:
        return f"{value:g}"
    if value == int(value):
        return f"{int(value):,}"
    for digits in range(4, 17):
        shown = f"{value:.{digits}g}"
        if float(shown) not in (int(float(shown)), unlike):
            break
    return shown
