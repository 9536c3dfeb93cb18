"""Annotations brought into the upright frame of their image, where the image says they can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from audit.records import AnnotatedObject, Annotation
from audit.regions.boxes import outside

__all__ = ["settle", "turned"]

_MOST_OBJECTS = 10_000  # of one image: scoring them takes seconds
#: EXIF orientation → mirror left-right, then top-bottom, then swap rows and columns: upright.
_UPRIGHT = {
    1: (False, False, False),
    2: (True, False, False),
    3: (True, True, False),
    4: (False, True, False),
    5: (False, False, True),
    6: (False, True, True),
    7: (True, True, True),
    8: (True, False, True),
}


def settle(
    objects: Sequence[AnnotatedObject],
    stated: tuple[int, int] | None,
    size: tuple[int, int],
    orientation: int,
) -> Annotation:
    """The annotation of an image of ``size`` (upright height, width) by an annotation file.

    ``stated`` is the (height, width) that the file gives for the image, None where it gives none.
    Objects are turned where that is the size of the unturned photo, left out where it is neither
    that nor ``size``, where they lie outside the image or hold no pixel of it, and where they are
    too many; the note says so.
    """
    if stated is not None and stated != size:
        sideways = _UPRIGHT.get(orientation, _UPRIGHT[1])[2]
        if not sideways or stated != size[::-1]:
            return Annotation(note=f"annotations not used: they are {_of_another(stated, size)}")
        objects = [turned(one, stated, orientation) for one in objects]
    if len(objects) > _MOST_OBJECTS:
        said = f"{len(objects)} of one image, the limit is {_MOST_OBJECTS}"
        return Annotation(note=f"annotations not used: {said}")
    why_not = [_left_out(one, size) for one in objects]
    notes = []
    if stated is not None and stated != size:
        notes.append(f"annotations of the unturned photo ({_size(stated)}) turned upright")
    for why, n in sorted(Counter(filter(None, why_not)).items()):
        notes.append(f"{n} of {len(objects)} annotated objects {why}")
    kept = tuple(one for one, why in zip(objects, why_not, strict=True) if not why)
    return Annotation(kept, note="; ".join(notes))


def turned(one: AnnotatedObject, size: tuple[int, int], orientation: int) -> AnnotatedObject:
    """An object of an unturned photo of ``size`` (height, width) in the upright frame.

    ``orientation`` is the photo's EXIF orientation, 1 to 8.
    """
    across, down, swap = _UPRIGHT[orientation]
    box, mask = one.box, one.mask
    if box is not None:
        x0, y0, x1, y1 = box
        if across:
            x0, x1 = size[1] - x1, size[1] - x0
        if down:
            y0, y1 = size[0] - y1, size[0] - y0
        box = (y0, x0, y1, x1) if swap else (x0, y0, x1, y1)
    if mask is not None:
        mask = mask[:: -1 if down else 1, :: -1 if across else 1]
        mask = np.ascontiguousarray(mask.T if swap else mask)
    return replace(one, box=box, mask=mask)


def _left_out(one: AnnotatedObject, size: tuple[int, int]) -> str:
    """Why an object is nowhere in an image of ``size``; empty where it is somewhere."""
    if one.mask is not None and one.mask.any():
        return ""
    if one.box is not None and outside(one.box, size):
        return "lie outside the image"
    return "" if one.mask is None else "hold no pixel's centre"


def _of_another(stated: tuple[int, int], size: tuple[int, int]) -> str:
    return f"of an image of {_size(stated)}, this one has {_size(size)}"


def _size(size: tuple[int, int]) -> str:
    return f"{size[1]}×{size[0]} pixels (width×height)"
