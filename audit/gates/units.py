"""Which metrics cannot leave 0 to 1: shares, and the probabilities that are no differences."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from audit.tables.schema import arrow_schema

__all__ = ["unit_of"]

_TABLES = {"class": "classes", "slice": "slices"}
_SHARE, _PROBABILITY = "share", "probability"
_P_VALUES = ("_p", "p_value", "q_value")  # other columns of that unit are differences, of any sign
_OVERALL = dict.fromkeys(
    (
        *(f"accuracy.{name}" for name in ("value", "low", "high")),
        *(f"attention.{name}" for name in ("median_mass", "median_area")),
        *(f"attention.{name}" for name in ("center_baseline", "permuted_baseline")),
        *(f"maps.median_{name}" for name in ("entropy", "border_mass", "agreement")),
        *(f"verdicts.whole_set.{name}" for name in ("rate", "low", "high")),
    ),
    _SHARE,
)


def unit_of(metric: str, scope: str) -> str:
    """``share`` or ``probability`` where ``metric`` lies in [0, 1], else "".

    ``scope`` is a gate's: overall, class, slice.
    """
    known = _OVERALL if scope == "overall" else _columns(_TABLES[scope])
    return known.get(metric, "")


@cache
def _columns(table: str) -> Mapping[str, str]:
    units = {field.name: field.metadata[b"unit"].decode() for field in arrow_schema(table)}
    return {
        name: unit
        for name, unit in units.items()
        if unit == _SHARE or (unit == _PROBABILITY and name.endswith(_P_VALUES))
    }
