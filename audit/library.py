"""The audit as a library, for a notebook or a script: run one, open one, look at its cases.

import audit

run = audit.run(dataset="decoy", limit=200)
run.classes.sort_values("accuracy").head()
run.case(17)                      # drawn where the notebook shows it
"""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, Unpack

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from audit.errors import ConfigError, DataError, nearest
from audit.gates.runs import read_run
from audit.inline import Case
from audit.options import RunOptions, run_config
from audit.report.tables import parts_of, read, rows_of
from audit.report.text import clean, percent
from audit.tables.store import url_of

__all__ = ["Run", "load_run", "run"]

_GRIDS = ("true_cam", "pred_cam", "region_grid", "valid_grid")
_NULLABLE = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
}
_LARGEST = 2**63  # of an index: int64


def run(*, say: Callable[[str], object] | None = None, **options: Unpack[RunOptions]) -> Run:
    """Audit a dataset, as ``cam-audit run`` does, and open the run folder that it leaves.

    ``options`` are the flags of the command, with underscores: ``dataset="stl10"``,
    ``data_root="data"``, ``checkpoint="weights.safetensors"``, ``limit=500`` (images), …;
    ``help(audit.config.RunConfig)`` lists them with their meaning, units and defaults. Paths may
    be texts, ``resize`` and ``crop`` whole numbers, ``mean`` and ``std`` three numbers. ``say`` is
    told, line by line, what a person should know; by default it prints to stderr.

    Raises ConfigError for an option that is not known or has a value of another kind, and an
    AuditError where the audit cannot be done.
    """
    from audit.auditing import run_audit  # noqa: PLC0415 - it imports torch

    if say is not None and not callable(say):
        raise ConfigError(f"say {say!r}: a function of one line of text is needed")
    config = run_config(options)
    if url_of(config.runs_dir) is not None:
        raise ConfigError(
            f"runs_dir {config.runs_dir}: run() opens the run that it made, which needs a local "
            "folder; the command cam-audit run writes to an object store"
        )
    report = run_audit(config, _to_stderr if say is None else say)
    return load_run(Path(report).parents[1])


def load_run(path: str | Path) -> Run:
    """Open the finished run folder at ``path``; no model, no dataset and no torch are needed.

    Raises DataError where there is none, or it is not finished.
    """
    if not isinstance(path, str | Path):
        raise ConfigError(f"load_run() was given {path!r}: the path of a run folder is needed")
    found = read_run(Path(path))
    return Run(found.root, found.name, found.manifest, found.summary)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - what the command does


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run. Each table is read when it is first asked for, and then kept.

    ``docs/columns.md`` says what every column means. Columns that may hold nulls have pandas'
    nullable types, so that a missing answer is never counted as wrong. ``manifest`` and
    ``summary`` are the run's JSON files.
    """

    path: Path
    name: str
    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]

    @cached_property
    def images(self) -> pd.DataFrame:
        """One row an image, by ``index``: classes, probabilities, scores; ``maps()`` has maps."""
        parts = parts_of(self.path / "images")
        if not parts:
            raise DataError(f"{self.path} has no images/part-*.parquet: not a finished run folder")
        names = [name for name in _names(parts[0]) if name not in _GRIDS]
        return _frame(read(parts, names)).set_index("index", drop=False)

    @cached_property
    def cases(self) -> pd.DataFrame:
        """One row an image, by ``index``: its flags, why they are set, and the severity."""
        return self._table("cases").set_index("index", drop=False)

    @cached_property
    def classes(self) -> pd.DataFrame:
        """One row a class: accuracy with its interval, attention, verdict."""
        return self._table("classes")

    @cached_property
    def slices(self) -> pd.DataFrame:
        """One row a value of each further column of the dataset; empty where it has none."""
        return self._some("slices")

    @cached_property
    def questions(self) -> pd.DataFrame:
        """One row a type of question, with its verdict; empty where the dataset asks none."""
        return self._some("questions")

    @cached_property
    def nouns(self) -> pd.DataFrame:
        """One row a class that captions may name; empty where there are no captions."""
        return self._some("nouns")

    @cached_property
    def words(self) -> pd.DataFrame:
        """One row a noun of a caption, without its map; empty where there are no captions."""
        parts, none = parts_of(self.path / "words"), _empty("words").drop(columns="cam")
        return _frame(read(parts, list(none.columns))) if parts else none

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row a (true, predicted) pair that occurs, and how often."""
        return self._table("pairs")

    @cached_property
    def interventions(self) -> pd.DataFrame:
        """One row a changed picture; empty where nothing was tested."""
        parts = parts_of(self.path / "interventions")
        return _frame(read(parts, None)) if parts else _empty("interventions")

    @cached_property
    def cues(self) -> pd.DataFrame:
        """What the patches that decide a class show; empty where none was found."""
        return self._some("cues")

    @cached_property
    def swaps(self) -> pd.DataFrame:
        """Strongest swaps of classes that the background decides; empty where none was found."""
        return self._some("swaps")

    def maps(self, index: Iterable[int], target: Literal["true", "pred"] = "pred") -> np.ndarray:
        """The maps of the images ``index`` as float32 n×h×w in [0, 1]; NaN where there is none.

        In the order of ``index``, which may name an image twice. ``target``: "pred" or "true",
        whose class is explained. Each map is scaled to its own maximum. Raises ConfigError for
        another target and for what is no index, DataError for an image that the run does not have.
        """
        if target not in ("true", "pred"):
            raise ConfigError(f"maps() has no target {target!r}; known: true, pred")
        wanted = _indices(index)
        rows = self._rows(wanted, ["index", f"{target}_cam"])
        height, width = self._grid
        drawn = np.full((len(wanted), height, width), np.nan, np.float32)
        for place, one in enumerate(wanted):
            cells = rows[one][f"{target}_cam"]
            if cells is not None:
                drawn[place] = np.asarray(cells, np.float32).reshape(height, width) / 255
        return drawn

    def case(self, index: int) -> Case:
        """Image ``index`` with its maps, drawn where a notebook shows it.

        Raises ConfigError for what is no index, DataError where the run has no such image.
        """
        (index,) = _indices([index])
        row = self._rows([index], None)[index]
        wanted = pc.field("index") == index
        flags = rows_of(read([self.path / "cases.parquet"], None, wanted))
        parts = parts_of(self.path / "media")
        media = read(parts, None, wanted).to_pylist() if parts else []
        return Case(
            index=index,
            row=row,
            flags=flags[0] if flags else {},
            media=media[0] if media else {},
            grid=self._grid,
            view=(int(self.manifest["view"][0]), int(self.manifest["view"][1])),
        )

    def pictured(self, gallery: str | None = None) -> list[int]:
        """The indices of the images whose picture the run keeps; of one ``gallery``, if named.

        The galleries are the keys of ``summary["galleries"]``, such as verified, misclassified and
        control. Raises ConfigError for another one.
        """
        known = self.summary["galleries"]
        if gallery is not None and gallery not in known:
            raise ConfigError(f"there is no gallery {gallery!r}; {nearest(str(gallery), known)}")
        parts = parts_of(self.path / "media")
        rows = read(parts, ["index", "galleries"]).to_pylist() if parts else []
        return [row["index"] for row in rows if gallery is None or gallery in row["galleries"]]

    @property
    def _grid(self) -> tuple[int, int]:
        height, width = self.manifest["model"]["grid"]
        return int(height), int(width)

    def _rows(self, wanted: list[int], names: list[str] | None) -> dict[int, Mapping[str, Any]]:
        table = read(parts_of(self.path / "images"), names, pc.field("index").isin(wanted))
        found = {row["index"]: row for row in rows_of(table)}
        for one in wanted:
            if one not in found:
                raise DataError(f"run {self.name} has no image {one}")
        return found

    def _table(self, name: str) -> pd.DataFrame:
        return _frame(read([self.path / f"{name}.parquet"], None))

    def _some(self, name: str) -> pd.DataFrame:
        """A table that only some runs have."""
        return self._table(name) if (self.path / f"{name}.parquet").exists() else _empty(name)

    def _said(self) -> str:
        accuracy = self.summary.get("accuracy")
        right = "no labels" if accuracy is None else f"accuracy {percent(accuracy['value'])}"
        return f"{self.summary['counts']['audited']:,} images, {right}"

    def __repr__(self) -> str:
        return f"<run {clean(self.name)}: {self._said()}; {clean(self.path, 300)}>"

    def _repr_html_(self) -> str:
        report = html.escape(clean(self.path / "report" / "index.html", 300))
        return (
            f"<p><b>{html.escape(clean(self.name))}</b>: {self._said()}; "
            f"report: <code>{report}</code></p>"
        )


def _indices(given: Iterable[object]) -> list[int]:
    """Positions in the dataset. Raises ConfigError, naming the one that is none."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigError(f"{given!r} is no list of indices; give several as [3, 17]")
    found = []
    for one in given:
        if not isinstance(one, Integral) or _is_truth(one):
            note = "; select with a mask by images.index[mask]" if _is_truth(one) else ""
            raise ConfigError(f"index {one!r} is no whole number{note}")
        if not 0 <= int(one) < _LARGEST:
            raise ConfigError(f"index {one}: images are counted from 0")
        found.append(int(one))
    return found


def _is_truth(one: object) -> bool:
    return isinstance(one, bool | np.bool_)


def _names(part: Path) -> list[str]:
    return list(read([part], None, pc.scalar(value=False)).column_names)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(types_mapper=_NULLABLE.get)
    return frame


def _empty(name: str) -> pd.DataFrame:
    from audit.tables.schema import arrow_schema  # noqa: PLC0415

    return _frame(arrow_schema(name).empty_table())
