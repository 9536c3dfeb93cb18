"""``--regions masks:FOLDER``: one PNG an image, under the image's relative path with ``.png``.

A palettised PNG holds class indices: 0 is background, 255 is ignored area, *v* is the dataset's
class *v* - 1. One exception: where the PNG carries Pascal VOC's colour map and every class of the
dataset is one of VOC's, *v* is VOC's class *v*, whatever the dataset's own order. A grey PNG is
binary where it holds only 0 and 1, 0 and 255 or 0 and white: the object is the labelled one; else
it holds class indices too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from audit.data.decode import digest_of, one_line, shown_name
from audit.data.voc import VOC_CLASSES
from audit.errors import DataError
from audit.models.output_names import folded
from audit.records import OTHER, UNCLASSED, AnnotatedObject, Annotation, Listing
from audit.regions.join import examples, match_images
from audit.regions.turn import settle
from audit.regions.voc import files_below, unmatched

__all__ = ["MaskAnnotations"]

_IGNORED = 255
_MAX_VALUES = 100  # distinct; more are a picture or a depth map, and would fill the memory
_VOC_COLOURS = {1: (128, 0, 0), 2: (0, 128, 0), 255: (224, 224, 192)}
_GREY, _PALETTE = 0, 3  # PNG's colour types
_UNUSED = {2: "RGB", 4: "LA", 6: "RGBA"}
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class _UnusableMask(Exception):  # noqa: N818 - it becomes a row's note, not a failure
    """A mask that gives no objects; its text says why."""


@dataclass(frozen=True)
class _Header:
    size: tuple[int, int]  # height, width
    bits: int  # of a sample
    colour: int  # PNG's colour type


class MaskAnnotations:
    """The masks below ``folder``, by their images' names without file type; read when asked for.

    Raises DataError where there is no such folder or no PNG below it, where none of them is of an
    image of the dataset, and where not one of those can be used. What can be told without decoding
    is checked at once.
    """

    def __init__(self, folder: Path, listing: Listing) -> None:
        self._folder = Path(folder).expanduser()
        names = files_below(self._folder, ".png")
        shown = [shown_name(name) for name in names]
        found = match_images(shown, listing, suffix=False)
        pairs = zip(found.tolist(), names, strict=True)
        self._files = {index: name for index, name in pairs if index >= 0}
        self._n_classes = len(listing.classes)
        self._voc = _voc_order(listing.classes)
        self._bad, self.digest = _checked(self._folder, self._files, listing.classes)
        left_out = [f"{shown_name(self._files[i])}: {why}" for i, why in self._bad.items()]
        if len(left_out) == len(self._files):
            raise DataError(
                f"none of the {len(left_out)} masks in {str(folder)!r} can be used: "
                f"{examples(left_out)}"
            )
        told = (f"masks left out: {len(left_out)} ({examples(left_out)})",) if left_out else ()
        self.warnings = (*unmatched(shown, found, listing), *told, *self._order_warning())

    def of(self, index: int, size: tuple[int, int], orientation: int) -> Annotation:
        """The mask's objects, one a class (H×W bool each), upright, ``size`` = (height, width)."""
        name = self._files.get(index)
        if name is None:
            return Annotation()
        if index in self._bad:
            return Annotation(note=f"mask not used: {self._bad[index]}")
        try:
            header = _header(self._folder / name)
            if sorted(header.size) != sorted(size):
                return settle((), header.size, size, orientation)
            objects, note = self._objects(self._folder / name, header)
        except _UnusableMask as error:
            return Annotation(note=f"mask not used: {error}")
        found = settle(objects, header.size, size, orientation)
        return replace(found, note="; ".join(filter(None, (found.note, note))))

    def _objects(self, path: Path, header: _Header) -> tuple[list[AnnotatedObject], str]:
        values, in_voc_order = _pixels(path, header)
        if header.colour == _GREY:
            binary = _binary(values, header.bits)
            if binary is not None:
                return ([AnnotatedObject(mask=binary)] if binary.any() else []), ""
        order = self._voc if in_voc_order else None
        present = np.flatnonzero(np.bincount(values.ravel())).tolist()
        if len(present) > _MAX_VALUES:
            raise _UnusableMask(
                f"it has {len(present)} distinct values, a mask of classes at most {_MAX_VALUES}"
            )
        limit = self._n_classes if order is None else len(order)
        beyond = [value for value in present if value > limit and value != _IGNORED]
        objects = [
            AnnotatedObject(
                mask=values == value,
                label=UNCLASSED if value == _IGNORED else self._label(value, order),
                ignore=value == _IGNORED,
            )
            for value in present
            if value
        ]
        return objects, _beyond(beyond, limit)

    def _label(self, value: int, order: tuple[int, ...] | None) -> int:
        if order is not None:
            return order[value - 1] if value <= len(order) else OTHER
        return value - 1 if value <= self._n_classes else OTHER

    def _order_warning(self) -> tuple[str, ...]:
        """Said where it matters that the first usable mask's values are taken in VOC's order."""
        own = tuple(range(self._n_classes))
        if self._voc is None or self._voc[: self._n_classes] == own:
            return ()
        name = self._files[min(self._files.keys() - self._bad.keys())]
        try:
            with Image.open(self._folder / name, formats=("PNG",)) as image:
                in_order = image.mode == "P" and _has_voc_colours(image)
        except Exception:  # the row of its image will say what is wrong with it
            return ()
        if not in_order:
            return ()
        return (
            f"masks with VOC's colour map ({shown_name(name)!r} has it) are read in VOC's order, 1 "
            "for aeroplane to 20 for tvmonitor; in the dataset's own order they need other colours",
        )


def _voc_order(classes: tuple[str, ...]) -> tuple[int, ...] | None:
    """The label of each of VOC's classes, OTHER where the dataset lacks it; None: not VOC's."""
    index = {folded(name): i for i, name in enumerate(classes)}
    voc = [folded(name) for name in VOC_CLASSES]
    return tuple(index.get(name, OTHER) for name in voc) if index.keys() <= set(voc) else None


def _checked(
    folder: Path, files: Mapping[int, str], classes: tuple[str, ...]
) -> tuple[dict[int, str], str]:
    """Why masks cannot be used, as far as their headers tell, and the hash of all masks."""
    bad: dict[int, str] = {}
    parts = [repr(classes).encode()]
    for index, name in sorted(files.items()):
        content = ""
        try:
            _header(folder / name)
            with (folder / name).open("rb") as file:
                hashed = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
            content = hashed.hexdigest()
        except _UnusableMask as error:
            bad[index] = str(error)
        except OSError as error:
            bad[index] = _said(error)
        parts.append(f"\0{index}\0{shown_name(name)}\0{content}".encode())
    return bad, digest_of(*parts)


def _said(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _header(path: Path) -> _Header:
    """What a PNG says of itself in its first 26 bytes, before anything is decoded."""
    try:
        if path.exists() and not path.is_file():
            raise _UnusableMask("not a regular file")
        with path.open("rb") as file:
            start = file.read(26)
    except OSError as error:
        raise _UnusableMask(_said(error)) from None
    if len(start) < 26 or start[:8] != _SIGNATURE or start[12:16] != b"IHDR":  # noqa: PLR2004
        raise _UnusableMask("the file is no PNG, or cut off in its header")
    width, height = (int.from_bytes(start[at : at + 4], "big") for at in (16, 20))
    header = _Header((height, width), bits=start[24], colour=start[25])
    if header.colour not in (_GREY, _PALETTE):
        mode = _UNUSED.get(header.colour, f"of colour type {header.colour}")
        raise _UnusableMask(f"its pixels are {mode}; a palettised or grey PNG is needed")
    return header


def _pixels(path: Path, header: _Header) -> tuple[np.ndarray, bool]:
    """The stored values (H×W, unsigned), and whether the PNG carries VOC's colour map."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            image.load()
            values = np.asarray(image)
            in_voc_order = image.mode == "P" and _has_voc_colours(image)
    except Exception as error:  # whatever a damaged file makes Pillow raise
        text = str(error) or type(error).__name__
        raise _UnusableMask(one_line(f"damaged PNG: {text}")) from None
    if header.colour == _GREY and header.bits in (2, 4):  # Pillow stretches these to 0 to 255
        values = values // (_IGNORED // (2**header.bits - 1))
    return (values.astype(np.uint8) if values.dtype == bool else values), in_voc_order


def _binary(values: np.ndarray, bits: int) -> np.ndarray | None:
    """Where a grey mask of two values (0 with 1, 255 or white) is not 0; None: it has others."""
    shown: np.ndarray = values != 0
    held = values[shown]
    if len(held) == 0:
        return shown
    value = int(held[0])
    if value in (1, _IGNORED, 2**bits - 1) and bool((held == value).all()):
        return shown
    return None


def _has_voc_colours(image: Image.Image) -> bool:
    palette = image.getpalette("RGB") or []
    return all(
        tuple(palette[3 * index : 3 * index + 3]) == colour
        for index, colour in _VOC_COLOURS.items()
    )


def _beyond(values: list[int], limit: int) -> str:
    if not values:
        return ""
    return f"mask values above the number of classes ({limit}), kept as other objects: " + examples(
        map(str, values)
    )
