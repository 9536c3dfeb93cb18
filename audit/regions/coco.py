"""COCO instances JSON: boxes, polygons and run-length masks of a dataset's images.

The file is untrusted: what its C reader would take on faith (run lengths, sizes, coordinates) is
checked before anything is drawn. Masks are drawn when an image is asked for, not before.
"""

from __future__ import annotations

import reprlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from audit.data.coco import CocoFile, finite_numbers, is_id, is_size, read_coco
from audit.errors import DataError
from audit.records import AnnotatedObject, Annotation, Listing
from audit.regions.join import examples, image_names, match_classes, match_images
from audit.regions.turn import settle

__all__ = ["CocoAnnotations"]

_MOST_MASKS = 2**31  # pixels of all masks of one image together
_LONGEST_OUTLINE = 2_000_000  # pixels: drawing takes some 100 bytes for each
_MOST_DIGITS = 7  # of 5 bits each, for one run length

_Box = tuple[float, float, float, float]


class _Unusable(Exception):  # noqa: N818 - it becomes a line of the warnings
    """A box or segmentation that cannot be used: the rule it breaks, and what was found."""

    def __init__(self, rule: str, found: object) -> None:
        super().__init__(rule)
        self.rule = rule
        self.found = reprlib.repr(found)


@dataclass(frozen=True, slots=True)
class _Polygons:
    points: tuple[np.ndarray, ...]  # each float64[2n]: x, y, x, y, …; n ≥ 3

    def area(self) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return sum(
                abs(float(p[::2] @ np.roll(p[1::2], -1) - p[1::2] @ np.roll(p[::2], -1))) / 2
                for p in self.points
            )

    def drawn(self, size: tuple[int, int]) -> np.ndarray:
        """H×W bool, by pycocotools' rule of which pixel is inside."""
        side = max(size)
        if any(p.min() < -side or p.max() > 2 * side for p in self.points):
            raise _Unusable("a polygon far outside the image", self.points[0].tolist())
        corners = [np.reshape(p, (-1, 2)) for p in self.points]
        length = sum(np.abs(p - np.roll(p, 1, axis=0)).max(axis=1).sum() for p in corners)
        if length > _LONGEST_OUTLINE:
            raise _Unusable(f"an outline of more than {_LONGEST_OUTLINE} pixels", round(length))
        merged = coco_mask.merge(coco_mask.frPyObjects(list(self.points), *size))
        return _painted(_unpacked(merged["counts"].decode()), size)


@dataclass(frozen=True, slots=True)
class _Runs:
    size: tuple[int, int]
    lengths: np.ndarray  # uint32: pixels outside and inside in turn, down the columns

    def area(self) -> float:
        return float(self.lengths[1::2].sum())

    def drawn(self, size: tuple[int, int]) -> np.ndarray:
        """H×W bool."""
        if self.size != size:
            raise _Unusable("an RLE of another size than the image's", list(self.size))
        return _painted(self.lengths, size)


_Shape = _Polygons | _Runs


@dataclass(frozen=True, slots=True)
class _Object:
    label: int
    ignore: bool
    box: _Box | None
    shape: _Shape | None
    area: float  # square pixels


class CocoAnnotations:
    """The objects that a COCO instances file holds of a dataset's images.

    ``file`` may be one that ``read_coco`` has read. Raises DataError for a file that is no COCO
    file, whose images are none of the dataset's or whose annotations cannot be used, not one.
    """

    def __init__(self, file: Path | CocoFile, listing: Listing) -> None:
        coco = file if isinstance(file, CocoFile) else read_coco(file)
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

    def of(self, index: int, size: tuple[int, int], orientation: int) -> Annotation:
        """What is annotated in image ``index``, upright, ``size`` = (height, width) pixels.

        A segmentation that cannot be drawn is replaced by the object's box, and the note says so.
        """
        held, stated = self._objects.get(index), self._sizes.get(index)
        if held is None:
            return Annotation(source=self._source)
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
        except _Unusable as error:
            told[f"annotations left out, {error.rule}"].append(f"{name}: {error.found}")
    return {image: those for image, those in objects.items() if those}


def _name(entry: object, place: int) -> str:
    if isinstance(entry, dict) and is_id(entry.get("id")):
        return f"id {reprlib.repr(entry['id'])}"
    return f"number {place + 1} of the list"


def _key(entry: object, name: str, known: Mapping[Hashable, int]) -> Hashable:
    if not isinstance(entry, dict):
        raise _Unusable("not a JSON object", entry)
    key = entry.get(name)
    if not is_id(key) or key not in known:
        raise _Unusable(f"{name} unknown", key)
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
        raise _Unusable("iscrowd neither 0 nor 1", crowd)
    box = _box(entry.get("bbox"))
    try:
        shape = _shape(entry.get("segmentation"), size)
    except _Unusable as error:
        if box is None:
            raise
        told[f"segmentations not used, the box instead, {error.rule}"].append(
            f"{name}: {error.found}"
        )
        shape = None
    if box is None and shape is None:
        raise _Unusable("neither bbox nor segmentation", sorted(entry))
    return _Object(label, crowd == 1, box, shape, _area(entry.get("area"), box, shape))


def _area(stated: object, box: _Box | None, shape: _Shape | None) -> float:
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
        raise _Unusable("bbox not four finite numbers", found)
    x, y, width, height = numbers
    if width <= 0 or height <= 0:
        raise _Unusable("bbox without area", found)
    return x, y, x + width, y + height


def _shape(found: object, size: tuple[int, int] | None) -> _Shape | None:
    if found is None or found == []:
        return None
    if isinstance(found, list):
        return _polygons(found)
    if isinstance(found, dict):
        return _runs(found, size)
    raise _Unusable("neither polygons nor an RLE", found)


def _polygons(found: list[Any]) -> _Polygons:
    points = []
    for polygon in found:
        numbers = finite_numbers(polygon)
        if numbers is None or len(numbers) < 6 or len(numbers) % 2:  # noqa: PLR2004
            raise _Unusable("a polygon not of 6 or more finite numbers, x and y in turn", polygon)
        points.append(np.array(numbers))
    return _Polygons(tuple(points))


def _runs(found: Mapping[str, Any], size: tuple[int, int] | None) -> _Runs:
    stated, counts = found.get("size"), found.get("counts")
    if not isinstance(stated, list) or not is_size(stated):
        raise _Unusable("an RLE's size not height and width", stated)
    own = (stated[0], stated[1])
    if size is not None and own != size:
        raise _Unusable("an RLE's size (height, width) not the image's", stated)
    lengths = _unpacked(counts) if isinstance(counts, str) else _plain(counts)
    n_pixels = own[0] * own[1]
    if lengths.min(initial=0) < 0 or lengths.max(initial=0) > n_pixels:
        raise _Unusable("an RLE with a run below 0 or longer than the image", counts)
    if lengths.sum() != n_pixels:
        raise _Unusable("an RLE whose runs are not the image's pixels together", counts)
    return _Runs(own, lengths.astype(np.uint32))


def _plain(counts: object) -> np.ndarray:
    """Run lengths given as a list of whole numbers: int64."""
    if not isinstance(counts, list) or not set(map(type, counts)) <= {int}:
        raise _Unusable("an RLE's counts neither a text nor whole numbers", counts)
    try:
        return np.array(counts, dtype=np.int64)
    except OverflowError:
        raise _Unusable("an RLE with a run below 0 or longer than the image", counts) from None


def _unpacked(counts: str) -> np.ndarray:
    """Run lengths of COCO's compressed RLE: int64.

    A character holds 5 bits, the lowest first, and whether more follow; from the fourth on, a
    number is the difference to the last but one.
    """
    digits = np.frombuffer(counts.encode("utf-8", "replace"), dtype=np.uint8).astype(np.int64) - 48
    if not counts.isascii() or not counts or digits.min() < 0 or digits.max() >= 64:  # noqa: PLR2004
        raise _Unusable("an RLE with characters that are none of COCO's", counts)
    ends = np.flatnonzero(digits & 32 == 0) + 1
    starts = np.concatenate([[0], ends[:-1]])
    n_digits = ends - starts
    if len(ends) == 0 or ends[-1] != len(digits) or n_digits.max() > _MOST_DIGITS:
        raise _Unusable("an RLE with a number that does not end", counts)
    place = np.arange(len(digits)) - np.repeat(starts, n_digits)
    values = np.add.reduceat((digits & 31) << 5 * place, starts)
    values -= np.where(digits[ends - 1] & 16, 1 << 5 * n_digits, 0)
    values[1::2] = values[1::2].cumsum()
    values[2::2] = values[2::2].cumsum()
    return values


def _painted(lengths: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    inside = np.arange(len(lengths)) % 2 == 1
    return np.ascontiguousarray(np.repeat(inside, lengths).reshape(size[::-1]).T)


def _drawn(one: _Object, frame: tuple[int, int], bad: list[str]) -> AnnotatedObject:
    mask = None
    if one.shape is not None:
        try:
            mask = one.shape.drawn(frame)
        except _Unusable as error:
            bad.append(f"{error.rule}: {error.found}")
    return AnnotatedObject(one.box, mask, one.label, one.ignore)


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
