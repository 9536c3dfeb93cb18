"""Parts: Parquet files whose final name is the only record that they are done.

A part is written under a temporary name, closed, fsynced and renamed, so that a process killed
anywhere leaves either the whole part or none. Each footer carries the fingerprint of the plan that
made it; a part of another plan, or a broken one, does not count as done. Each page carries its
checksum, so that a changed byte is an error and never a number.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.errors import DataError, IncompleteError

__all__ = [
    "NO_ROOM",
    "cannot_write",
    "clear_temporaries",
    "done_parts",
    "fixed_lists",
    "fsync",
    "is_done",
    "part_numbers",
    "part_path",
    "read_part",
    "read_parts",
    "write_bytes",
    "write_frames",
    "write_table",
]

#: The system's numbers for a full disk, a quota that is used up, and a limit of file sizes.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_NAME = re.compile(r"part-(\d{5,})\.parquet")
_TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp")
_ROW_GROUP = 65_536  # rows: who wants some of a million holds no more at a time


def part_path(folder: Path, k: int) -> Path:
    """Where part ``k`` of a table lies: folder/part-00007.parquet."""
    return folder / f"part-{k:05d}.parquet"


def write_table(table: pa.Table, path: Path, metadata: Mapping[str, str]) -> None:
    """Write ``table`` to ``path`` whole or not at all, with ``metadata`` in its footer.

    Raises IncompleteError where the disk is full or the folder cannot be written.
    """
    _write(iter([table]), path, metadata)


def write_frames(
    frames: Iterable[pd.DataFrame], schema: pa.Schema, path: Path, metadata: Mapping[str, str]
) -> None:
    """Write the rows of ``frames`` (one or more), one held at a time, as ``write_table`` does."""
    tables = (pa.Table.from_pandas(one, schema=schema, preserve_index=False) for one in frames)
    _write(tables, path, metadata)


def _write(tables: Iterator[pa.Table], path: Path, metadata: Mapping[str, str]) -> None:
    """Write the rows of ``tables``: one or more, of one schema."""
    first = next(tables)
    schema = first.schema.with_metadata({**(first.schema.metadata or {}), **metadata})
    temporary = _temporary(path)
    try:
        _make(path.parent)
        with pq.ParquetWriter(
            temporary, schema, compression="zstd", write_page_checksum=True
        ) as writer:
            for table in chain([first], tables):
                writer.write_table(table, row_group_size=_ROW_GROUP)
        _commit(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()  # what was not committed


def write_bytes(data: bytes, path: Path) -> None:
    """Write ``data`` to ``path`` whole or not at all; raises as ``write_table`` does."""
    temporary = _temporary(path)
    try:
        _make(path.parent)
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


def is_done(path: Path, metadata: Mapping[str, str], rows: int | None = None) -> bool:
    """Whether the part at ``path`` is there, with a whole footer that holds ``metadata``.

    And, where ``rows`` is given, with as many rows.
    """
    said, held = _footer(path)
    return held is not None and rows in (None, held) and said.items() >= metadata.items()


def part_numbers(folder: Path) -> list[int]:
    """The numbers of the parts in ``folder``, whole or broken, ascending."""
    return [k for k, _ in _listed(folder)]


def clear_temporaries(folder: Path) -> None:
    """Remove from ``folder`` what a process that is gone was writing when it ended."""
    for path in folder.glob(".*.tmp"):
        name = _TEMPORARY.fullmatch(path.name)
        if name and not _alive(int(name[1])):
            with suppress(OSError):
                path.unlink()


def read_parts(folder: Path, columns: list[str] | None = None) -> Iterator[tuple[Path, pa.Table]]:
    """Each part of a table in order, with its path. Raises DataError for a broken one."""
    for _, path in _listed(folder):
        yield path, read_part(path, columns)


def read_part(path: Path, columns: list[str] | None = None) -> pa.Table:
    """The part at ``path``. Raises DataError where it is broken."""
    try:
        return pq.read_table(path, columns=columns, page_checksum_verification=True)
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
    fsync(temporary)
    temporary.replace(path)
    fsync(path.parent)


def _make(folder: Path) -> None:
    """Make ``folder`` where there is none, to stay."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        fsync(folder.parent)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # somebody else's process
    except (ProcessLookupError, OverflowError):
        return False
    return True


def fsync(path: Path) -> None:
    """Have the system keep what ``path`` holds: a file's bytes, or a folder's names."""
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
