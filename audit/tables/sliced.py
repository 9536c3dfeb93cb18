"""The column ``slices`` of ``images``: which value of each further column an image has.

A column that names images rather than groups them (more than MAX_VALUES values, or hardly more
images than values) is left out, as are columns beyond MAX_COLUMNS; the first MAX_LEFT_OUT by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audit.tables.parts import read_parts

__all__ = [
    "MAX_COLUMNS",
    "MAX_LEFT_OUT",
    "MAX_VALUES",
    "Sliced",
    "Slices",
    "left_out",
    "read_slices",
]

MAX_COLUMNS = 32
MAX_VALUES = 1000  # of one column
MAX_LEFT_OUT = 100
_FEW = 20  # values that a small set may have, however few its images


@dataclass(frozen=True)
class Sliced:
    """One further column: its values in order, and which of them each image has."""

    name: str
    texts: tuple[str, ...]
    codes: np.ndarray  # int16[N]: places in ``texts``, −1 for none


@dataclass(frozen=True)
class Slices:
    """The further columns in the order in which the images name them; why others are left out."""

    columns: tuple[Sliced, ...]
    left_out: tuple[tuple[str, str], ...]  # name, reason

    def summary(self) -> dict[str, Any]:
        """Plain values for ``summary.json``: columns, images without a value, what is left out."""
        return {
            "columns": [
                {
                    "name": one.name,
                    "values": len(one.texts),
                    "without": int((one.codes < 0).sum()),
                }
                for one in self.columns
            ],
            "left_out": [{"name": name, "why": why} for name, why in self.left_out],
        }


def left_out(summary: Mapping[str, Any]) -> dict[str, str]:
    """The columns that ``summary.json`` names as left out, and why; none in a run of before."""
    found = (summary.get("slices") or {}).get("left_out") or ()
    return {str(one["name"]): str(one["why"]) for one in found}


def read_slices(parts: Path) -> Slices:
    """The column ``slices`` of the ``images`` in the folder ``parts``, one part at a time."""
    found: dict[str, _Column] = {}
    left_out: dict[str, str] = {}
    n = 0
    for _, part in read_parts(parts, ["slices"]):
        for name, rows, values in _entries(part["slices"].combine_chunks()):
            if name in left_out:
                continue
            if name not in found and len(found) == MAX_COLUMNS:
                if len(left_out) < MAX_LEFT_OUT:
                    left_out[name] = f"more than {MAX_COLUMNS} columns"
                continue
            column = found.setdefault(name, _Column())
            if not column.add(rows + n, values):
                left_out[name] = f"more than {MAX_VALUES:,} values"
                del found[name]
        n += len(part)
    for name in [name for name, column in found.items() if column.names_images()]:
        left_out[name] = "fewer than two images a value"
        del found[name]
    columns = tuple(column.done(name, n) for name, column in found.items())
    return Slices(columns, tuple(left_out.items()))


@dataclass
class _Column:
    """A column as it is read, part by part: codes are places in the order of first mention."""

    places: dict[str, int] = field(default_factory=dict)
    rows: list[np.ndarray] = field(default_factory=list)
    codes: list[np.ndarray] = field(default_factory=list)

    def add(self, rows: np.ndarray, values: pa.DictionaryArray) -> bool:
        """Take in a part's images ``rows`` and their ``values``; False: there are too many."""
        for value in values.dictionary.to_pylist():
            self.places.setdefault(value, len(self.places))
        if len(self.places) > MAX_VALUES:
            return False
        places = [self.places[value] for value in values.dictionary.to_pylist()]
        self.rows.append(rows)
        self.codes.append(np.array(places, np.int16)[values.indices.to_numpy()])
        return True

    def names_images(self) -> bool:
        n = sum(map(len, self.rows))
        return len(self.places) > _FEW and n < 2 * len(self.places)

    def done(self, name: str, n: int) -> Sliced:
        order = sorted(self.places, key=_natural)
        rank = {value: at for at, value in enumerate(order)}
        ranks = np.array([rank[value] for value in self.places], np.int16)
        codes = np.full(n, -1, np.int16)
        codes[np.concatenate(self.rows)] = ranks[np.concatenate(self.codes)]
        return Sliced(name, tuple(order), codes)


def _entries(column: pa.MapArray) -> Iterator[tuple[str, np.ndarray, pa.DictionaryArray]]:
    """Each name in a part, its images (int64, from 0), and the value that each of them has."""
    offsets = column.offsets.to_numpy()
    rows = np.repeat(np.arange(len(column)), np.diff(offsets))
    within = slice(int(offsets[0]), int(offsets[-1]))
    names = pc.dictionary_encode(column.keys[within])
    values = column.items[within]
    for place, name in enumerate(names.dictionary.to_pylist()):
        mine = np.flatnonzero(names.indices.to_numpy() == place)
        yield name, rows[mine], pc.dictionary_encode(values.take(pa.array(mine)))


def _natural(value: str) -> tuple[bool, float, str]:
    """Numbers by their size, before texts."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    return (True, 0.0, value) if math.isnan(number) else (False, number, value)
