"""What a gate tests: a figure with the interval that belongs to it, at any level it is asked for.

Shares: Wilson 1927. Means of the verdicts: Student's t. A change of a share on the same images:
the adjusted Wald interval of Bonett and Price 2012. Any other change of two figures with
intervals: the square-and-add rule (Zou and Donner 2008), which takes the two as independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from scipy.stats import binomtest, norm, t

from audit.errors import ConfigError

__all__ = [
    "RECORDED_LEVEL",
    "Bounds",
    "Change",
    "Mean",
    "Measure",
    "Pairs",
    "Plain",
    "Recorded",
    "Share",
]

RECORDED_LEVEL = 0.95  # of the intervals that tables and summaries hold


@dataclass(frozen=True)
class Bounds:
    """A two-sided interval, in the figure's own unit."""

    low: float
    high: float


class Measure(Protocol):
    """A figure that a gate may test."""

    @property
    def value(self) -> float | None:
        """The figure itself; None: it does not exist."""

    @property
    def has_interval(self) -> bool:
        """Whether a gate tests a bound of it, and not the figure itself."""

    def bounds(self, level: float) -> Bounds | None:
        """Its two-sided interval at ``level``; None: there is none.

        Raises ConfigError where only an interval of another level is recorded.
        """


@dataclass(frozen=True)
class Plain:
    """A count, a median, a p-value: a figure without an interval."""

    value: float | None
    has_interval: bool = False

    def bounds(self, level: float) -> None:
        """There is none at any ``level``."""


@dataclass(frozen=True)
class Share:
    """``successes`` of ``n``."""

    successes: int
    n: int
    has_interval: bool = True

    @property
    def value(self) -> float | None:
        """The share; None where n is 0."""
        return self.successes / self.n if self.n else None

    def bounds(self, level: float) -> Bounds | None:
        """The Wilson interval."""
        if not self.n:
            return None
        found = binomtest(self.successes, self.n).proportion_ci(level, method="wilson")
        return Bounds(float(found.low), float(found.high))


@dataclass(frozen=True)
class Mean:
    """A mean of ``n`` values with its recorded t interval."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    has_interval: bool = True

    def bounds(self, level: float) -> Bounds | None:
        """The t interval at ``level``: the recorded one, its two halves scaled by the quantiles."""
        if self.value is None or self.low is None or self.high is None or self.n < 2:  # noqa: PLR2004
            return None
        scale = float(_t(level, self.n) / _t(RECORDED_LEVEL, self.n))
        return Bounds(
            self.value - (self.value - self.low) * scale,
            self.value + (self.high - self.value) * scale,
        )


@dataclass(frozen=True)
class Recorded:
    """A figure whose interval is known at one level alone: RECORDED_LEVEL."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    has_interval: bool = True

    def bounds(self, level: float) -> Bounds | None:
        """The recorded interval."""
        if self.value is None or self.low is None or self.high is None:
            return None
        if not math.isclose(level, RECORDED_LEVEL):
            raise ConfigError(
                f"{self.name}: level {level:g}, but its interval is recorded at "
                f"{RECORDED_LEVEL:g} only"
            )
        return Bounds(self.low, self.high)


@dataclass(frozen=True)
class Pairs:
    """The change of a share over ``n`` images that two runs have in common.

    ``lost`` held before and not now, ``won`` the reverse. ``same``: both runs are of one plan, so
    that no other image could have told them apart.
    """

    n: int
    lost: int
    won: int
    same: bool = False
    has_interval: bool = True

    @property
    def value(self) -> float | None:
        """(won − lost)/n; None without any pair."""
        return (self.won - self.lost) / self.n if self.n else None

    def bounds(self, level: float) -> Bounds | None:
        """The adjusted Wald interval: one loss, one win and no more is added to the pairs."""
        if not self.n:
            return None
        if self.same:
            return Bounds(0.0, 0.0)
        n = self.n + 2
        middle = (self.won - self.lost) / n
        spread = (self.won + self.lost + 2) / n - middle**2
        half = float(norm.ppf((1 + level) / 2)) * math.sqrt(spread / n)
        return Bounds(max(-1.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True)
class Change:
    """``now`` − ``before``, each with its own interval or neither; ``same`` as for Pairs."""

    now: Measure
    before: Measure
    same: bool = False

    @property
    def value(self) -> float | None:
        """The difference; None where either does not exist."""
        if self.now.value is None or self.before.value is None:
            return None
        return self.now.value - self.before.value

    @property
    def has_interval(self) -> bool:
        """Whether both have one."""
        return self.now.has_interval and self.before.has_interval

    def bounds(self, level: float) -> Bounds | None:
        """Square-and-add: each side's distance from its own bound, as if they were independent."""
        value, now, before = self.value, self.now.bounds(level), self.before.bounds(level)
        if value is None or now is None or before is None:
            return None
        if self.same:
            return Bounds(value, value)
        at, earlier = self.now.value or 0.0, self.before.value or 0.0
        return Bounds(
            value - math.hypot(at - now.low, before.high - earlier),
            value + math.hypot(now.high - at, earlier - before.low),
        )


def _t(level: float, n: int) -> float:
    return float(t.ppf((1 + level) / 2, n - 1))
