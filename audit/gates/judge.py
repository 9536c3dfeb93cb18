"""One figure against one limit: at which bound, whether that passes, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass

from audit.gates.measures import Bounds, Measure, Share
from audit.gates.policy import Gate
from audit.gates.words import between, number, percent

__all__ = ["Finding", "judge"]

_EQUAL = 1e-9  # two floats nearer than this are the same figure


@dataclass(frozen=True)
class Finding:
    """A figure, tested. ``margin`` is how far the tested end is on the good side of the limit."""

    value: float | None
    bounds: Bounds | None
    level: float | None
    passed: bool
    margin: float  # −inf where there is nothing to test
    said: str  # what follows the figure's name


def judge(gate: Gate, measure: Measure, level: float, why_null: str) -> Finding:
    """Test ``measure`` against the gate's limit, at a bound of its interval of ``level``.

    ``why_null`` is said where the figure does not exist. Raises ConfigError where the interval is
    not known at that level.
    """
    value = measure.value
    bounds = measure.bounds(level) if value is not None and measure.has_interval else None
    if value is None or (measure.has_interval and bounds is None):
        missing = "has no value" if value is None else "has no interval"
        said = f"{missing}{f': {why_null}' if why_null else ''}; that is not passed"
        return Finding(value, None, None, passed=False, margin=-float("inf"), said=said)
    tested = value if bounds is None else _end(gate, bounds)
    margin = _margin(gate, tested)
    passed = margin >= -_EQUAL
    verdict = _verdict(gate, value, tested, passed=passed, bounded=bounds is not None)
    return Finding(
        value,
        bounds,
        None if bounds is None else level,
        passed=passed,
        margin=margin,
        said=f"{_figure(gate, measure, bounds, level)}: {verdict}",
    )


def _end(gate: Gate, bounds: Bounds) -> float:
    """The bound that decides: the bad side's if keeping is to be proved, else the other one."""
    lower = (gate.side == "min") == (gate.prove == "kept")
    return bounds.low if lower else bounds.high


def _figure(gate: Gate, measure: Measure, bounds: Bounds | None, level: float) -> str:
    """``is 0.935 (187 of 200; 95% interval 0.892 to 0.9616)``."""
    value = measure.value or 0.0
    told = [f"{measure.successes:,} of {measure.n:,}"] if isinstance(measure, Share) else []
    if bounds is not None:
        told.append(f"{percent(level)} interval {between(bounds, signed=gate.change)}")
    verb = "changed by" if gate.change else "is"
    shown = number(value, signed=gate.change)
    return f"{verb} {shown}" + (f" ({'; '.join(told)})" if told else "")


def _verdict(gate: Gate, value: float, tested: float, *, passed: bool, bounded: bool) -> str:
    least = f"{'at least' if gate.side == 'min' else 'at most'} {number(gate.limit)}"
    beyond = f"{'below' if gate.side == 'min' else 'above'} the limit of {number(gate.limit)}"
    holds = _margin(gate, value) >= -_EQUAL  # the figure itself keeps to the limit
    if not bounded or (gate.prove == "broken" and passed and holds):
        return least if holds else beyond
    if gate.prove == "broken":
        return f"not shown to be {beyond}" if passed else f"shown to be {beyond}"
    if passed:
        return f"shown to be {least}"
    bound = f"{'lower' if gate.side == 'min' else 'upper'} bound"
    shown = number(tested, unlike=gate.limit, signed=gate.change)
    why = f", since its {bound} is {shown}"
    return f"not shown to be {least}{why}" if holds else beyond


def _margin(gate: Gate, figure: float) -> float:
    return figure - gate.limit if gate.side == "min" else gate.limit - figure
