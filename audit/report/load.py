"""Reads what a report needs from a run folder, and from nowhere else.

The folder may come from another machine: nothing it names is imported or opened by path.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from audit.errors import DataError, nearest
from audit.report import contract

__all__ = ["Case", "RunFolder", "Target", "read_run"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """One explained class of one image: the label's, or the prediction's."""

    label: str | None
    index: int  # of the class
    probability: float | None
    mass: float | None
    lift: float | None
    cam: bytes | None  # h·w grid values, row-major, scaled to the map's maximum = 255
    cam_status: str | None


@dataclass(frozen=True)
class Case:
    """One image that the report shows. ``true`` is None where the image has no label."""

    index: int
    sample_id: str
    path: str | None
    galleries: tuple[str, ...]
    view: bytes  # JPEG of the model's view
    region: bytes | None  # PNG, one channel, 255 on the region, the size of the view's picture
    true: Target | None
    predicted: Target | None
    correct: bool | None
    area: float | None
    flags: tuple[str, ...]
    reason: str
    severity: float


@dataclass(frozen=True)
class RunFolder:
    """What a report reads of a run: plain values, None where the tables hold a null."""

    root: Path
    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]
    classes: tuple[Row, ...]
    pairs: tuple[Row, ...]
    cases: tuple[Case, ...]


def read_run(run: Path) -> RunFolder:
    """Read the run folder ``run``: its JSON files, its class tables, and the cases in ``media``.

    Of ``images`` and ``cases`` only the rows of shown cases are kept, so that the memory needed
    follows the number of shown cases and not the size of the data set.

    Raises DataError where the folder is no run of this format, or a file, key, column or row that
    the report needs is missing.
    """
    if not run.is_dir():
        raise DataError(f"there is no run folder at {run}")
    manifest = _manifest(run / "manifest.json")
    summary = _object(run / "summary.json")
    _complete(summary, contract.SUMMARY, run / "summary.json")
    return RunFolder(
        root=run,
        manifest=manifest,
        summary=summary,
        classes=_rows(_table(run / "classes.parquet", contract.CLASSES)),
        pairs=_rows(_table(run / "pairs.parquet", contract.PAIRS)),
        cases=_read_cases(run, _cells(manifest)),
    )


def _cells(manifest: Mapping[str, Any]) -> int:
    grid = manifest["model"].get("grid")
    if not (isinstance(grid, list) and len(grid) == 2):  # noqa: PLR2004  (h and w)
        raise DataError(f"manifest.json: model.grid is {grid!r}, not [h, w]")
    return int(grid[0]) * int(grid[1])


def _manifest(path: Path) -> Row:
    manifest = _object(path)
    found = manifest.get("format")
    if found != contract.FORMAT:  # first: another format lacks other keys too
        raise DataError(f"{path} has format {found!r}; this version reads {contract.FORMAT!r}")
    _complete(manifest, contract.MANIFEST, path)
    return manifest


def _object(path: Path) -> Row:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path.parent} has no {path.name}: not a finished run folder") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no JSON object")
    return content


def _complete(content: Row, sections: contract.Sections, path: Path) -> None:
    _require(tuple(sections), content, str(path), "key")
    for name, keys in sections.items():
        if keys and content[name] is not None:
            _require(keys, content[name], f"{path}: {name}", "key")


def _require(names: Sequence[str], present: Sequence[str] | Row, where: str, kind: str) -> None:
    for name in names:
        if name not in present:
            raise DataError(f"{where} has no {kind} {name!r}; {nearest(name, present)}")


def _table(path: Path, columns: Sequence[str]) -> pa.Table:
    return _read([path], columns, None)


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def _read(paths: Sequence[Path], columns: Sequence[str] | None, index: pa.Array | None) -> pa.Table:
    try:
        data = ds.dataset([str(path) for path in paths], format="parquet")
        _require(columns or (), data.schema.names, str(paths[0]), "column")
        rows = None if index is None else pc.field("index").isin(index)
        return data.to_table(columns=None if columns is None else list(columns), filter=rows)
    except FileNotFoundError:
        folder, name = paths[0].parent, paths[0].name
        raise DataError(f"{folder} has no {name}: not a finished run folder") from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{paths[0]} cannot be read as Parquet: {error}") from None


def _rows(table: pa.Table) -> tuple[Row, ...]:
    return tuple({name: _plain(value) for name, value in row.items()} for row in table.to_pylist())


def _plain(value: Any) -> Any:
    """NaN is no value either; the tables should hold nulls, but a page must not print ``nan``."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read_cases(run: Path, cells: int) -> tuple[Case, ...]:
    parts = _parts(run / "media")
    if not parts:
        return ()  # a run that was asked to keep no case writes no media
    media = _read(parts, contract.MEDIA, None)
    index = media["index"].combine_chunks()
    images = _by_index(_images(run / "images", index, cells))
    reasons = _by_index(_rows(_read([run / "cases.parquet"], None, index)))
    return tuple(
        _case(row, _row_of(row, images, "images"), _row_of(row, reasons, "cases.parquet"))
        for row in media.to_pylist()
    )


def _by_index(rows: Sequence[Row]) -> dict[int, Row]:
    return {row["index"]: row for row in rows}


def _row_of(media: Row, rows: Mapping[int, Row], where: str) -> Row:
    try:
        return rows[media["index"]]
    except KeyError:
        raise DataError(
            f"media names image {media['index']}, which {where} has no row of"
        ) from None


def _images(folder: Path, index: pa.Array, cells: int) -> tuple[Row, ...]:
    parts = _parts(folder)
    if not parts:
        raise DataError(f"{folder} has no part-*.parquet: not a finished run folder")
    table = _read(parts, contract.IMAGES, index)
    maps = {name: _maps(table[name], name, cells) for name in ("true_cam", "pred_cam")}
    rows = _rows(table.drop_columns(list(maps)))
    return tuple(
        {**row, **{name: column[at] for name, column in maps.items()}}
        for at, row in enumerate(rows)
    )


def _maps(column: pa.ChunkedArray, name: str, cells: int) -> list[bytes | None]:
    grids = [bytes(x.values.to_numpy()) if x.is_valid else None for x in column]
    for grid in grids:
        if grid is not None and len(grid) != cells:
            raise DataError(f"images: {name} has {len(grid)} cells; manifest.json says {cells}")
    return grids


def _case(media: Row, image: Row, found: Row) -> Case:
    _require(contract.CASES, found, "cases.parquet", "column")
    return Case(
        index=media["index"],
        sample_id=image["sample_id"],
        path=image["path"],
        galleries=tuple(media["galleries"] or ()),
        view=media["view"],
        region=media["region"],
        true=_target(image, "true"),
        predicted=_target(image, "pred"),
        correct=image["correct"],
        area=image["region_area_fraction"],
        flags=tuple(name for name, value in found.items() if value is True),
        reason=found["reason"] or "",
        severity=found["severity"] or 0.0,
    )


def _target(image: Row, side: str) -> Target | None:
    index = image[f"{side}_class"]
    if index is None or index < 0:
        return None
    return Target(
        label=image[f"{side}_label"],
        index=index,
        probability=image[f"{side}_probability"],
        mass=image[f"{side}_relevance_mass_accuracy"],
        lift=image[f"{side}_mass_lift"],
        cam=image[f"{side}_cam"],
        cam_status=image[f"{side}_cam_status"],
    )
