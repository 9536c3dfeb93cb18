"""``--dataset coco``: a COCO instances file, and the folder of its images.

Below the root, the file is one of ``annotations/instances_<split>.json`` (or ``…<split>2017.json``,
``…<split>2014.json``), ``<split>.json`` and ``<split>/_annotations.coco.json`` (Roboflow); the
images lie in ``<split>``, ``images/<split>`` (either with the year), ``images`` or the root itself.

An image's label is the class of its largest object that is no crowd; the other classes it shows are
its further ones.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from audit.data.decode import digest_of, one_line, read_file
from audit.errors import DataError
from audit.records import Listing, Reading
from audit.regions.files import no_file
from audit.regions.join import examples

__all__ = ["CocoFile", "CocoImage", "CocoSource", "finite_numbers", "is_id", "is_size", "read_coco"]

_MOST_PIXELS = 178_956_970  # of one image: Pillow's limit
_LARGEST = 2**30  # bytes of the file: parsed, it takes several times as much memory
_LISTS = ("images", "annotations", "categories")
_YEARS = ("", "2017", "2014")
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

        root = Path(data_root).expanduser()
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
        self._folder = _image_folder(root, split, names)
        shown = [self._annotations.areas(index) for index in range(len(names))]
        labels = [max(areas, key=areas.__getitem__, default=-1) for areas in shown]
        sizes = [_size(self._folder / name) for name in names]
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
            *_told("images without an object (a crowd is none), kept without label", names, labels),
            *_told("images whose file is missing", names, sizes),
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


def _told(what: str, names: Sequence[str], values: Sequence[int]) -> tuple[str, ...]:
    """A warning of the names whose value is -1, if there are any."""
    those = [name for name, value in zip(names, values, strict=True) if value < 0]
    return (f"{what}: {len(those)} ({examples(those)})",) if those else ()


def _size(file: Path) -> int:
    """Bytes; -1 where there is no such file."""
    try:
        return file.stat().st_size
    except OSError:
        return -1


def _instances(root: Path, split: str) -> Path:
    """The COCO file of ``split``."""
    if not root.is_dir():
        what = "is a file" if root.is_file() else "does not exist"
        raise DataError(f"{str(root)!r} {what}: --data-root must be the folder of a COCO dataset")
    wanted = [
        *(f"annotations/instances_{split}{year}.json" for year in _YEARS),
        f"{split}.json",
        f"{split}/{_ROBOFLOW}",
    ]
    for name in wanted:
        if (root / name).is_file():
            return root / name
    found = ", ".join(_splits(root))
    hint = f"choose --split from {found}" if found else "and there is none of another split"
    raise DataError(
        f"no COCO file of split {split!r} in {str(root)!r} (looked for {', '.join(wanted)}): {hint}"
    )


def _splits(root: Path) -> list[str]:
    """The splits that have a COCO file, by the patterns of ``_instances``."""
    files = root.glob("annotations/instances_*.json")
    named = [re.sub("(2017|2014)$", "", file.stem.removeprefix("instances_")) for file in files]
    loose = [file.stem for file in root.glob("*.json")]
    return sorted({*named, *loose, *(file.parent.name for file in root.glob(f"*/{_ROBOFLOW}"))})


def _image_folder(root: Path, split: str, names: Sequence[str]) -> Path:
    """The first folder that holds any of the images."""
    wanted = [f"{parent}{split}{year}" for year in _YEARS for parent in ("", "images/")]
    for name in (*wanted, "images", "."):
        folder = root / name
        if folder.is_dir() and any((folder / image).is_file() for image in names):
            return folder
    raise DataError(
        f"none of the {len(names)} images ({examples(names)}) is below {str(root)!r}: looked in "
        f"{', '.join(wanted)}, images and the folder itself"
    )


def read_coco(file: Path) -> CocoFile:
    """Read and check a COCO instances file; its annotations are checked with the dataset's images.

    Raises DataError: no such file, too large, no JSON, a list or key missing, an id twice.
    """
    file = Path(file)
    data = _bytes(file)
    held = _parsed(file, data)
    images = _images(file, held["images"])
    categories = _categories(file, held["categories"])
    info = held.get("info")
    source = info.get("region_source") if isinstance(info, dict) else None
    estimated = isinstance(source, str) and source.startswith("pseudo:")
    return CocoFile(
        file,
        digest_of(data),
        one_line(str(source)) if estimated else "annotation",
        images,
        categories,
        held["annotations"],
    )


def _bytes(file: Path) -> bytes:
    if not file.is_file():
        raise DataError(f"COCO file {str(file)!r} {no_file(file)}: an instances JSON is needed")
    try:
        size = file.stat().st_size
        if size > _LARGEST:
            raise DataError(
                f"COCO file {str(file)!r} has {size} bytes, the limit is {_LARGEST}: split it, or "
                "keep only the images and categories that are needed"
            )
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"COCO file {str(file)!r} cannot be read: {error.strerror}") from error


def _parsed(file: Path, data: bytes) -> dict[str, Any]:
    try:
        held = json.loads(data)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise DataError(f"{str(file)!r} is not JSON: {error.msg} at {where}") from error
    except (ValueError, RecursionError) as error:  # not text, a number too long, nested too deep
        raise DataError(f"{str(file)!r} is not JSON: {one_line(str(error))}") from error
    if not isinstance(held, dict):
        raise DataError(f"{str(file)!r} is not a COCO file: it holds a {type(held).__name__}")
    missing = [name for name in _LISTS if not isinstance(held.get(name), list)]
    if missing:
        present = ", ".join(map(reprlib.repr, held)) or "none"
        raise DataError(
            f"{str(file)!r} is not a COCO instances file: it lacks the lists {', '.join(missing)}; "
            f"its keys: {present}"
        )
    return held


def _images(file: Path, entries: list[Any]) -> tuple[CocoImage, ...]:
    rule = (
        "images need an id, a file_name and, where stated, a width and height (whole numbers, at "
        f"most {_MOST_PIXELS} pixels together)"
    )
    _refuse(file, rule, [entry for entry in entries if not _is_image(entry)])
    images = tuple(
        CocoImage(entry["id"], _posix(entry["file_name"]), _stated(entry)) for entry in entries
    )
    if not images:
        raise DataError(f"{str(file)!r} holds no images")
    _refuse(file, "image ids that occur twice", _twice(image.id for image in images))
    _refuse(file, "file names that occur twice", _twice(image.name for image in images))
    return images


def _categories(file: Path, entries: list[Any]) -> tuple[tuple[Any, str], ...]:
    bad = [one for one in entries if not (_has_id(one) and _is_text(one.get("name")))]
    _refuse(file, "categories need an id and a name", bad)
    _refuse(file, "category ids that occur twice", _twice(one["id"] for one in entries))
    pairs = [(one["id"], one["name"]) for one in entries]
    return tuple(sorted(pairs, key=lambda pair: (isinstance(pair[0], str), pair[0])))


def _refuse(file: Path, rule: str, bad: Sequence[object]) -> None:
    if bad:
        raise DataError(f"{str(file)!r}: {rule}: {len(bad)} ({examples(map(reprlib.repr, bad))})")


def _twice(keys: Iterable[Hashable]) -> list[Hashable]:
    return [key for key, count in Counter(keys).items() if count > 1]


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
