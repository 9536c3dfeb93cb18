"""Parquet files of a run folder as plain rows, with an error that names what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from audit.errors import DataError, nearest

__all__ = ["Row", "columns_of", "parts_of", "read", "require", "rows_of", "some"]

Row = Mapping[str, Any]
_BATCH, _AHEAD = 65_536, 1  # rows at a time; batches and files read ahead of what is filtered


def require(names: Sequence[str], present: Sequence[str] | Row, where: str, kind: str) -> None:
    """Raise DataError for the first of ``names`` that is not ``present``; ``kind``: column, key."""
    for name in names:
        if name not in present:
            raise DataError(f"{where} has no {kind} {name!r}; {nearest(name, present)}")


def parts_of(folder: Path) -> list[Path]:
    """The folder's part files in order; none where there is no such folder."""
    return sorted(folder.glob("part-*.parquet"))


def read(
    paths: Sequence[Path], columns: Sequence[str] | None, rows: pc.Expression | None = None
) -> pa.Table:
    """The table that ``paths`` (one or more files) hold, of its ``columns`` (None: all of them).

    ``rows`` filters. Raises DataError where a file or column is missing or is not readable.
    """
    try:
        data = ds.dataset([str(path) for path in paths], format="parquet")
        require(columns or (), data.schema.names, str(paths[0]), "column")
        return data.to_table(
            columns=None if columns is None else list(columns),
            filter=rows,
            batch_size=_BATCH,
            batch_readahead=_AHEAD,
            fragment_readahead=_AHEAD,
        )
    except FileNotFoundError:
        folder, name = paths[0].parent, paths[0].name
        raise DataError(f"{folder} has no {name}: not a finished run folder") from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{paths[0]} cannot be read as Parquet: {error}") from None


def some(path: Path, columns: Sequence[str]) -> tuple[Row, ...]:
    """All of a table that only some runs have, where ``columns`` must be; none without it."""
    if not path.exists():
        return ()
    table = read([path], None)
    require(columns, table.column_names, str(path), "column")
    return rows_of(table)


def columns_of(path: Path) -> tuple[str, ...]:
    """The names of the file's columns: runs of before lack some."""
    return tuple(read([path], None, pc.scalar(value=False)).column_names)


def rows_of(table: pa.Table) -> tuple[Row, ...]:
    """The rows as plain values; NaN is none either, though the tables should hold nulls."""
    return tuple({name: _plain(value) for name, value in row.items()} for row in table.to_pylist())


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
