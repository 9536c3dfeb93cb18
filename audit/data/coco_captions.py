"""``--dataset coco-captions``: images with captions in COCO's layout.

Below the root, ``annotations/captions_<split>.json`` (or ``…<split>2017.json``,
``…<split>2014.json``) holds the captions, and ``annotations/instances_…`` of the same subset, where
it is there, the objects; the images lie where those of ``--dataset coco`` do. An image's reference
is its caption of the lowest annotation id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from audit.data.coco import CocoImage, checked_images, is_id, read_coco
from audit.data.coco_layout import (
    YEARS,
    data_folder,
    file_size,
    first_file,
    image_folder,
    told,
    without_year,
)
from audit.data.decode import read_file
from audit.data.json_file import Form, plain_text, read_lists, refuse, twice
from audit.data.scenes import CaptionsSpec, prepare_captions
from audit.data.splits import check_split
from audit.records import UNCLASSED, AnnotatedObject, Listing, Reading
from audit.regions.coco import CocoAnnotations
from audit.regions.join import refuse_outside

__all__ = ["CaptionsSource", "open_decoy_captions"]

_FORM = Form("COCO", "captions", ("images", "annotations"))
_CAPTIONS, _INSTANCES = "annotations/captions_", "annotations/instances_"


class CaptionsSource:
    """The images that the captions file of ``split`` below ``data_root`` names, in its order.

    No image has a label; classes are the categories of the objects, none without a file of them.
    Raises DataError where there is no such file or folder, and for files that cannot be used.
    """

    def __init__(self, data_root: Path, split: str) -> None:
        root = data_folder(data_root, "COCO captions")
        wanted = [f"{_CAPTIONS}{split}{year}.json" for year in YEARS]
        file = first_file(root, split, wanted, "COCO captions file", _splits(root))
        held, _ = read_lists(file, _FORM)
        images = checked_images(file, held["images"])
        captions = _references(file, held["annotations"], images)
        names = tuple(image.name for image in images)
        refuse_outside(names)
        self._folder = image_folder(root, split, names)
        sizes = [file_size(self._folder / name) for name in names]
        listing = Listing(
            classes=(),
            labels=np.full(len(names), -1, dtype=np.int64),
            paths=names,
            sizes=np.array(sizes, dtype=np.int64).clip(0),
            texts=tuple({} if one is None else {"caption": one} for one in captions),
        )
        instances = root / file.name.replace("captions_", _INSTANCES, 1)
        self._listing, self._objects = _with_objects(listing, instances)
        bare = [-1 if one is None else 0 for one in captions]
        self.warnings = (
            *told("images without a caption", names, bare),
            *told("images whose file is missing", names, sizes),
            *(() if self._objects is None else self._objects.warnings),
        )

    @property
    def listing(self) -> Listing:
        """Paths are the file's names, relative to the folder of the images."""
        return self._listing

    def read(self, index: int) -> Reading:
        """Decode image ``index`` and give its objects; a bad file is a Reading without pixels.

        Every object is there twice: as one of its class, and UNCLASSED, all of which are together
        what the caption is about. A crowd is there once, to be ignored.
        """
        name = (self._listing.paths or ())[index]
        reading = read_file(self._folder / name, name)
        if reading.pixels is None or self._objects is None:
            return reading
        size = (reading.pixels.shape[0], reading.pixels.shape[1])
        found = self._objects.of(index, size, reading.orientation)
        return replace(reading, annotation=replace(found, objects=_twice(found.objects)))

    def slices(self, index: int) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's shape
        """A captions file holds no further attributes."""
        return {}


def open_decoy_captions(data_root: Path, split: str) -> CaptionsSource:
    """The built-in drawn captions' ``split``, made below ``data_root`` on first use."""
    check_split(CaptionsSpec.name, split, CaptionsSpec.splits)
    return CaptionsSource(prepare_captions(data_root.expanduser()), split)


def _splits(root: Path) -> list[str]:
    """The splits that have a captions file."""
    files = root.glob(f"{_CAPTIONS}*.json")
    return sorted({without_year(file.stem.removeprefix("captions_")) for file in files})


def _references(file: Path, entries: list[Any], images: Sequence[CocoImage]) -> list[str | None]:
    """The reference caption of each image; None where it has none. Raises DataError."""
    rule = "captions need an id, an image_id and a caption (a text without control characters)"
    refuse(file, rule, [one for one in entries if not _is_caption(one)])
    refuse(file, "caption ids that occur twice", twice(one["id"] for one in entries))
    place = {image.id: i for i, image in enumerate(images)}
    strange = [one for one in entries if one["image_id"] not in place]
    refuse(file, "captions of images that the file lacks", strange)
    captions: list[str | None] = [None] * len(images)
    by_id = sorted(entries, key=lambda one: (isinstance(one["id"], str), one["id"]), reverse=True)
    for one in by_id:
        captions[place[one["image_id"]]] = plain_text(one["caption"])
    return captions


def _is_caption(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and is_id(entry.get("id"))
        and is_id(entry.get("image_id"))
        and plain_text(entry.get("caption")) is not None
    )


def _with_objects(listing: Listing, instances: Path) -> tuple[Listing, CocoAnnotations | None]:
    """The listing with the categories as classes, and the objects, where a file has them."""
    if not instances.is_file():
        return listing, None
    coco = read_coco(instances)
    names = tuple(dict.fromkeys(name for _, name in coco.categories))
    listing = replace(listing, classes=names, annotations=coco.digest)
    return listing, CocoAnnotations(coco, listing)


def _twice(objects: Sequence[AnnotatedObject]) -> tuple[AnnotatedObject, ...]:
    """What is not ignored once without its class and once with it."""
    unclassed = [replace(one, label=UNCLASSED) for one in objects if not one.ignore]
    return (*unclassed, *objects)
