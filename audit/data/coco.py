"""``--dataset coco``: a COCO instances file, and the folder of its images.

Below the root, the file is one of ``annotations/instances_<split>.json`` (or ``…<split>2017.json``,
``…<split>2014.json``), ``<split>.json`` and ``<split>/_annotations.coco.json`` (Roboflow); the
images lie in ``<split>``, ``images/<split>`` (either with the year), ``images`` or the root itself.

An image's label is the class of its largest object that is no crowd; the other classes it shows are
its further ones.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from audit.data.coco_layout import (
    YEARS,
    data_folder,
    file_size,
    first_file,
    image_folder,
    told,
    without_year,
)
from audit.data.decode import one_line, read_file
from audit.data.json_file import Form, read_lists, refuse, twice
from audit.errors import DataError
from audit.records import Listing, Reading

__all__ = [
    "CocoFile",
    "CocoImage",
    "CocoSource",
    "checked_images",
    "finite_numbers",
    "is_id",
    "is_size",
    "read_coco",
]

_MOST_PIXELS = 178_956_970  # of one image: Pillow's limit
_FORM = Form("COCO", "instances", ("images", "annotations", "categories"))
_ROBOFLOW = "_annotations.coco.json"


@dataclass(frozen=True, slots=True)
class CocoImage:
    """An entry of ``images``: its file name with ``/``, its (height, width) where stated."""

    id: Hashable
    name: str
    size: tuple[int, int] | None


@dataclass(frozen=True)
class CocoFile:
    """A COCO file whose images and categories are checked; its annotations are as they came."""

    file: Path
    digest: str  # of the file's bytes
    source: str  # a row's region_source
    images: tuple[CocoImage, ...]
    categories: tuple[tuple[Any, str], ...]  # id and name, in the order of the ids
    annotations: list[Any]


class CocoSource:
    """The images that the COCO file of ``split`` below ``data_root`` names, in its order.

    Classes are the categories in the order of their ids. An image without an object (crowds are
    none) stays, without label. Raises DataError where there is no such file or folder, and for a
    file that ``read_coco`` or ``CocoAnnotations`` refuses.
    """

    def __init__(self, data_root: Path, split: str) -> None:
        from audit.regions.coco import CocoAnnotations  # noqa: PLC0415 - it reads by read_coco

        root = data_folder(data_root, "COCO")
        coco = read_coco(_instances(root, split))
        names = tuple(image.name for image in coco.images)
        unlabelled = Listing(
            classes=tuple(dict.fromkeys(name for _, name in coco.categories)),
            labels=np.full(len(names), -1, dtype=np.int64),
            paths=names,
            sizes=np.zeros(len(names), dtype=np.int64),
            annotations=coco.digest,
        )
        self._annotations = CocoAnnotations(coco, unlabelled)
        self._folder = image_folder(root, split, names)
        shown = [self._annotations.areas(index) for index in range(len(names))]
        labels = [max(areas, key=areas.__getitem__, default=-1) for areas in shown]
        sizes = [file_size(self._folder / name) for name in names]
        self._listing = replace(
            unlabelled,
            labels=np.array(labels, dtype=np.int64),
            sizes=np.array(sizes, dtype=np.int64).clip(0),
            present=tuple(
                tuple(sorted(set(areas) - {label}))
                for areas, label in zip(shown, labels, strict=True)
            ),
        )
        self.warnings = (
            *self._annotations.warnings,
            *told("images without an object (a crowd is none), kept without label", names, labels),
            *told("images whose file is missing", names, sizes),
        )

    @property
    def listing(self) -> Listing:
        """Paths are the file's names, relative to the folder of the images."""
        return self._listing

    def read(self, index: int) -> Reading:
        """Decode image ``index`` and give its objects; a bad file is a Reading without pixels."""
        name = (self._listing.paths or ())[index]
        reading = read_file(self._folder / name, name)
        if reading.pixels is None:
            return reading
        size = (reading.pixels.shape[0], reading.pixels.shape[1])
        return replace(reading, annotation=self._annotations.of(index, size, reading.orientation))

    def slices(self, index: int) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's shape
        """A COCO file holds no further attributes."""
        return {}


def _instances(root: Path, split: str) -> Path:
    """The COCO file of ``split``."""
    wanted = [
        *(f"annotations/instances_{split}{year}.json" for year in YEARS),
        f"{split}.json",
        f"{split}/{_ROBOFLOW}",
    ]
    return first_file(root, split, wanted, "COCO file", _splits(root))


def _splits(root: Path) -> list[str]:
    """The splits that have a COCO file, by the patterns of ``_instances``."""
    files = root.glob("annotations/instances_*.json")
    named = [without_year(file.stem.removeprefix("instances_")) for file in files]
    loose = [file.stem for file in root.glob("*.json")]
    return sorted({*named, *loose, *(file.parent.name for file in root.glob(f"*/{_ROBOFLOW}"))})


def read_coco(file: Path) -> CocoFile:
    """Read and check a COCO instances file; its annotations are checked with the dataset's images.

    Raises DataError: no such file, too large, no JSON, a list or key missing, an id twice.
    """
    file = Path(file)
    held, digest = read_lists(file, _FORM)
    images = checked_images(file, held["images"])
    categories = _categories(file, held["categories"])
    info = held.get("info")
    source = info.get("region_source") if isinstance(info, dict) else None
    estimated = isinstance(source, str) and source.startswith("pseudo:")
    return CocoFile(
        file,
        digest,
        one_line(str(source)) if estimated else "annotation",
        images,
        categories,
        held["annotations"],
    )


def checked_images(file: Path, entries: list[Any]) -> tuple[CocoImage, ...]:
    """The ``images`` of a COCO file; DataError for a bad entry, an id or a name twice, or none."""
    rule = (
        "images need an id, a file_name and, where stated, a width and height (whole numbers, at "
        f"most {_MOST_PIXELS} pixels together)"
    )
    refuse(file, rule, [entry for entry in entries if not _is_image(entry)])
    images = tuple(
        CocoImage(entry["id"], _posix(entry["file_name"]), _stated(entry)) for entry in entries
    )
    if not images:
        raise DataError(f"{str(file)!r} holds no images")
    refuse(file, "image ids that occur twice", twice(image.id for image in images))
    refuse(file, "file names that occur twice", twice(image.name for image in images))
    return images


def _categories(file: Path, entries: list[Any]) -> tuple[tuple[Any, str], ...]:
    bad = [one for one in entries if not (_has_id(one) and _is_text(one.get("name")))]
    refuse(file, "categories need an id and a name", bad)
    refuse(file, "category ids that occur twice", twice(one["id"] for one in entries))
    pairs = [(one["id"], one["name"]) for one in entries]
    return tuple(sorted(pairs, key=lambda pair: (isinstance(pair[0], str), pair[0])))


def is_id(value: object) -> bool:
    """Whether ``value`` can be an id: a number or a text."""
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _has_id(entry: object) -> bool:
    return isinstance(entry, dict) and is_id(entry.get("id"))


def _is_text(value: object) -> bool:
    """Tables refuse half a surrogate pair, file systems a null."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _is_image(entry: Any) -> bool:
    if not (_has_id(entry) and _is_text(entry.get("file_name"))):
        return False
    sides = (entry.get("height"), entry.get("width"))
    return sides == (None, None) or is_size(sides)


def is_size(sides: Sequence[object]) -> bool:
    """Whether ``sides`` are a height and a width, and no more pixels than can be read."""
    if len(sides) != 2 or any(type(side) is not int for side in sides):  # noqa: PLR2004
        return False
    height, width = (side for side in sides if isinstance(side, int))
    return min(height, width) > 0 and height * width <= _MOST_PIXELS


def _stated(entry: dict[str, Any]) -> tuple[int, int] | None:
    return None if entry.get("width") is None else (entry["height"], entry["width"])


def _posix(name: str) -> str:
    return str(PurePosixPath(name.replace("\\", "/")))


def finite_numbers(values: object) -> list[float] | None:
    """``values`` as floats; None where they are no list of finite numbers."""
    if not isinstance(values, list) or not set(map(type, values)) <= {int, float}:
        return None
    try:
        floats = [float(value) for value in values]
    except OverflowError:
        return None
    return floats if all(map(math.isfinite, floats)) else None
