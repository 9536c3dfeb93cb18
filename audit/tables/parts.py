"""Parts: Parquet files whose final name is the only record that they are done.

A part is written under a temporary name, closed, fsynced and renamed, so that a process killed
anywhere leaves either the whole part or none. Each footer carries the fingerprint of the plan that
made it; a part of another plan, or a broken one, does not count as done.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.errors import DataError, IncompleteError

__all__ = [
    "cannot_write",
    "done_parts",
    "fixed_lists",
    "part_path",
    "read_parts",
    "write_bytes",
    "write_table",
]

_NAME = re.compile(r"part-(\d{5,})\.parquet")


def part_path(folder: Path, k: int) -> Path:
    """Where part ``k`` of a table lies: folder/part-00007.parquet."""
    return folder / f"part-{k:05d}.parquet"


def write_table(table: pa.Table, path: Path, metadata: Mapping[str, str]) -> None:
    """Write ``table`` to ``path`` whole or not at all, with ``metadata`` in its footer.

    Raises IncompleteError where the disk is full or the folder cannot be written.
    """
    merged = {**(table.schema.metadata or {}), **metadata}
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata(merged), temporary, compression="zstd")
        _commit(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise cannot_write(path, error) from error


def write_bytes(data: bytes, path: Path) -> None:
    """Write ``data`` to ``path`` whole or not at all; raises as ``write_table`` does."""
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        _commit(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise cannot_write(path, error) from error


def done_parts(folder: Path, metadata: Mapping[str, str]) -> dict[int, int]:
    """Number → rows of the parts in ``folder`` whose footer is whole and holds ``metadata``."""
    found = {}
    for k, path in _listed(folder):
        said, rows = _footer(path)
        if said.items() >= metadata.items() and rows is not None:
            found[k] = rows
    return found


def read_parts(folder: Path, columns: list[str] | None = None) -> Iterator[tuple[Path, pa.Table]]:
    """Each part of a table in order, with its path. Raises DataError for a broken one."""
    for _, path in _listed(folder):
        try:
            yield path, pq.read_table(path, columns=columns)
        except (OSError, pa.ArrowException) as error:
            said = str(error).splitlines()[0]
            raise DataError(
                f"{path} cannot be read ({said}): remove it, and the same run makes it again"
            ) from error


def fixed_lists(column: pa.ChunkedArray, width: int) -> np.ndarray:
    """A fixed-size list column as a matrix n×``width``; rows of zeros where it is null."""
    lists = column.combine_chunks()
    values: np.ndarray = pc.fill_null(lists.values, 0).to_numpy(zero_copy_only=False)
    return values.reshape(len(lists), width)


def _listed(folder: Path) -> list[tuple[int, Path]]:
    names = ((_NAME.fullmatch(path.name), path) for path in folder.glob("part-*.parquet"))
    return sorted((int(match[1]), path) for match, path in names if match)


def _footer(path: Path) -> tuple[dict[str, str], int | None]:
    """The footer's metadata and number of rows; nothing and None where the file is broken."""
    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return {}, None
    raw = footer.metadata or {}
    return {k.decode(): v.decode(errors="replace") for k, v in raw.items()}, footer.num_rows


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _commit(temporary: Path, path: Path) -> None:
    """Fsync, rename, and fsync the folder: after this the name is there to stay."""
    _fsync(temporary)
    temporary.replace(path)
    _fsync(path.parent)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def cannot_write(path: Path, error: OSError) -> IncompleteError:
    """The error of a file that could not be written, with what to do."""
    why = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error))
    return IncompleteError(
        f"{path} could not be written: {why}. What was finished is kept; make room or mend it, and "
        "run the same command again to go on"
    )
