"""How differences are written: with their sign, in points, and with what their test says."""

from __future__ import annotations

from audit.report.text import NOT_AVAILABLE, rounded

__all__ = [
    "CHANGES",
    "bare_p",
    "p_value",
    "points",
    "points_interval",
    "ratio",
    "ratio_interval",
]

#: What became of a verdict → how it is said, the newly found first.
CHANGES = {
    "newly_spurious": "Newly spurious",
    "spurious_untested_before": "Spurious, not tested in the base",
    "still_spurious": "Spurious in both",
    "untested_now": "Spurious in the base, not tested now",
    "cured": "Cured",
}
_LEAST_P = 0.001


def points(value: float | None) -> str:
    """A difference of shares as ``+4.3``, in percentage points; one that is not 0 is never ``0.0``.

    −0.0425 is ``−4.3``, 0.0002 is ``<+0.1``.
    """
    if value is None:
        return NOT_AVAILABLE
    shown = _point(value)
    if value and shown == "0.0":
        return "<+0.1" if value > 0 else ">−0.1"
    return shown


def points_interval(low: float | None, high: float | None) -> str:
    """Two bounds as ``−2.1 to +0.4``."""
    if low is None or high is None:
        return NOT_AVAILABLE
    return f"{_point(low)} to {_point(high)}"


def ratio(value: float | None) -> str:
    """A difference of lifts or of excess as ``+0.23``."""
    return NOT_AVAILABLE if value is None else _minus(f"{value:+z.2f}")


def ratio_interval(low: float | None, high: float | None) -> str:
    """Two bounds as ``−0.02 to +0.44``."""
    if low is None or high is None:
        return NOT_AVAILABLE
    return _minus(f"{low:+z.2f} to {high:+z.2f}")


def p_value(p: float | None) -> str:
    """``p = 0.012``, ``p < 0.001``."""
    if p is None:
        return NOT_AVAILABLE
    return f"p < {_LEAST_P}" if p < _LEAST_P else f"p = {p:.3f}"


def bare_p(p: float | None) -> str:
    """``0.012``, ``< 0.001``: where the column says that it is p."""
    return p_value(p).removeprefix("p = ").removeprefix("p ")


def _point(value: float) -> str:
    shown = rounded(100 * value, 1)
    return _minus(f"{shown:+.1f}") if shown else "0.0"


def _minus(text: str) -> str:
    return text.replace("-", "−")
