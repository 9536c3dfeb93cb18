"""``--dataset voc``: a Pascal VOC folder (``VOCdevkit/VOC2012``) as classified photos.

An image's label is the class of its largest object that is not ``difficult``, of its largest one
where all are; the other classes that it shows are kept beside. Classes are VOC's 20 where no other
name occurs, else the names that do, sorted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from audit.data.decode import read_file
from audit.errors import DataError, nearest
from audit.models.output_names import folded
from audit.records import Listing, Reading
from audit.regions.join import examples
from audit.regions.voc import VocFiles, VocObject

__all__ = ["VOC_CLASSES", "VocSource"]

#: Pascal VOC's classes in its own order; value v of its masks is class v - 1 here.
VOC_CLASSES = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)

_SPLITS = Path("ImageSets", "Main")
_IMAGES, _FILES = "JPEGImages", "Annotations"
_GET = (
    "VOC is fetched by torchvision.datasets.VOCDetection(root, year='2012', image_set='val', "
    "download=True)"
)


class VocSource:
    """The images of ``ImageSets/Main/<split>.txt``, in its order.

    ``data_root`` is a VOC folder, or holds ``VOC*`` or ``VOCdevkit/VOC*``, of which the last by
    name that has the split is taken. A missing image stays a row that cannot be read; one without
    XML, or whose XML cannot be used, has no label. Raises DataError where there is no such folder,
    split or image, or no usable XML.
    """

    def __init__(self, data_root: Path, split: str) -> None:
        self.root, notes = _folder_of(Path(data_root).expanduser(), split)
        names, twice = _names(self.root / _SPLITS / f"{split}.txt")
        sizes = np.array([_size(self.root / _IMAGES / f"{name}.jpg") for name in names])
        if (sizes < 0).all():
            raise DataError(
                f"none of the {len(names)} images of split {split!r} exists, the first being "
                f"{f'{names[0]}.jpg'!r}: looked in {str(self.root / _IMAGES)!r}"
            )
        has_file = [_size(self.root / _FILES / f"{name}.xml") >= 0 for name in names]
        files = {i: f"{name}.xml" for i, name in enumerate(names) if has_file[i]}
        self._files = VocFiles(self.root / _FILES, files)
        classes, self._labels = _classes(self._files.categories)
        self._listing = _listing(names, sizes, self._files, classes, self._labels)
        missing = [name for name, size in zip(names, sizes, strict=True) if size < 0]
        bare = [name for name, there in zip(names, has_file, strict=True) if not there]
        self.warnings = (
            *notes,
            *_said("names given twice in the split, merged", twice),
            *_said("images that do not exist", missing),
            *_said("images without an XML file, which have no label", bare),
            *self._files.warnings,
        )

    @property
    def listing(self) -> Listing:
        """Paths are relative to the VOC folder: ``JPEGImages/<name>.jpg``."""
        return self._listing

    def read(self, index: int) -> Reading:
        """Decode image ``index`` and give its objects."""
        path = (self._listing.paths or ())[index]
        reading = read_file(self.root / path, path)
        if reading.pixels is None:
            return reading
        height, width = reading.pixels.shape[:2]
        found = self._files.of(index, self._labels, (height, width), reading.orientation)
        return replace(reading, annotation=found)

    def slices(self, index: int) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's shape
        """The images have no further attributes."""
        return {}


def _folder_of(root: Path, split: str) -> tuple[Path, tuple[str, ...]]:
    """The VOC folder that holds ``split``, and a note where several do."""
    inside = [*root.glob("VOC*"), *root.glob("VOCdevkit/VOC*")]
    folders = [one for one in (root, *sorted(inside, key=_by_name)) if (one / _SPLITS).is_dir()]
    if not folders:
        raise DataError(
            f"no VOC folder at {str(root)!r} (--data-root): expected {_SPLITS}, {_IMAGES} and "
            f"{_FILES} in it or in VOCdevkit/VOC<year> below it; {_GET}"
        )
    having = [one for one in folders if split in _splits(one)]
    if not having:
        known = {name: None for one in folders for name in _splits(one) if _of_all_classes(name)}
        where = ", ".join(repr(str(one / _SPLITS)) for one in folders)
        raise DataError(f"no split {split!r} in {where}: {nearest(split, sorted(known))}; {_GET}")
    taken = root if root in having else having[-1]
    for name in (_IMAGES, _FILES):
        if not (taken / name).is_dir():
            raise DataError(f"VOC folder {str(taken)!r} has no folder {name}; {_GET}")
    if taken == root or len(having) == 1:
        return taken, ()
    others = ", ".join(str(one.relative_to(root)) for one in having[:-1])
    return taken, (f"split {split!r} of {taken.relative_to(root)} taken; {others} has it too",)


def _by_name(folder: Path) -> tuple[str, str]:
    return folder.name, str(folder)


def _splits(folder: Path) -> list[str]:
    return sorted(file.stem for file in (folder / _SPLITS).glob("*.txt") if file.is_file())


def _of_all_classes(split: str) -> bool:
    """VOC has a list for each class beside each split: ``cat_val``."""
    name, _, rest = split.partition("_")
    return not (rest and name in VOC_CLASSES)


def _names(file: Path) -> tuple[list[str], list[str]]:
    """The image names of a split in order, each once, and those that it gives again."""
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"split file {str(file)!r} cannot be read: {error}") from error
    names: dict[str, None] = {}
    twice: list[str] = []
    for number, line in enumerate(lines, start=1):
        name = line.strip()
        if name in {".", ".."} or any(sign in name for sign in "/\\\0"):
            raise DataError(
                f"split file {str(file)!r}, line {number}: {name!r} is no image name: expected "
                "the name of a file in JPEGImages without folder and type"
            )
        if name in names:
            twice.append(name)
        elif name:
            names[name] = None
    if not names:
        raise DataError(f"split file {str(file)!r} names no image")
    return list(names), twice


def _size(path: Path) -> int:
    """Bytes, -1 where there is no such file."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 - a name may be too long for the file system
    except OSError:
        return -1


def _classes(found: Sequence[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The class names, and the class of each name that occurs."""
    voc = {folded(name): i for i, name in enumerate(VOC_CLASSES)}
    if all(folded(name) in voc for name in found):
        return VOC_CLASSES, {name: voc[folded(name)] for name in found}
    return tuple(found), {name: i for i, name in enumerate(found)}


def _listing(
    names: Sequence[str],
    sizes: np.ndarray,
    files: VocFiles,
    classes: tuple[str, ...],
    labels: Mapping[str, int],
) -> Listing:
    objects = [files.objects(index) for index in range(len(names))]
    label = [_label(found, labels) for found in objects]
    shown = [{labels[one.name] for one in found if one.name} for found in objects]
    return Listing(
        classes=classes,
        labels=np.array(label, dtype=np.int64),
        paths=tuple(f"{_IMAGES}/{name}.jpg" for name in names),
        sizes=sizes.clip(0).astype(np.int64),
        annotations=files.digest,
        present=tuple(tuple(sorted(seen - {own})) for seen, own in zip(shown, label, strict=True)),
    )


def _label(objects: Sequence[VocObject], labels: Mapping[str, int]) -> int:
    """The class of the largest object, one that is not difficult before any that is; -1: none."""
    named = [one for one in objects if one.name]
    if not named:
        return -1
    largest = max(named, key=lambda one: (not one.difficult, _area(one)))
    return labels[largest.name]


def _area(one: VocObject) -> float:
    x0, y0, x1, y1 = one.box
    return (x1 - x0) * (y1 - y0)


def _said(what: str, names: Sequence[str]) -> tuple[str, ...]:
    return (f"{what}: {len(names)} ({examples(names)})",) if names else ()
