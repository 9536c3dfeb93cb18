"""Reads what a report needs from a run folder, and from nowhere else.

The folder may come from another machine: nothing it names is imported or opened by path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from audit.errors import DataError
from audit.report import contract
from audit.report.evidence import Cue, Patch, read_cues, read_patches
from audit.report.tables import Row, columns_of, parts_of, read, require, rows_of, some
from audit.tables.store import local_only

__all__ = ["TEXT", "Case", "RunFolder", "SaidWord", "Target", "read_run"]

TEXT = -1
_CAUSES = ("spurious_verified", "local_cause")  # flags of images whose covered patch matters


@dataclass(frozen=True)
class Target:
    """One explained class of one image: the label's, or the prediction's."""

    label: str | None
    index: int  # of the class; TEXT: a caption is of none
    probability: float | None
    mass: float | None
    lift: float | None
    cam: bytes | None  # h·w grid values, row-major, scaled to the map's maximum = 255
    cam_status: str | None


@dataclass(frozen=True)
class SaidWord:
    """A noun of the model's caption."""

    word: str
    present: bool | None  # None: no object has a class
    mass: float | None  # on objects of its class
    cam: bytes | None  # as Target's


@dataclass(frozen=True)
class Case:
    """One image that the report shows. ``true`` is None where the image has no label."""

    index: int
    sample_id: str
    path: str | None
    galleries: tuple[str, ...]
    view: bytes  # WebP of the model's view; JPEG in runs of before
    covered: bytes | None  # the same with the suspect patch covered
    region: bytes | None  # PNG, one channel, 255 on the region, the size of the view's picture
    true: Target | None
    predicted: Target | None
    correct: bool | None
    area: float | None
    agreement: float | None  # of the two classes' maps
    flags: tuple[str, ...]
    reason: str
    severity: float
    patch: Patch | None  # what was covered, where that was found to matter
    slices: tuple[tuple[str, str], ...]  # name, value of the further columns that are tabled
    question: str | None = None
    words: tuple[SaidWord, ...] = ()  # in the order of the model's caption


@dataclass(frozen=True)
class RunFolder:
    """What a report reads of a run: plain values, None where the tables hold a null."""

    root: Path
    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]
    classes: tuple[Row, ...]
    slices: tuple[Row, ...]  # none where the dataset has no further column
    pairs: tuple[Row, ...]
    cases: tuple[Case, ...]
    cues: tuple[Cue, ...]
    swaps: tuple[Row, ...] = ()  # of the classes that a background decides, the strongest first
    questions: tuple[Row, ...] = ()  # by type; none where the dataset asks none
    nouns: tuple[Row, ...] = ()  # none where there are no captions


def read_run(run: Path) -> RunFolder:
    """Read the run folder ``run``: its JSON files, its class tables, and the cases in ``media``.

    Of ``images`` and ``cases`` only the rows of shown cases are kept, so that the memory needed
    follows the number of shown cases and not the size of the data set.

    Raises DataError where the folder is no run of this format, or a file, key, column or row that
    the report needs is missing.
    """
    if not local_only(run).is_dir():
        raise DataError(f"there is no run folder at {run}")
    manifest = _manifest(run / "manifest.json")
    summary = _object(run / "summary.json")
    _complete(summary, contract.SUMMARY, run / "summary.json")
    verdicts = summary.get("verdicts")  # runs of before have none
    if verdicts is not None:
        require(contract.VERDICTS, verdicts, f"{run / 'summary.json'}: verdicts", "key")
    slices = some(run / "slices.parquet", contract.SLICES)
    columns = contract.CLASSES + (contract.CLASS_VERDICTS if verdicts is not None else ())
    view = _pair("view", manifest["view"])
    return RunFolder(
        root=run,
        manifest=manifest,
        summary=summary,
        classes=_rows(run / "classes.parquet", columns),
        slices=slices,
        pairs=rows_of(read([run / "pairs.parquet"], contract.PAIRS)),
        cases=_read_cases(run, manifest, verdicts, slices),
        cues=read_cues(run, view),
        swaps=some(run / "swaps.parquet", contract.SWAPS),  # runs of before have none
        questions=some(run / "questions.parquet", contract.QUESTIONS),
        nouns=some(run / "nouns.parquet", contract.NOUNS),
    )


def _rows(path: Path, columns: Sequence[str]) -> tuple[Row, ...]:
    """A table with all its columns, since a policy may name any; ``columns`` must be."""
    table = read([path], None)
    require(columns, table.column_names, str(path), "column")
    return rows_of(table)


def _pair(name: str, found: object) -> tuple[int, int]:
    if not (isinstance(found, list) and len(found) == 2):  # noqa: PLR2004  (h and w)
        raise DataError(f"manifest.json: {name} is {found!r}, not [h, w]")
    return int(found[0]), int(found[1])


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
    require(tuple(sections), content, str(path), "key")
    for name, keys in sections.items():
        if keys and content[name] is not None:
            require(keys, content[name], f"{path}: {name}", "key")


def _read_cases(
    run: Path, manifest: Row, verdicts: Row | None, slices: Sequence[Row]
) -> tuple[Case, ...]:
    parts = parts_of(run / "media")
    if not parts:
        return ()  # a run that was asked to keep no case writes no media
    kept = ("covered",) if "covered" in columns_of(parts[0]) else ()  # runs of before have none
    media = read(parts, contract.MEDIA + kept)
    rows = pc.field("index").isin(media["index"].combine_chunks())
    height, width = _pair("model.grid", manifest["model"].get("grid"))
    images = _by_index(_images(run / "images", rows, height * width))
    found = _by_index(rows_of(read([run / "cases.parquet"], None, rows)))
    patches = _patches(run, manifest, verdicts, found)
    words = _words(run / "words", rows, height * width)
    known = {(row["slice"], row["value"]) for row in slices}
    cases = (
        _case(
            row,
            _row_of(row, images, "images"),
            _row_of(row, found, "cases.parquet"),
            patches.get(row["index"]),
            known,
        )
        for row in media.to_pylist()
    )
    return tuple(replace(case, words=words.get(case.index, ())) for case in cases)


def _patches(
    run: Path, manifest: Row, verdicts: Row | None, cases: Mapping[int, Row]
) -> dict[int, Patch]:
    if verdicts is None:
        return {}
    view = _pair("view", manifest["view"])
    causes = [index for index, row in cases.items() if any(row.get(name) for name in _CAUSES)]
    return read_patches(run, causes, view, verdicts["fill"])


def _by_index(rows: Sequence[Row]) -> dict[int, Row]:
    return {row["index"]: row for row in rows}


def _row_of(media: Row, rows: Mapping[int, Row], where: str) -> Row:
    try:
        return rows[media["index"]]
    except KeyError:
        raise DataError(
            f"media names image {media['index']}, which {where} has no row of"
        ) from None


def _images(folder: Path, wanted: pc.Expression, cells: int) -> tuple[Row, ...]:
    parts = parts_of(folder)
    if not parts:
        raise DataError(f"{folder} has no part-*.parquet: not a finished run folder")
    asked = ("question",) if "question" in columns_of(parts[0]) else ()  # runs of before: none
    table = read(parts, contract.IMAGES + asked, wanted)
    maps = {name: _maps(table[name], name, cells) for name in ("true_cam", "pred_cam")}
    rows = rows_of(table.drop_columns(list(maps)))
    return tuple(
        {**row, **{name: column[at] for name, column in maps.items()}}
        for at, row in enumerate(rows)
    )


def _words(folder: Path, wanted: pc.Expression, cells: int) -> dict[int, tuple[SaidWord, ...]]:
    """The nouns of the model's captions, by the index of their image."""
    parts = parts_of(folder)
    if not parts:
        return {}
    table = read(parts, contract.WORDS, wanted & (pc.field("caption") == "pred"))
    maps = _maps(table["cam"], "words: cam", cells)
    found: dict[int, list[tuple[int, SaidWord]]] = {}
    for row, cam in zip(rows_of(table.drop_columns(["cam"])), maps, strict=True):
        word = SaidWord(row["word"], row["present"], row["relevance_mass_accuracy"], cam)
        found.setdefault(row["index"], []).append((row["position"], word))
    return {
        index: tuple(word for _, word in sorted(words, key=lambda pair: pair[0]))
        for index, words in found.items()
    }


def _maps(column: pa.ChunkedArray, name: str, cells: int) -> list[bytes | None]:
    grids = [bytes(x.values.to_numpy()) if x.is_valid else None for x in column]
    for grid in grids:
        if grid is not None and len(grid) != cells:
            raise DataError(f"images: {name} has {len(grid)} cells; manifest.json says {cells}")
    return grids


def _case(
    media: Row,
    image: Row,
    found: Row,
    patch: Patch | None,
    slices: Set[tuple[str, str]],
) -> Case:
    require(contract.CASES, found, "cases.parquet", "column")
    return Case(
        index=media["index"],
        sample_id=image["sample_id"],
        path=image["path"],
        galleries=tuple(media["galleries"] or ()),
        view=media["view"],
        covered=media.get("covered"),
        region=media["region"],
        true=_target(image, "true"),
        predicted=_target(image, "pred"),
        correct=image["correct"],
        area=image["region_area_fraction"],
        agreement=image["cam_agreement"],
        flags=tuple(name for name, value in found.items() if value is True),
        reason=found["reason"] or "",
        severity=found["severity"] or 0.0,
        patch=patch,
        slices=tuple(pair for pair in image["slices"] or () if pair in slices),
        question=image.get("question"),
    )


def _target(image: Row, side: str) -> Target | None:
    index, label = image[f"{side}_class"], image[f"{side}_label"]
    if index is None and label is not None:
        index = TEXT
    elif index is None or index < 0:
        return None
    return Target(
        label=label,
        index=index,
        probability=image[f"{side}_probability"],
        mass=image[f"{side}_relevance_mass_accuracy"],
        lift=image[f"{side}_mass_lift"],
        cam=image[f"{side}_cam"],
        cam_status=image[f"{side}_cam_status"],
    )
