"""Decoy datasets on disk: made once, whole or not at all, in STL10's binary format."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from audit.data.decoy.render import draw_labels, render
from audit.data.decoy.spec import CLASSES, SPLITS, DecoySpec
from audit.errors import DataError

__all__ = ["prepare"]

_RECORD: Final = "decoy.json"


def prepare(data_root: Path, spec: DecoySpec | None = None) -> Path:
    """Return the folder of a decoy dataset, making it first if it is not there.

    The folder is ``<data_root>/decoy/<spec.key>``. For each split it holds ``<split>_X.bin``
    (N×3×size×size uint8, each channel stored column by column, as STL10 does), ``<split>_y.bin``
    (uint8 labels 1 to 10) and ``<split>_mask.bin`` (N×size×size uint8, 1 on the object, column by
    column); beside them ``class_names.txt`` (one name a line) and ``decoy.json`` (spec with the
    generator's version, bytes and SHA-256 of each file). It is built under another name and
    renamed when complete. ``spec`` defaults to ``DecoySpec()``. Raises DataError where the folder
    cannot be written.
    """
    spec = spec or DecoySpec()
    home = Path(data_root) / "decoy"
    folder = home / spec.key
    if _is_whole(folder, spec):
        return folder
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f"{spec.key}.lock"):
            if not _is_whole(folder, spec):  # another process may have made it meanwhile
                _make(folder, spec)
    except OSError as error:
        raise DataError(
            f"cannot write the decoy dataset to {folder}: {error.strerror or error}; it takes "
            f"{_total_bytes(spec) / 1e6:.0f} MB; free some, or choose another --data-root"
        ) from error
    return folder


def _is_whole(folder: Path, spec: DecoySpec) -> bool:
    """Whether the folder holds this spec's files at their full lengths."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        lengths = {name: (folder / name).stat().st_size for name in record["files"]}
        return bool(
            record["spec"] == spec.as_json()
            and lengths == {name: entry["bytes"] for name, entry in record["files"].items()}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # missing or damaged: either way to be made


def _total_bytes(spec: DecoySpec) -> int:
    return sum(spec.count(split) for split in SPLITS) * (4 * spec.size**2 + 1)


def _make(folder: Path, spec: DecoySpec) -> None:
    """Build the dataset beside its place, then move it there; the caller holds the lock."""
    partial = folder.with_name(f"{folder.name}.partial")
    _remove(partial)  # left by a process that was killed
    partial.mkdir()
    try:
        _write_all(partial, spec)
        _remove(folder)  # damaged, else it would not be made again
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _write_all(folder: Path, spec: DecoySpec) -> None:
    total = sum(spec.count(split) for split in SPLITS)
    with tqdm(total=total, desc="decoy images", unit="img", disable=None) as progress:
        for split in SPLITS:
            _write_split(folder, spec, split, progress)
    (folder / "class_names.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    files = {path.name: _describe(path) for path in sorted(folder.iterdir())}
    record = json.dumps({"spec": spec.as_json(), "files": files}, indent=2)
    (folder / _RECORD).write_text(record + "\n", encoding="utf-8")


def _write_split(folder: Path, spec: DecoySpec, split: str, progress: Any) -> None:
    labels = draw_labels(spec, split)
    (folder / f"{split}_y.bin").write_bytes((labels + 1).astype(np.uint8).tobytes())
    with (
        (folder / f"{split}_X.bin").open("wb") as x,
        (folder / f"{split}_mask.bin").open("wb") as m,
    ):
        for index in range(len(labels)):
            scene = render(spec, split, index)
            x.write(scene.pixels.transpose(2, 1, 0).tobytes())
            m.write(scene.mask.astype(np.uint8).T.tobytes())
            progress.update()


def _describe(path: Path) -> dict[str, int | str]:
    """Length and SHA-256 of a file that is first brought safely to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
