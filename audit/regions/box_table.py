"""``--regions boxes:FILE.csv`` or ``.parquet``: a path and a box a row, its class beside.

- ``path``: the image's relative path, or its file name.
- ``x0, y0, x1, y1``: pixels of the upright image, half-open; all four empty: the image has no box.
- ``label`` (may be missing): a class name; a whole number is the index of a class, unless the
  dataset's classes are numbers themselves; empty: the image's own class.

Further columns are passed over, and named where there is no ``label``. Row numbers in errors count
the rows of data from 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from audit.data.decode import digest_of
from audit.data.table_file import BOX, check_boxes, floats, read_table
from audit.errors import DataError
from audit.records import UNCLASSED, AnnotatedObject, Annotation, Listing
from audit.regions.join import match_classes, match_images
from audit.regions.turn import settle
from audit.regions.voc import unmatched

__all__ = ["BoxTableAnnotations"]

_WHOLE = re.compile(r"[+-]?\d+(\.0*)?")


class BoxTableAnnotations:
    """The boxes of a table, by image; a box given twice counts once.

    Raises DataError for a table that breaks the rules above, with the row, and where none of its
    paths is an image of the dataset.
    """

    def __init__(self, file: Path, listing: Listing) -> None:
        columns = read_table(Path(file).expanduser(), ("path", *BOX)).columns
        try:
            names, name_of_row = _names(columns["path"])
            boxes, boxed = _boxes(columns)
            said = columns.get("label", [""] * len(boxes))
            labels, notes = _labels(said, listing.classes)
        except DataError as error:
            raise DataError(f"table {str(file)!r}: {error}") from error
        found = match_images(names, listing)
        image = found[name_of_row]
        rows = np.flatnonzero(boxed & (image >= 0))
        owned = np.column_stack([image[rows], boxes[rows], labels[rows]])
        kept = np.unique(owned, axis=0)
        self._starts = np.searchsorted(kept[:, 0], np.arange(len(listing) + 1))
        self._boxes, self._labels = kept[:, 1:5].copy(), kept[:, 5].astype(np.int64)
        self.digest = digest_of(*(part.tobytes() for part in (self._starts, kept)))
        twice = len(owned) - len(kept)
        repeated = (f"boxes given twice, merged: {twice}",) if twice else ()
        bare = _without_label(columns)
        self.warnings = (*unmatched(names, found, listing), *repeated, *bare, *notes)

    def of(self, index: int, size: tuple[int, int], orientation: int) -> Annotation:
        """The boxes of image ``index``, upright, ``size`` = (height, width) pixels."""
        rows = slice(self._starts[index], self._starts[index + 1])
        objects = [
            AnnotatedObject((x0, y0, x1, y1), None, label)
            for (x0, y0, x1, y1), label in zip(
                self._boxes[rows].tolist(), self._labels[rows].tolist(), strict=True
            )
        ]
        return settle(objects, None, size, orientation)


def _names(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The distinct paths in order of first mention, and the one of every row (int64[rows])."""
    order: dict[str, int] = {}
    name_of_row = np.empty(len(texts), dtype=np.int64)
    for row, text in enumerate(texts):
        if not text.strip():
            raise DataError(f"row {row + 1}: the path is empty")
        name = PurePosixPath(text.replace("\\", "/")).as_posix()
        name_of_row[row] = order.setdefault(name, len(order))
    return list(order), name_of_row


def _boxes(columns: dict[str, list[str]]) -> tuple[np.ndarray, np.ndarray]:
    """The box of every row (rows×4 float64), and whether it has one (bool[rows])."""
    boxes = np.column_stack([floats(columns[name], name) for name in BOX])
    boxed = ~np.isnan(boxes).all(axis=1)
    rows = np.flatnonzero(boxed)
    check_boxes(boxes[rows], rows + 1)
    return boxes, boxed


def _labels(texts: Sequence[str], classes: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The class of every row (int64[rows]: an index, UNCLASSED or OTHER), and notes on them."""
    stripped = [text.strip() for text in texts]
    stripped = ["" if text.lower() == "nan" else text for text in stripped]
    first: dict[str, int] = {}
    for row, text in enumerate(stripped):
        first.setdefault(text, row + 1)
    said = sorted(text for text in first if text)
    if not said:
        return np.full(len(texts), UNCLASSED), ()
    notes: tuple[str, ...] = ()
    if not _all_whole(said):
        found, notes = match_classes(said, classes)
    elif _all_whole(classes):
        found, notes = match_classes(_plain(said), _plain(classes))
    else:
        found = [_index(text, first[text], len(classes)) for text in said]
    code = {"": UNCLASSED, **dict(zip(said, found, strict=True))}
    return np.array([code[text] for text in stripped], dtype=np.int64), notes


def _without_label(columns: dict[str, list[str]]) -> tuple[str, ...]:
    """A label under another name would be lost without a word."""
    others = [name for name in columns if name not in ("path", *BOX)]
    if "label" in columns or not others:
        return ()
    return (
        "no column 'label': every box counts as the image's own class; columns passed over: "
        f"{', '.join(map(repr, others))}",
    )


def _all_whole(names: Sequence[str]) -> bool:
    return all(_WHOLE.fullmatch(name) for name in names)


def _plain(names: Sequence[str]) -> list[str]:
    """Whole numbers without leading or decimal zeros: 7 for 07 and for 7.0."""
    return [str(int(name.partition(".")[0])) for name in names]


def _index(text: str, row: int, n_classes: int) -> int:
    index = int(text.partition(".")[0])
    if 0 <= index < n_classes:
        return index
    raise DataError(
        f"row {row}: the label {text} is out of range: a class index is 0 to {n_classes - 1}; "
        "use names, or leave the cell empty for the image's own class"
    )
