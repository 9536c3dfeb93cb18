"""Places on an axis from 0 to 1, as SVG percentages."""

from __future__ import annotations

__all__ = ["at", "strip"]


def at(value: float | None) -> str | None:
    """The place of ``value``, at the nearer end where it lies outside; None: nothing to draw."""
    return None if value is None else f"{100 * min(max(value, 0.0), 1.0):.2f}%"


def strip(low: float | None, high: float | None, dot: float | None) -> dict[str, str] | None:
    """A line from ``low`` to ``high`` with a dot; None where one of them does not exist."""
    places = {"low": at(low), "high": at(high), "dot": at(dot)}
    known = {name: place for name, place in places.items() if place is not None}
    return known if len(known) == len(places) else None
