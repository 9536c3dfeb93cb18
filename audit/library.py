"""The audit as a library, for a notebook or a script: run one, open one, look at its cases.

import audit

run = audit.run(dataset="decoy", limit=200)
run.classes.sort_values("accuracy").head()
run.case(17)                      # drawn where the notebook shows it
"""

from __future__ import annotations

import base64
import html
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from audit.config import RunConfig
from audit.errors import ConfigError, DataError, nearest
from audit.gates.runs import read_run
from audit.report.tables import parts_of, read, rows_of
from audit.report.text import clean, percent, probability, times
from audit.tables.store import url_of

__all__ = ["Case", "Run", "load_run", "run"]

_GRIDS = ("true_cam", "pred_cam", "region_grid", "valid_grid")
_NULLABLE = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
}
_SIDE = 224  # px: the longest side of a drawn panel
_GAP = 8  # px
_FULL = 160  # of 255: where a map's colour hides the picture below
_GREY = 110
_OUTLINE = (242, 227, 123)  # BGR
_GALLERY = 12


def run(*, say: Callable[[str], object] | None = None, **options: Any) -> Run:
    """Audit a dataset, as ``cam-audit run`` does, and open the run folder that it leaves.

    ``options`` are the fields of ``audit.config.RunConfig`` (``dataset``, ``model``,
    ``data_root``, …); paths may be strings. ``say`` is told, line by line, what a person should
    know; by default it prints to stderr. Raises ConfigError for an option that is not known, and
    an AuditError where the audit cannot be done.
    """
    from audit.auditing import run_audit  # noqa: PLC0415 - it imports torch

    config = _config(options)
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
    found = read_run(Path(path))
    return Run(found.root, found.name, found.manifest, found.summary)


def _config(options: Mapping[str, Any]) -> RunConfig:
    known = {field.name: str(field.type) for field in fields(RunConfig)}
    for name in options:
        if name not in known:
            raise ConfigError(f"run() has no option {name!r}; {nearest(name, known)}")
    given: dict[str, Any] = {
        name: Path(value) if known[name].startswith("Path") and isinstance(value, str) else value
        for name, value in options.items()
    }
    return RunConfig(**given)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - what the command does


@dataclass(frozen=True)
class Run:
    """A finished run. Each table is read when it is first asked for, and then kept.

    ``docs/columns.md`` says what every column means. Columns that may hold nulls have pandas'
    nullable types, so that a missing answer is never counted as wrong.
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

    def maps(self, index: Iterable[int], target: str = "pred") -> np.ndarray:
        """The maps of the images ``index`` as float32 n×h×w in [0, 1]; NaN where there is none.

        ``target``: "pred" or "true", whose class is explained. Each map is scaled to its own
        maximum. Raises DataError for an image that the run does not have.
        """
        if target not in ("true", "pred"):
            raise ConfigError(f"maps() has no target {target!r}; known: true, pred")
        wanted = [int(one) for one in index]
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

        Raises DataError where the run has no such image.
        """
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
        """The indices of the images whose picture the run keeps; of one ``gallery``, if named."""
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

    def _repr_html_(self) -> str:
        accuracy = self.summary.get("accuracy")
        right = "no labels" if accuracy is None else f"accuracy {percent(accuracy['value'])}"
        counts = self.summary["counts"]
        report = html.escape(clean(self.path / "report" / "index.html", 300))
        return (
            f"<p><b>{html.escape(clean(self.name))}</b>: {counts['audited']:,} images, {right}; "
            f"report: <code>{report}</code></p>"
        )


@dataclass(frozen=True)
class Case:
    """One image of a run. A notebook draws it: view, label's map and, where it differs, the
    prediction's map; in a plain shell, ``png()`` gives the same picture as bytes.
    """

    index: int
    row: Mapping[str, Any]  # its row of images, maps included
    flags: Mapping[str, Any]  # its row of cases
    media: Mapping[str, Any]  # view, region, covered: empty where the run keeps no picture
    grid: tuple[int, int]
    view: tuple[int, int]

    def png(self) -> bytes:
        """The panels side by side as a PNG; a grey ground where the run keeps no picture."""
        view = self._view()
        panels = [self._outlined(view)]
        for side in self._sides():
            cells = self.row[f"{side}_cam"]
            panels.append(self._outlined(view if cells is None else _laid(view, cells, self.grid)))
        gap = np.full((view.shape[0], _GAP, 3), 255, np.uint8)
        sheet = [part for panel in panels for part in (gap, panel)][1:]
        return bytes(cv2.imencode(".png", np.hstack(sheet))[1])

    def _sides(self) -> list[str]:
        """The explained classes: one where label and prediction agree or there is no label."""
        true, pred = self.row["true_class"], self.row["pred_class"]
        sides = [side for side, one in (("true", true), ("pred", pred)) if one is not None]
        return sides[:1] if true == pred else sides

    def _view(self) -> np.ndarray:
        """H×W×3 uint8 BGR."""
        scale = _SIDE / max(self.view)
        size = max(1, round(self.view[1] * scale)), max(1, round(self.view[0] * scale))
        if not self.media:
            return np.full((size[1], size[0], 3), _GREY, np.uint8)
        view = cv2.imdecode(np.frombuffer(self.media["view"], np.uint8), cv2.IMREAD_COLOR)
        if view is None:
            raise DataError(f"media: the view of image {self.index} is no picture")
        return np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA))

    def _outlined(self, panel: np.ndarray) -> np.ndarray:
        region = self.media.get("region")
        if region is None:
            return panel
        mask = cv2.imdecode(np.frombuffer(region, np.uint8), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise DataError(f"media: the region of image {self.index} is no picture")
        size = panel.shape[1], panel.shape[0]
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        borders, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        return np.asarray(cv2.drawContours(panel.copy(), borders, -1, _OUTLINE, 1))

    def _repr_png_(self) -> bytes:
        return self.png()

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(f"<td>{html.escape(text)}</td>" for text in self._figures(side))
            + "</tr>"
            for side in self._sides()
        )
        picture = base64.b64encode(self.png()).decode()
        name = clean(self.row["path"]) if self.row["path"] else f"image {self.index:,}"
        reason = clean(self.flags["reason"], 300) if self.flags.get("reason") else ""
        return (
            f"<figure><img alt='view and maps' src='data:image/png;base64,{picture}'>"
            f"<figcaption><b>{html.escape(name)}</b> {html.escape(reason)}</figcaption></figure>"
            "<table><tr><th></th><th>class</th><th>probability</th><th>on object</th>"
            f"<th>lift</th></tr>{rows}</table>"
        )

    def _figures(self, side: str) -> tuple[str, ...]:
        return (
            {"true": "label", "pred": "prediction"}[side],
            clean(self.row[f"{side}_label"], 60),
            probability(self.row[f"{side}_probability"]),
            percent(self.row[f"{side}_relevance_mass_accuracy"]),
            times(self.row[f"{side}_mass_lift"]),
        )


def _laid(view: np.ndarray, cells: Iterable[int], grid: tuple[int, int]) -> np.ndarray:
    """The map over ``view`` (BGR): inferno, clear where it is cold."""
    size = view.shape[1], view.shape[0]
    values = cv2.resize(np.asarray(cells, np.float32).reshape(grid), size)
    colours = cv2.applyColorMap(np.rint(values).astype(np.uint8), cv2.COLORMAP_INFERNO)
    paint = 0.8 * np.minimum(1, values / _FULL)[..., None]
    return np.asarray(np.rint(view * (1 - paint) + colours * paint).astype(np.uint8))


def _names(part: Path) -> list[str]:
    return list(read([part], None, pc.scalar(value=False)).column_names)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(types_mapper=_NULLABLE.get)
    return frame


def _empty(name: str) -> pd.DataFrame:
    from audit.tables.schema import arrow_schema  # noqa: PLC0415

    return _frame(arrow_schema(name).empty_table())
