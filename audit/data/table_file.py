"""A CSV or Parquet file → its columns as text, and boxes out of four of them.

Row numbers in errors count the rows of data from 1.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from audit.errors import DataError, nearest
from audit.regions.files import no_file

__all__ = ["BOX", "TableFile", "check_boxes", "floats", "read_table"]

#: The columns of a box: half-open pixels of the upright image.
BOX = ("x0", "y0", "x1", "y1")

_Reader = Callable[[Path], tuple[pa.Table, list[str]]]

_INDEX_COLUMNS = ("", "__index_level_0__")  # as pandas writes a table's index


@dataclass(frozen=True)
class TableFile:
    """What a table holds."""

    columns: dict[str, list[str]]  # the cells as text; "" for null
    strings: frozenset[str]  # columns of text by type; a CSV's columns have no type
    left_out: list[str]  # columns without a text form


def read_table(file: Path, needed: Sequence[str], together: Sequence[str] = ()) -> TableFile:
    """Read a table with the columns ``needed``, and with all or none of ``together``.

    Raises DataError for another kind of file, one that cannot be read, missing or double columns,
    and a table without rows.
    """
    readers: dict[str, _Reader] = {".csv": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise DataError(f"table {str(file)!r}: the name must end in .csv or .parquet")
    if not file.is_file():
        raise DataError(f"table {str(file)!r} {no_file(file)}: a .csv or .parquet file is needed")
    try:
        table, left_out = reader(file)
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        text = re.sub(r"Row #(\d+)", _data_row, " ".join(str(error).split()))
        raise DataError(f"table {str(file)!r} cannot be read: {text}") from error
    names = table.column_names
    wanted = (*needed, *together) if any(name in names for name in together) else needed
    _check_columns(file, names, wanted, left_out)
    if not len(table):
        raise DataError(f"table {str(file)!r} has no rows")
    typed = reader is _read_parquet
    strings = [name for name in names if typed and _is_text(table.schema.field(name).type)]
    columns = {name: _texts(table.column(name)) for name in names}
    return TableFile(columns, frozenset(strings), left_out)


def floats(texts: list[str], column: str) -> np.ndarray:
    """The numbers in a column (float64[rows]), NaN for empty cells. Raises DataError for others."""
    values = np.empty(len(texts))
    for row, text in enumerate(texts):
        try:
            values[row] = float(text) if text.strip() else np.nan
        except ValueError:
            raise DataError(f"row {row + 1}: {column} is {text!r}, not a number") from None
    return values


def check_boxes(boxes: np.ndarray, rows: np.ndarray) -> None:
    """Raise DataError for what is no box among ``boxes`` (n×4), naming its number in ``rows``."""
    for bad, rule in (
        (np.isnan(boxes).any(axis=1), "needs all of x0, y0, x1, y1, or none"),
        (np.isinf(boxes).any(axis=1), "must be finite"),
        ((boxes[:, 2:] <= boxes[:, :2]).any(axis=1), "must have x1 > x0 and y1 > y0"),
    ):
        if bad.any():
            k = int(np.argmax(bad))
            numbers = ", ".join(f"{value:g}" for value in boxes[k])
            raise DataError(f"row {rows[k]}: the box ({numbers}) {rule}")
    if len(boxes) and boxes.max() <= 1:
        raise DataError(
            "no box reaches beyond 1: these look like fractions of the image; "
            "multiply them by its width and height"
        )


def _data_row(match: re.Match[str]) -> str:
    """Arrow counts the header as the first row."""
    return f"row {int(match[1]) - 1}"


def _read_csv(file: Path) -> tuple[pa.Table, list[str]]:
    """Every column as strings: guessed types would turn the class NA into a missing label."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        names = next(csv.reader(lines), [])
    table = pa_csv.read_csv(
        file,
        read_options=pa_csv.ReadOptions(use_threads=False),  # threads lose the row number
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    return _chosen(table.rename_columns([name.strip() for name in table.column_names])), []


def _read_parquet(file: Path) -> tuple[pa.Table, list[str]]:
    """The columns that have a text form: embedded image bytes, say, would fill the memory."""
    stored = pa_parquet.ParquetFile(file)
    usable = [field.name for field in stored.schema_arrow if _is_scalar(field.type)]
    left_out = [field.name for field in stored.schema_arrow if field.name not in usable]
    return _chosen(stored.read(columns=usable)), left_out


def _chosen(table: pa.Table) -> pa.Table:
    return table.select(
        [i for i, name in enumerate(table.column_names) if name not in _INDEX_COLUMNS]
    )


def _is_scalar(kind: pa.DataType) -> bool:
    types = pa.types
    binary = types.is_binary(kind) or types.is_large_binary(kind)
    return not (binary or types.is_fixed_size_binary(kind) or types.is_nested(kind))


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _texts(column: pa.ChunkedArray) -> list[str]:
    """One Python string a value, shared between equal ones: a million rows repeat few."""
    values: Iterable[Any] = column.cast(pa.string()).to_pylist()
    return [sys.intern(value) if value is not None else "" for value in values]


def _check_columns(
    file: Path, names: list[str], wanted: Sequence[str], left_out: list[str]
) -> None:
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise DataError(f"table {str(file)!r} has two columns of the name {double[0]!r}")
    missing = [name for name in wanted if name not in names]
    if missing:
        present = ", ".join(map(repr, names)) or "none"
        binary = f", and without a text form {', '.join(map(repr, left_out))}" if left_out else ""
        raise DataError(
            f"table {str(file)!r} has no column {' and no column '.join(map(repr, missing))}; "
            f"present: {present}{binary}; {_hint(missing[0], names)}"
        )


def _hint(missing: str, names: list[str]) -> str:
    if len(names) == 1 and ";" in names[0]:
        return "it is separated by semicolons: separate it by commas"
    return nearest(missing, names)
