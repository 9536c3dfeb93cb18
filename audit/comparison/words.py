"""How differences are written: with their sign, in points, and with what their test says."""

from __future__ import annotations

from audit.report.text import NOT_AVAILABLE

__all__ = ["p_value", "points", "points_interval", "ratio", "ratio_interval"]

_LEAST_P = 0.001


def points(value: float | None) -> str:
    """A difference of shares as ``+4.3``, in percentage points; one that is not 0 is never ``0.0``.

    −0.0425 is ``−4.3``, 0.0002 is ``<+0.1``.
    """
    if value is None:
        return NOT_AVAILABLE
    shown = f"{100 * value:+z.1f}"
    if value and float(shown) == 0:
        return "<+0.1" if value > 0 else ">−0.1"
    return _minus("0.0" if value == 0 else shown)


def points_interval(low: float | None, high: float | None) -> str:
    """Two bounds as ``−2.1 to +0.4``."""
    return _range(low, high, "{:+z.1f}", 100)


def ratio(value: float | None) -> str:
    """A difference of lifts or of excess as ``+0.23``."""
    return NOT_AVAILABLE if value is None else _minus(f"{value:+z.2f}")


def ratio_interval(low: float | None, high: float | None) -> str:
    """Two bounds as ``−0.02 to +0.44``."""
    return _range(low, high, "{:+z.2f}", 1)


def p_value(p: float | None) -> str:
    """``p = 0.012``, ``p < 0.001``."""
    if p is None:
        return NOT_AVAILABLE
    return f"p < {_LEAST_P}" if p < _LEAST_P else f"p = {p:.3f}"


def _range(low: float | None, high: float | None, form: str, scale: float) -> str:
    if low is None or high is None:
        return NOT_AVAILABLE
    return _minus(f"{form.format(scale * low)} to {form.format(scale * high)}")


def _minus(text: str) -> str:
    return text.replace("-", "−")
