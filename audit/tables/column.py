"""A column of a table, as the schema lists it."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

__all__ = ["Column", "accuracy_columns", "looked_columns", "number"]


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


def accuracy_columns() -> list[Column]:
    """How right a group is, beside its n and n_correct."""
    return [
        number("accuracy", "n_correct / n"),
        number("accuracy_low", "lower end of the 95% Wilson interval"),
        number("accuracy_high", "upper end of the 95% Wilson interval"),
    ]


def looked_columns(mass: str, area: str, other: str) -> list[Column]:
    """Where a group's maps look (``audit.looked``), each mean in its table's words."""
    return [
        number("mass", mass),
        number("mass_low", "lower end of its 95% t interval"),
        number("mass_high", "upper end of its 95% t interval"),
        number("area", area),
        number("other_mass", other),
    ]
