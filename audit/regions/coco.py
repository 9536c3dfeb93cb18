"""COCO instances JSON: boxes, polygons and run-length masks of a dataset's images.

The file is untrusted: everything is checked before it is used. Masks are drawn when an image is
asked for, not before.
"""

from __future__ import annotations

import reprlib
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audit.data.coco import CocoFile, finite_numbers, is_id, read_coco
from audit.errors import DataError
from audit.records import OTHER, UNCLASSED, AnnotatedObject, Annotation, Listing
from audit.regions.boxes import outside
from audit.regions.coco_shapes import Shape, Unusable, shape_of
from audit.regions.join import examples, image_names, match_classes, match_images
from audit.regions.turn import settle

__all__ = ["CocoAnnotations"]

_MOST_MASKS = 2**31  # pixels of all masks of one image together

_Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Object:
    id: Hashable  # None where it has none
    label: int
    ignore: bool
    box: _Box | None
    shape: Shape | None
    area: float  # square pixels


class CocoAnnotations:
    """The objects that a COCO instances file holds of a dataset's images.

    ``file`` may be one that ``read_coco`` has read. Raises DataError for a file that is no COCO
    file, whose images are none of the dataset's or whose annotations cannot be used, not one.
    """

    def __init__(self, file: Path | CocoFile, listing: Listing) -> None:
        coco = file if isinstance(file, CocoFile) else read_coco(file)
        if not coco.annotations:
            raise DataError(f"{str(coco.file)!r} holds no annotations")
        self._digest = coco.digest
        self._source = coco.source
        found = match_images([image.name for image in coco.images], listing).tolist()
        labels, notes = match_classes([name for _, name in coco.categories], listing.classes)
        index = {image.id: i for image, i in zip(coco.images, found, strict=True)}
        label = {key: i for (key, _), i in zip(coco.categories, labels, strict=True)}
        self._sizes = {i: image.size for image, i in zip(coco.images, found, strict=True) if i >= 0}
        left_out: dict[str, list[str]] = defaultdict(list)
        self._objects = _by_image(coco.annotations, index, label, self._sizes, left_out)
        told = [f"{rule}: {len(them)} ({examples(them)})" for rule, them in left_out.items()]
        if not self._objects:
            why = "; ".join(told) or "none is of an image of the dataset"
            raise DataError(
                f"{str(coco.file)!r}: none of its {len(coco.annotations)} annotations can be "
                f"used: {why}"
            )
        _refuse_fractions(coco.file, self._objects)
        self._warnings = (*notes, *told, *_missing(coco, found, listing, self._objects))

    @property
    def digest(self) -> str:
        """Hash of the file's bytes."""
        return self._digest

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was left out, what is missing, and which categories are no classes."""
        return self._warnings

    def areas(self, index: int) -> dict[int, float]:
        """Area in square pixels of the largest object of each class that image ``index`` shows.

        In the order of the file; by ``area`` where given, else that of the box, else that of the
        mask. Crowds do not count.
        """
        largest: dict[int, float] = {}
        for one in self._objects.get(index, ()):
            if not one.ignore:
                largest[one.label] = max(one.area, largest.get(one.label, 0.0))
        return largest

    def of(
        self,
        index: int,
        size: tuple[int, int],
        orientation: int,
        rests_on: Collection[Hashable] | None = None,
    ) -> Annotation:
        """What is annotated in image ``index``, upright, ``size`` = (height, width) pixels.

        A segmentation that cannot be drawn is replaced by the object's box, and the note says so.
        ``rests_on`` are ids of annotations: those are then the labelled object (UNCLASSED), and
        all others are OTHER.
        """
        held, stated = self._objects.get(index), self._sizes.get(index)
        if held is None:
            return Annotation(source=self._source)
        if rests_on is not None:
            held = [replace(one, label=UNCLASSED if one.id in rests_on else OTHER) for one in held]
        frame = stated or size
        n_masks = sum(one.shape is not None for one in held)
        if n_masks * frame[0] * frame[1] > _MOST_MASKS:
            what = f"{n_masks} masks of {frame[1]}×{frame[0]} pixels, the limit is {_MOST_MASKS}"
            return Annotation(source=self._source, note=f"annotations not used: {what} together")
        bad: list[str] = []
        objects = [_drawn(one, frame, bad) for one in held]
        usable = [one for one in objects if one.mask is not None or one.box is not None]
        found = settle(usable, stated, size, orientation)
        told = f"segmentations not used, the box instead where given: {len(bad)} ({examples(bad)})"
        note = "; ".join(part for part in (told if bad else "", found.note) if part)
        return replace(found, source=self._source, note=note)


def _by_image(
    annotations: Iterable[Any],
    index: Mapping[Hashable, int],
    label: Mapping[Hashable, int],
    sizes: Mapping[int, tuple[int, int] | None],
    told: dict[str, list[str]],
) -> dict[int, list[_Object]]:
    """The usable objects of the dataset's images; what is not is noted in ``told`` by its rule.

    ``index`` is the dataset's image (-1: none) of an image's id, ``label`` the class of a
    category's id, ``sizes`` the stated size of a dataset's image.
    """
    objects: dict[int, list[_Object]] = defaultdict(list)
    for place, entry in enumerate(annotations):
        name = _name(entry, place)
        try:
            image = index[_key(entry, "image_id", index)]
            category = label[_key(entry, "category_id", label)]
            if image >= 0:
                objects[image].append(_object(entry, category, sizes[image], name, told))
        except Unusable as error:
            told[f"annotations left out, {error.rule}"].append(f"{name}: {error.found}")
    return {image: those for image, those in objects.items() if those}


def _name(entry: object, place: int) -> str:
    if isinstance(entry, dict) and is_id(entry.get("id")):
        return f"id {reprlib.repr(entry['id'])}"
    return f"number {place + 1} of the list"


def _key(entry: object, name: str, known: Mapping[Hashable, int]) -> Hashable:
    if not isinstance(entry, dict):
        raise Unusable("not a JSON object", entry)
    key = entry.get(name)
    if not is_id(key) or key not in known:
        raise Unusable(f"{name} unknown", key)
    return key


def _object(
    entry: Mapping[str, Any],
    label: int,
    size: tuple[int, int] | None,
    name: str,
    told: dict[str, list[str]],
) -> _Object:
    crowd = entry.get("iscrowd") or 0
    if crowd not in (0, 1):
        raise Unusable("iscrowd neither 0 nor 1", crowd)
    box = _box(entry.get("bbox"))
    try:
        shape = shape_of(entry.get("segmentation"), size)
    except Unusable as error:
        if box is None:
            raise
        told[f"segmentations not used, the box instead, {error.rule}"].append(
            f"{name}: {error.found}"
        )
        shape = None
    if box is None and shape is None:
        raise Unusable("neither bbox nor segmentation", sorted(entry))
    if box is not None and shape is None and outside(box, size):
        told["boxes outside their image"].append(f"{name}: {reprlib.repr(entry['bbox'])}")
    key = entry.get("id")
    area = _area(entry.get("area"), box, shape)
    return _Object(key if is_id(key) else None, label, crowd == 1, box, shape, area)


def _area(stated: object, box: _Box | None, shape: Shape | None) -> float:
    """Square pixels: as stated, else of the box, else of the shape."""
    numbers = finite_numbers([stated])
    if numbers and numbers[0] > 0:
        return numbers[0]
    if box is not None:
        return (box[2] - box[0]) * (box[3] - box[1])
    return shape.area() if shape is not None else 0.0


def _box(found: object) -> _Box | None:
    """COCO's x, y, width, height as half-open corners."""
    if found is None or found == []:
        return None
    numbers = finite_numbers(found)
    if numbers is None or len(numbers) != 4:  # noqa: PLR2004
        raise Unusable("bbox not four finite numbers", found)
    x, y, width, height = numbers
    if width <= 0 or height <= 0:
        raise Unusable("bbox without area", found)
    return x, y, x + width, y + height


def _drawn(one: _Object, frame: tuple[int, int], bad: list[str]) -> AnnotatedObject:
    mask = None
    if one.shape is not None:
        try:
            mask = one.shape.drawn(frame)
        except Unusable as error:
            bad.append(f"{error.rule}: {error.found}")
    return AnnotatedObject(one.box, mask, one.label, one.ignore)


def _refuse_fractions(file: Path, objects: Mapping[int, Sequence[_Object]]) -> None:
    """Boxes in fractions of the image would all lie in its first pixel."""
    if all(
        one.shape is None and one.box is not None and max(one.box) <= 1
        for those in objects.values()
        for one in those
    ):
        raise DataError(
            f"{str(file)!r}: no box reaches beyond 1: these look like fractions of the image; "
            "multiply them by its width and height"
        )


def _missing(
    coco: CocoFile, found: Sequence[int], listing: Listing, objects: Mapping[int, object]
) -> list[str]:
    """What one side holds and the other does not, and ids given twice."""
    strange = [image.name for image, i in zip(coco.images, found, strict=True) if i < 0]
    bare = [name for i, name in enumerate(image_names(listing)) if i not in objects]
    ids = [one["id"] for one in coco.annotations if isinstance(one, dict) and is_id(one.get("id"))]
    twice = [str(key) for key, count in Counter(ids).items() if count > 1]
    told = {
        "annotated images that are not in the dataset": strange,
        "images of the dataset without annotation": bare,
        "annotation ids that occur twice": twice,
    }
    return [f"{what}: {len(those)} ({examples(those)})" for what, those in told.items() if those]
