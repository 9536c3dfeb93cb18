"""COCO segmentations: polygons and run-length masks, checked before they are drawn.

What pycocotools' C reader would take on faith (run lengths, sizes, coordinates) is checked here.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from audit.data.coco import finite_numbers, is_size

__all__ = ["Polygons", "Runs", "Shape", "Unusable", "shape_of"]

_LONGEST_OUTLINE = 2_000_000  # pixels: drawing takes some 100 bytes for each
_MOST_DIGITS = 7  # of 5 bits each, for one run length


class Unusable(Exception):  # noqa: N818 - it becomes a line of the warnings
    """A box or segmentation that cannot be used: the rule it breaks, and what was found."""

    def __init__(self, rule: str, found: object) -> None:
        super().__init__(rule)
        self.rule = rule
        self.found = reprlib.repr(found)


@dataclass(frozen=True, slots=True)
class Polygons:
    """Outlines that together are one object."""

    points: tuple[np.ndarray, ...]  # each float64[2n]: x, y, x, y, …; n ≥ 3

    def area(self) -> float:
        """Square pixels, what outlines share counted twice."""
        with np.errstate(over="ignore", invalid="ignore"):
            return sum(
                abs(float(p[::2] @ np.roll(p[1::2], -1) - p[1::2] @ np.roll(p[::2], -1))) / 2
                for p in self.points
            )

    def drawn(self, size: tuple[int, int]) -> np.ndarray:
        """H×W bool, by pycocotools' rule of which pixel is inside.

        ``size`` is (height, width). Raises Unusable for what would take too much memory.
        """
        side = max(size)
        if any(p.min() < -side or p.max() > 2 * side for p in self.points):
            raise Unusable("a polygon far outside the image", self.points[0].tolist())
        corners = [np.reshape(p, (-1, 2)) for p in self.points]
        length = sum(np.abs(p - np.roll(p, 1, axis=0)).max(axis=1).sum() for p in corners)
        if length > _LONGEST_OUTLINE:
            raise Unusable(f"an outline of more than {_LONGEST_OUTLINE} pixels", round(length))
        merged = coco_mask.merge(coco_mask.frPyObjects(list(self.points), *size))
        return _painted(_unpacked(merged["counts"].decode()), size)


@dataclass(frozen=True, slots=True)
class Runs:
    """A run-length mask: pixels outside and inside in turn."""

    size: tuple[int, int]  # height, width
    lengths: np.ndarray  # uint32, down the columns

    def area(self) -> float:
        """Square pixels."""
        return float(self.lengths[1::2].sum())

    def drawn(self, size: tuple[int, int]) -> np.ndarray:
        """H×W bool. Raises Unusable where ``size`` (height, width) is not the mask's own."""
        if self.size != size:
            raise Unusable("an RLE of another size than the image's", list(self.size))
        return _painted(self.lengths, size)


Shape = Polygons | Runs


def shape_of(found: object, size: tuple[int, int] | None) -> Shape | None:
    """What a ``segmentation`` holds; None where it is missing or empty.

    ``size`` is the image's (height, width) where it is known. Raises Unusable.
    """
    if found is None or found == []:
        return None
    if isinstance(found, list):
        return _polygons(found)
    if isinstance(found, dict):
        return _runs(found, size)
    raise Unusable("neither polygons nor an RLE", found)


def _polygons(found: list[Any]) -> Polygons:
    points = []
    for polygon in found:
        numbers = finite_numbers(polygon)
        if numbers is None or len(numbers) < 6 or len(numbers) % 2:  # noqa: PLR2004
            raise Unusable("a polygon not of 6 or more finite numbers, x and y in turn", polygon)
        points.append(np.array(numbers))
    return Polygons(tuple(points))


def _runs(found: Mapping[str, Any], size: tuple[int, int] | None) -> Runs:
    stated, counts = found.get("size"), found.get("counts")
    if not isinstance(stated, list) or not is_size(stated):
        raise Unusable("an RLE's size not a height and width that an image can have", stated)
    own = (stated[0], stated[1])
    if size is not None and own != size:
        raise Unusable("an RLE's size (height, width) not the image's", stated)
    lengths = _unpacked(counts) if isinstance(counts, str) else _plain(counts)
    n_pixels = own[0] * own[1]
    if lengths.min(initial=0) < 0 or lengths.max(initial=0) > n_pixels:
        raise Unusable("an RLE with a run below 0 or longer than the image", counts)
    if lengths.sum() != n_pixels:
        raise Unusable("an RLE whose runs are not the image's pixels together", counts)
    return Runs(own, lengths.astype(np.uint32))


def _plain(counts: object) -> np.ndarray:
    """Run lengths given as a list of whole numbers: int64."""
    if not isinstance(counts, list) or not set(map(type, counts)) <= {int}:
        raise Unusable("an RLE's counts neither a text nor whole numbers", counts)
    try:
        return np.array(counts, dtype=np.int64)
    except OverflowError:
        raise Unusable("an RLE with a run below 0 or longer than the image", counts) from None


def _unpacked(counts: str) -> np.ndarray:
    """Run lengths of COCO's compressed RLE: int64.

    A character holds 5 bits, the lowest first, and whether more follow; from the fourth on, a
    number is the difference to the last but one.
    """
    digits = np.frombuffer(counts.encode("utf-8", "replace"), dtype=np.uint8).astype(np.int64) - 48
    if not counts.isascii() or not counts or digits.min() < 0 or digits.max() >= 64:  # noqa: PLR2004
        raise Unusable("an RLE with characters that are none of COCO's", counts)
    ends = np.flatnonzero(digits & 32 == 0) + 1
    starts = np.concatenate([[0], ends[:-1]])
    n_digits = ends - starts
    if len(ends) == 0 or ends[-1] != len(digits) or n_digits.max() > _MOST_DIGITS:
        raise Unusable("an RLE with a number that does not end", counts)
    place = np.arange(len(digits)) - np.repeat(starts, n_digits)
    values = np.add.reduceat((digits & 31) << 5 * place, starts)
    values -= np.where(digits[ends - 1] & 16, 1 << 5 * n_digits, 0)
    values[1::2] = values[1::2].cumsum()
    values[2::2] = values[2::2].cumsum()
    return values


def _painted(lengths: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    inside = np.arange(len(lengths)) % 2 == 1
    return np.ascontiguousarray(np.repeat(inside, lengths).reshape(size[::-1]).T)
