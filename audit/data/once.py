"""Generated datasets on disk: a folder that is made once, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from audit.errors import DataError

__all__ = ["Made"]

_AT_ONCE = 8  # files on their way to the disk


@dataclass(frozen=True)
class Made:
    """A folder of generated files, and how to write them.

    ``write`` gets an empty folder. ``record`` is the file that says what the folder was made from
    (``spec``), and the bytes and SHA-256 of each file.
    """

    folder: Path
    what: str  # "decoy": the name of the dataset in messages
    record: str
    spec: Mapping[str, Any]
    n_bytes: int  # about, in all
    write: Callable[[Path], None]

    def ready(self) -> Path:
        """The folder, made first if it is not there or damaged.

        It is built under another name and renamed when complete. Raises DataError where it cannot
        be written.
        """
        if self._is_whole():
            return self.folder
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder.with_name(f"{self.folder.name}.lock")):
                if not self._is_whole():  # another process may have made it meanwhile
                    self._make()
        except OSError as error:
            raise DataError(
                f"cannot write the {self.what} dataset to {self.folder}: "
                f"{error.strerror or error}; it takes {self.n_bytes / 1e6:.0f} MB; free some, or "
                "choose another --data-root"
            ) from error
        return self.folder

    def _is_whole(self) -> bool:
        """Whether the folder holds this spec's files at their full lengths."""
        try:
            record = json.loads((self.folder / self.record).read_text(encoding="utf-8"))
            lengths = {name: (self.folder / name).stat().st_size for name in record["files"]}
            return bool(
                record["spec"] == self.spec
                and lengths == {name: entry["bytes"] for name, entry in record["files"].items()}
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False  # missing or damaged: either way to be made

    def _make(self) -> None:
        """Build the files beside their place, then move them there; the caller holds the lock."""
        partial = self.folder.with_name(f"{self.folder.name}.partial")
        _remove(partial)  # left by a process that was killed
        partial.mkdir()
        try:
            self.write(partial)
            self._write_record(partial)
            _remove(self.folder)  # damaged, else it would not be made again
            partial.rename(self.folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _write_record(self, folder: Path) -> None:
        written = sorted(path for path in folder.rglob("*") if path.is_file())
        names = [path.relative_to(folder).as_posix() for path in written]
        with ThreadPoolExecutor(_AT_ONCE) as pool:  # a disk takes many small files together
            files = dict(zip(names, pool.map(_describe, written), strict=True))
        record = json.dumps({"spec": self.spec, "files": files}, indent=2)
        (folder / self.record).write_text(record + "\n", encoding="utf-8")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _describe(path: Path) -> dict[str, int | str]:
    """Length and SHA-256 of a file that is first brought safely to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
