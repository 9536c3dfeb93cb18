"""What came of a policy: one outcome, and a row a gate, as plain values that any page can show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Offender", "Outcome", "Row", "Verdict"]


class Outcome(StrEnum):
    """Of a gate, and of the policy as a whole: the worst of its gates'."""

    PASS = "pass"  # noqa: S105 - the word, no secret
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Offender:
    """A class or slice that keeps a gate from passing."""

    index: int  # true_class, or the row of slices.parquet: what a page links to
    label: str  # untrusted
    said: str  # one sentence with its figures; labels in it are clean


@dataclass(frozen=True)
class Row:
    """One gate, tested. Figures are of the metric (its change, where ``change``), in its unit.

    For a gate on each class or slice they are those of the one furthest on the bad side.
    """

    name: str
    metric: str
    scope: str  # overall, class, slice
    change: bool
    severity: str  # fail, warn: after the cap for estimated regions, of a missing figure its own
    side: str  # min, max
    limit: float
    outcome: Outcome
    value: float | None  # None: the figure does not exist, and the gate is not passed
    low: float | None
    high: float | None
    level: float | None  # of the interval; None: it has none, and the value itself was tested
    sentence: str
    offenders: tuple[Offender, ...] = ()  # furthest on the bad side first
    n_tested: int = 1  # classes or slices; 1 overall
    left_out: tuple[str, ...] = ()  # labels of those with fewer than min_n images, untrusted


@dataclass(frozen=True)
class Verdict:
    """A policy's outcome and its rows, in the policy's order."""

    outcome: Outcome
    policy: str
    run: str
    baseline: str | None
    rows: tuple[Row, ...]

    @property
    def exit_code(self) -> int:
        """1 where a gate of severity fail was not passed, else 0."""
        return 1 if self.outcome is Outcome.FAIL else 0

    def with_outcome(self, outcome: Outcome) -> tuple[Row, ...]:
        """The gates that came out so."""
        return tuple(row for row in self.rows if row.outcome is outcome)
