"""What a policy is tested on: a summary's figures, and the columns of classes and of slices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audit.gates.measures import Change, Measure, Plain, Recorded

__all__ = ["Counted", "Evidence", "Group", "changes", "measures_of"]

_POINTS = ("value", "rate", "mean")  # the figure that an object's low and high belong to


@dataclass(frozen=True)
class Counted:
    """What the ``n`` of a column's groups counts, and why no group has a figure of it."""

    name: str = "n"  # the column that it is
    unit: str = "images"
    meaning: str = ""  # which of them
    why: str = ""  # "": nothing kept all groups from having one


@dataclass(frozen=True)
class Group:
    """A column's figure of one class or slice, and how many images (or objects) it is made of."""

    index: int  # true_class; of a slice, the row of slices.parquet
    label: str  # untrusted; of a slice, "column = value"
    n: int
    measure: Measure
    slice: str = ""  # the further column that a slice is a value of
    counted: Counted = Counted()


@dataclass(frozen=True)
class Evidence:
    """Figures by name; those of classes and slices by the column of their table.

    ``columns`` are the dataset's further columns, ``left_out`` those of them that are not tabled,
    and why. ``reasons`` says why the figures of a section do not exist, ``capped`` which sections
    rest on estimated regions (a warning at most), ``named`` which classes a count counts, and in
    what words each is one of them.
    """

    source: str  # the file that ``overall`` comes from, for messages
    overall: Mapping[str, Measure]
    classes: Mapping[str, tuple[Group, ...]] = field(default_factory=dict)
    slices: Mapping[str, tuple[Group, ...]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    capped: frozenset[str] = frozenset()
    named: Mapping[str, tuple[tuple[int, str, str], ...]] = field(default_factory=dict)


def measures_of(document: Mapping[str, Any]) -> dict[str, Measure]:
    """Dotted name → figure, for every number, truth value and null in nested objects.

    A ``value`` (or ``rate``, or ``mean``) beside ``low`` and ``high`` has these as its 95%
    interval. Texts and lists are no figures.
    """
    return dict(_walk(document, ""))


def changes(now: Evidence, before: Evidence, *, same: bool) -> Evidence:
    """Every figure of ``now`` less the same figure of ``before``; what only one has is no figure.

    ``same``: both are of one checkpoint and plan, so that what changed is no matter of chance. A
    count's classes are those that it did not count before.
    """
    overall: dict[str, Measure] = {
        name: Change(one, before.overall.get(name, Plain(None)), same=same)
        for name, one in now.overall.items()
    }
    return Evidence(
        source=now.source,
        overall=overall,
        classes=_changes_of(now.classes, before.classes, same=same),
        slices=_changes_of(now.slices, before.slices, same=same),
        columns=now.columns,
        left_out=now.left_out,
        reasons={**before.reasons, **now.reasons},
        capped=now.capped | before.capped,
        named={name: _new(rows, before.named.get(name, ())) for name, rows in now.named.items()},
    )


def _walk(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, Measure]]:
    for key, value in node.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping):
            yield from _walk(value, f"{name}.")
        elif value is None or isinstance(value, bool | int | float):
            yield name, _measure(name, key, _finite(value), node)


def _measure(name: str, key: str, value: float | None, node: Mapping[str, Any]) -> Measure:
    if key not in _POINTS or not {"low", "high"} & node.keys():
        return Plain(value)
    low, high = node.get("low", -math.inf), node.get("high", math.inf)
    return Recorded(name, value, _number(low), _number(high))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _changes_of(
    now: Mapping[str, tuple[Group, ...]], before: Mapping[str, tuple[Group, ...]], *, same: bool
) -> dict[str, tuple[Group, ...]]:
    return {name: _changed(rows, before.get(name, ()), same=same) for name, rows in now.items()}


def _changed(now: tuple[Group, ...], before: tuple[Group, ...], *, same: bool) -> tuple[Group, ...]:
    earlier = {one.index: one for one in before}
    pairs = ((one, earlier[one.index]) for one in now if one.index in earlier)
    return tuple(
        replace(
            one,
            n=min(one.n, other.n),
            measure=Change(one.measure, other.measure, same=same),
            counted=one.counted if one.counted.why else other.counted,
        )
        for one, other in pairs
    )


def _new(
    now: tuple[tuple[int, str, str], ...], before: tuple[tuple[int, str, str], ...]
) -> tuple[tuple[int, str, str], ...]:
    seen = {index for index, _, _ in before}
    return tuple(one for one in now if one[0] not in seen)
