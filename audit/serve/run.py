"""A run folder as the browser needs it: its manifest, its rows, and its report's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.gates.runs import Run, read_run
from audit.report.picture import KINDS
from audit.serve.config import ServeConfig
from audit.serve.dataset import Dataset
from audit.serve.rows import Rows
from audit.tables.sliced import left_out

__all__ = ["Browsed", "open_run", "report_files"]

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    **{kind.suffix: kind.mime for kind in KINDS.values()},
}


@dataclass(frozen=True)
class Browsed:
    """A run that is open for browsing. ``dataset`` is None without --data-root.

    ``slices`` are the dataset's further columns with their values; none where a column was left out
    as too large to tabulate.
    """

    root: Path
    name: str
    manifest: Mapping[str, Any]
    rows: Rows
    grid: tuple[int, int]
    view: tuple[int, int]
    dataset: Dataset | None
    slices: Mapping[str, tuple[str, ...]]


def open_run(run: Path, config: ServeConfig) -> Browsed:
    """Open the run folder ``run``; raises DataError where it is none, or is not finished."""
    found = read_run(run)
    manifest = found.manifest
    view = _pair(manifest["view"])
    split = manifest["dataset"].get("split")
    dataset = None
    if config.data_root is not None:
        dataset = Dataset(config.data_root, split if isinstance(split, str) else None, view)
    return Browsed(
        root=found.root,
        name=found.name,
        manifest=manifest,
        rows=Rows(found.root),
        grid=_pair(manifest["model"]["grid"]),
        view=view,
        dataset=dataset,
        slices=_slices(found),
    )


def _slices(run: Run) -> dict[str, tuple[str, ...]]:
    values: dict[str, list[str]] = {}
    for row in run.slices:
        values.setdefault(str(row["slice"]), []).append(str(row["value"]))
    found = {name: tuple(held) for name, held in values.items()}
    return found | dict.fromkeys(left_out(run.summary), ())


def _pair(given: Sequence[int]) -> tuple[int, int]:
    height, width = given
    return int(height), int(width)


def report_files(run: Path) -> dict[str, tuple[Path, str]]:
    """What may be served of the run's report: address below ``/report/`` → file and its type.

    Files are found by listing the folder, so that no address ever becomes a path; links and other
    types of file are left out.
    """
    folder = run / "report"
    return {
        file.relative_to(folder).as_posix(): (file, _TYPES[file.suffix])
        for file in folder.rglob("*")
        if file.suffix in _TYPES and file.is_file() and _is_plain(file, folder)
    }


def _is_plain(file: Path, folder: Path) -> bool:
    return file.resolve() == folder.resolve() / file.relative_to(folder)
