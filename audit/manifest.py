"""A run folder's manifest: what was asked, what was used, and how far it came.

Created exclusively before the first part and finished last; a run folder without one is not ours.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from audit.errors import ConfigError, DataError
from audit.plan import Plan
from audit.tables.parts import NO_ROOM, cannot_write, clear_temporaries, fsync, write_bytes
from audit.tables.schema import SCHEMA_VERSION, SCORE_VERSION
from audit.tables.store import MANIFEST

__all__ = [
    "FILE",
    "check_same",
    "locked",
    "manifest_of",
    "open_run",
    "package_versions",
    "read_manifest",
    "set_status",
]

FILE = MANIFEST
FORMAT = "cam-audit-run/1"
_PACKAGES = ("cam-audit", "torch", "torchvision", "numpy", "pandas", "pyarrow", "opencv-python")
_KINDS = {"status": str, "started": str, "fingerprint": dict, "fingerprint_id": str}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_CONFIGURED = (  # the flags behind a fingerprint, to say which of them is another
    *("dataset", "data_root", "split", "limit", "model", "checkpoint", "target_layer", "method"),
    *("regions", "class_map", "closed_set", "input_size", "resize", "crop", "mean", "std"),
    *("device", "dtype", "part_size", "seed"),
)


def manifest_of(plan: Plan, name: str) -> dict[str, Any]:
    """The manifest of a run of ``plan`` that is about to start."""
    config = {key: _plain(value) for key, value in asdict(plan.config).items()}
    listing, classifier = plan.source.listing, plan.classifier
    return {
        "format": FORMAT,
        "name": name,
        "status": "running",
        "started": _now(),
        "argv": sys.argv,
        "config": config,
        "seed": plan.config.seed,
        "fingerprint": dict(plan.fingerprint),
        "fingerprint_id": plan.fingerprint_id,
        "method": plan.config.method,
        "score_version": SCORE_VERSION,
        "schema_version": SCHEMA_VERSION,
        "dataset": {
            "name": plan.config.dataset,
            "split": plan.config.split,
            "classes": list(listing.classes),
            "n": len(listing),
            "audited": len(plan.indices),
            "part_size": plan.part_size,
            "parts": plan.n_parts,
        },
        "model": {
            "name": classifier.name,
            "architecture": classifier.architecture,
            "weights_hash": classifier.weights_hash,
            "target_layer": classifier.target_layer,
            "layout": [str(layout) for layout in plan.layouts],
            "grid": list(plan.grid),
            "preprocessing": asdict(classifier.preprocessing),
            "outputs": plan.space.n_outputs,
            "label_space": plan.space.how,
        },
        "regions": plan.regions.how,
        "view": list(plan.size),
        "device": str(plan.device),
        "dtype": plan.dtype_name,
        "versions": {"python": platform.python_version(), **package_versions()},
        "warnings": list(plan.warnings),
        "timings": {},
    }


def open_run(plan: Plan, runs: Path) -> tuple[Path, bool]:
    """This plan's folder below ``runs``, with its manifest written; and whether it goes on.

    Named by ``--run``, else an unfinished run of equal fingerprint, else a new one. Raises
    ConfigError for a name that is no path component, and where the named folder belongs to another
    plan (saying in what it differs), or is not a run folder.
    """
    config = plan.config
    folder = _named(plan, runs) if config.run is not None else _unfinished(plan, runs)
    if folder is None:
        folder = runs / _default_name(plan, runs)
    if config.fresh and folder.exists():
        _set_aside(folder)
    if not (folder / FILE).exists() and _create(folder, manifest_of(plan, folder.name)):
        return folder, False
    check_same(folder, plan)
    return folder, True


def check_same(folder: Path, plan: Plan) -> None:
    """Raise ConfigError where the run in ``folder`` is of another plan, saying in what it differs.

    Raises as ``read_manifest`` does where there is no run.
    """
    content = read_manifest(folder)
    different = plan.differs(content["fingerprint"])
    if different:
        raise ConfigError(
            f"{folder} belongs to another plan: its {', '.join(different)} differ from what is "
            f"asked for now{_flags_that_differ(content, plan)}; choose another --run, or --fresh "
            "to move that run aside"
        )


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in ``folder``. Raises DataError where it is missing, broken or not ours."""
    file = folder / FILE
    try:
        content = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise DataError(f"{folder} is no run folder: {FILE}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is not readable JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f"{file} is not a manifest of this program (format {FORMAT})")
    wrong = [key for key, kind in _KINDS.items() if not isinstance(content.get(key), kind)]
    if wrong:
        raise DataError(f"{file} is damaged: {', '.join(wrong)} missing or of another type")
    return content


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the run's lock; the operating system frees it when the process ends, however it does.

    What a process that was killed had half written is cleared. Raises ConfigError where another
    process holds the lock, IncompleteError where the disk is full.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ConfigError(
            f"{folder} is being written by another process: wait for it, or choose another --run"
        ) from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise cannot_write(folder / ".lock", error) from error
        raise ConfigError(f"{folder}/.lock cannot be locked: {error.strerror}") from error
    try:
        _clear(folder)
        yield
    finally:
        lock.release()


def set_status(folder: Path, status: str, timings: Mapping[str, float]) -> None:
    """Say how far the run is: ``audited`` (all tables are written), then ``finished``.

    ``timings`` are the seconds that each stage took.
    """
    content = read_manifest(folder)
    content |= {"status": status, "finished": _now()}
    content["timings"] = {name: round(seconds, 3) for name, seconds in timings.items()}
    write_bytes(_encoded(content), folder / FILE)


def _clear(folder: Path) -> None:
    for place in (folder, *(path for path in folder.iterdir() if path.is_dir())):
        clear_temporaries(place)
    for scratch in folder.glob(".report-*"):
        shutil.rmtree(scratch, ignore_errors=True)
    with suppress(OSError):
        (folder.parent / f".latest.{folder.name}").unlink()


def _named(plan: Plan, runs: Path) -> Path:
    name = plan.config.run or ""
    if not _NAME.fullmatch(name) or name == "latest":
        raise ConfigError(
            f"--run {name!r}: a run name is one path component of letters, digits, '.', '_' and "
            "'-', beginning with a letter or digit, and not 'latest'"
        )
    return runs / name


def _unfinished(plan: Plan, runs: Path) -> Path | None:
    """The newest unfinished run of equal fingerprint."""
    if plan.config.fresh:
        return None
    found = []
    for file in runs.glob(f"*/{FILE}"):
        if file.parent.is_symlink():
            continue
        try:
            content = read_manifest(file.parent)
        except DataError:
            continue  # somebody else's folder, or a broken one: not ours to take up
        if content["status"] != "finished" and content["fingerprint_id"] == plan.fingerprint_id:
            found.append((content["started"], file.parent))
    return max(found)[1] if found else None


def _default_name(plan: Plan, runs: Path) -> str:
    dataset = plan.config.dataset.partition(":")[0]
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{dataset}-{plan.classifier.name}").strip("-.")
    name = f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    taken, count = name, 1
    while (runs / taken).exists():
        count += 1
        taken = f"{name}-{count}"
    return taken


def _set_aside(folder: Path) -> None:
    """Move an existing run of ours out of the way; whatever is not ours stays and is an error."""
    try:
        read_manifest(folder)
    except DataError as error:
        raise ConfigError(f"--fresh moves only run folders aside: {error}") from error
    with locked(folder):  # never from under a process that writes it
        folder.rename(folder.with_name(f"{folder.name}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}.old"))


def _create(folder: Path, content: Mapping[str, Any]) -> bool:
    """Make the run folder with its manifest, whole or not at all; False where another was first."""
    temporary = folder / f".{FILE}.{os.getpid()}.tmp"
    held = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    if FILE in held:
        return False
    if any(not name.startswith(f".{FILE}.") for name in held):
        raise ConfigError(f"{folder} exists and is no run folder (no {FILE}): choose another --run")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(_encoded(content))
            stream.flush()
            os.fsync(stream.fileno())
        first = _linked(temporary, folder / FILE)
        fsync(folder)
        fsync(folder.parent)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise cannot_write(folder / FILE, error) from error
        raise ConfigError(f"{folder} cannot be made a run folder: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return first


def _linked(temporary: Path, path: Path) -> bool:
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    return True


def _flags_that_differ(content: Mapping[str, Any], plan: Plan) -> str:
    """Such as `` (--seed: 0 there, 1 now)``; empty where no flag is another, but a file is."""
    theirs = content.get("config")
    if not isinstance(theirs, dict):
        return ""
    ours = {name: _plain(getattr(plan.config, name)) for name in _CONFIGURED}
    said = [
        f"--{name.replace('_', '-')}: {theirs.get(name)} there, {ours[name]} now"
        for name in _CONFIGURED
        if theirs.get(name) != ours[name]
    ]
    return f" ({'; '.join(said)})" if said else ""


def package_versions() -> dict[str, str | None]:
    """The versions of the packages that results may depend on; None where one is missing."""
    found: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _encoded(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")
