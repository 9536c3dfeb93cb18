"""``--dataset table:FILE.csv`` or ``.parquet``: a path and a label a row, boxes and slices beside.

- ``path``: relative to ``--data-root`` where any of the files lies there, else to the table's own
  folder; absolute paths stand as they are. One path is one image, however many rows name it.
- ``label``: a class name, or a whole number from 0 (classes are then named "0" to "K-1"); empty or
  NaN: no label. A CSV cannot tell the name 7 from the number 7, so it may not mix both; a Parquet
  column of strings may.
- ``x0, y0, x1, y1``: a box in pixels of the upright image, half-open; several rows of one path are
  several boxes. All four empty: no box.
- any further column is an attribute to group by, kept as text; where the rows of one image differ
  in it, their values are joined by " | ".

Row numbers in errors count the rows of data from 1.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np

from audit.data.decode import digest_of, read_file
from audit.data.table_file import BOX, check_boxes, floats, read_table
from audit.errors import DataError
from audit.records import Annotation, Listing, Reading
from audit.regions.boxes import objects_of

__all__ = ["TableSource"]

_Columns = dict[str, list[str]]

_NEEDED = ("path", "label")
_MAX_CLASSES = 100_000  # more than any label set; a larger number is an identifier
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class TableSource:
    """Images that a table names, in the order in which it first names them.

    ``warnings`` says what was merged, left out or is missing. Rows that name a path again are
    merged, not counted twice; a missing file stays a row that cannot be read. Raises DataError for
    a table that breaks the rules above, with the row; and where not one of the files exists.
    """

    def __init__(self, file: Path, data_root: Path | None = None) -> None:
        file = Path(file).expanduser()
        table = read_table(file, _NEEDED, BOX)
        columns = table.columns
        folders = (
            [file.parent] if data_root is None else [Path(data_root).expanduser(), file.parent]
        )
        self._base = _base(columns["path"], [str(folder.absolute()) for folder in folders])
        paths, image_of_row = _images(columns["path"], self._base)
        classes, labels = _labels(columns["label"], "label" in table.strings)
        _check_agreement(labels, image_of_row, paths, classes)
        self._boxes, self._starts, twice = _boxes(columns, image_of_row, len(paths))
        self._slices = _slices(columns, image_of_row, len(paths))
        sizes = np.array([_size(self._base, path) for path in paths], dtype=np.int64)
        missing = [paths[i] for i in np.flatnonzero(sizes < 0)]
        repeats = 0 if BOX[0] in columns else len(image_of_row) - len(paths)
        self.warnings = _warnings(table.left_out, repeats, twice, missing)
        self._listing = Listing(
            classes=classes,
            labels=labels[np.unique(image_of_row, return_index=True)[1]],
            paths=paths,
            sizes=sizes.clip(0),
            annotations=digest_of(self._starts.tobytes(), self._boxes.tobytes())
            if len(self._boxes)
            else "",
        )

    @property
    def listing(self) -> Listing:
        """Paths as the table writes them, relative to the base folder where they lie below it."""
        return self._listing

    def read(self, index: int) -> Reading:
        """Decode image ``index`` and give its boxes."""
        paths = self._listing.paths or ()
        reading = read_file(Path(self._base, paths[index]), paths[index])
        boxes = self._boxes[self._starts[index] : self._starts[index + 1]]
        return replace(reading, annotation=Annotation(objects_of(boxes)))

    def slices(self, index: int) -> Mapping[str, str]:
        """The further columns of image ``index`` that are not empty."""
        return {name: values[index] for name, values in self._slices.items() if values[index]}


def _base(texts: list[str], folders: list[str]) -> str:
    """The first folder that holds any of the files: with none of them there is nothing to audit."""
    for folder in folders:
        if any(text and _size(folder, text) >= 0 for text in texts):
            return folder
    raise DataError(
        f"none of the table's files exists, the first being {texts[0]!r}: looked below "
        f"{' and '.join(map(repr, folders))} (--data-root, else the table's own folder)"
    )


def _images(texts: list[str], base: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The distinct paths in order of first mention, and the image of every row (int64[rows])."""
    order: dict[str, int] = {}
    image_of_row = np.empty(len(texts), dtype=np.int64)
    for row, text in enumerate(texts):
        if not text:
            raise DataError(f"row {row + 1}: the path is empty")
        path = PurePath(text).as_posix().removeprefix(f"{base}/")
        image_of_row[row] = order.setdefault(path, len(order))
    return tuple(order), image_of_row


def _labels(texts: list[str], named: bool) -> tuple[tuple[str, ...], np.ndarray]:
    """Class names and the label of every row (int64[rows], -1: none)."""
    stripped = [text.strip() for text in texts]
    first: dict[str, int] = {}
    for row, text in enumerate(stripped):
        first.setdefault(text, row + 1)
    values = [text for text in first if text and text.lower() != "nan"]
    numbers = all(_WHOLE.fullmatch(value) for value in values)
    if not (numbers or named):
        _check_names(values, first)
    code = _indices(values, first) if numbers else {v: i for i, v in enumerate(sorted(values))}
    names = map(str, range(max(code.values(), default=-1) + 1)) if numbers else sorted(values)
    labels = np.array([code.get(text, -1) for text in stripped], dtype=np.int64)
    return tuple(names), labels


def _check_names(values: list[str], first: dict[str, int]) -> None:
    """A CSV's labels are all names or all whole numbers."""
    names = [value for value in values if not _NUMBER.fullmatch(value)]
    whole = [value for value in values if _WHOLE.fullmatch(value)]
    if len(names) + len(whole) < len(values):
        known = {*names, *whole}
        odd = next(value for value in values if value not in known)
        raise DataError(
            f"row {first[odd]}: the label {odd!r} is no class: expected a name or a whole number"
        )
    if names and whole:
        raise DataError(
            f"row {first[names[0]]}: the label {names[0]!r} is a name, but {whole[0]!r} in row "
            f"{first[whole[0]]} is a number: use either throughout, or a Parquet file whose label "
            "column holds strings"
        )


def _indices(values: list[str], first: dict[str, int]) -> dict[str, int]:
    code = {value: int(value.partition(".")[0]) for value in values}
    for value, index in code.items():
        if not 0 <= index < _MAX_CLASSES:
            raise DataError(
                f"row {first[value]}: the label {value} is out of range: a class index is 0 to "
                f"{_MAX_CLASSES - 1}; leave the cell empty where there is no label"
            )
    return code


def _check_agreement(
    labels: np.ndarray, image_of_row: np.ndarray, paths: tuple[str, ...], classes: tuple[str, ...]
) -> None:
    """Rows that name the same image give it the same label."""
    _, first_row = np.unique(image_of_row, return_index=True)
    other = np.flatnonzero(labels != labels[first_row][image_of_row])
    if not len(other):
        return
    row, image = int(other[0]), int(image_of_row[other[0]])
    said = [
        repr(classes[label]) if label >= 0 else "no label"
        for label in (labels[first_row[image]], labels[row])
    ]
    raise DataError(
        f"rows {first_row[image] + 1} and {row + 1} give {paths[image]!r} two labels, "
        f"{said[0]} and {said[1]}: an image has one"
    )


def _boxes(
    columns: _Columns, image_of_row: np.ndarray, n_images: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Boxes sorted by image (M×4 float64), where each image's begin (N+1), how many were double."""
    if BOX[0] not in columns:
        return np.empty((0, 4)), np.zeros(n_images + 1, dtype=np.int64), 0
    boxes = np.column_stack([floats(columns[name], name) for name in BOX])
    rows = np.flatnonzero(~np.isnan(boxes).all(axis=1))
    check_boxes(boxes[rows], rows + 1)
    owned = np.column_stack([image_of_row[rows], boxes[rows]])
    kept = np.unique(owned, axis=0)
    starts = np.searchsorted(kept[:, 0], np.arange(n_images + 1))
    return np.ascontiguousarray(kept[:, 1:]), starts, len(owned) - len(kept)


def _slices(columns: _Columns, image_of_row: np.ndarray, n_images: int) -> _Columns:
    names = [name for name in columns if name not in (*_NEEDED, *BOX)]
    if len(image_of_row) == n_images:
        return {name: columns[name] for name in names}
    return {name: _joined(columns[name], image_of_row, n_images) for name in names}


def _joined(values: list[str], image_of_row: np.ndarray, n_images: int) -> list[str]:
    several: list[dict[str, None]] = [{} for _ in range(n_images)]
    for image, value in zip(image_of_row.tolist(), values, strict=True):
        if value:
            several[image][value] = None
    return [sys.intern(" | ".join(distinct)) for distinct in several]


def _size(base: str, path: str) -> int:
    """Bytes, -1 where there is no such file. Not through Path: there may be a million of them."""
    try:
        return os.stat(os.path.join(base, path)).st_size  # noqa: PTH116, PTH118
    except (OSError, ValueError):
        return -1


def _warnings(left_out: list[str], repeats: int, twice: int, missing: list[str]) -> tuple[str, ...]:
    example = repr(missing[0]) if missing else ""
    said = {
        f"columns without a text form, left out: {', '.join(left_out)}": len(left_out),
        f"rows that repeat a path, merged: {repeats}": repeats,
        f"boxes given twice, merged: {twice}": twice,
        f"files that do not exist: {len(missing)} (first: {example})": len(missing),
    }
    return tuple(text for text, count in said.items() if count)
