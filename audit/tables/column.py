"""A column of a table, as the schema lists it."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

__all__ = ["Column", "number"]


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type, its unit ("" where it has none), and what it says."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str


def number(name: str, meaning: str, unit: str = "share") -> Column:
    """A float32 column."""
    return Column(name, pa.float32(), unit, meaning)
