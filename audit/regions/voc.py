"""``--regions voc:FOLDER``: Pascal VOC XML, one file an image.

Corners count from 1 and the last pixel is inside: x0 = xmin - 1, y0 = ymin - 1, x1 = xmax,
y1 = ymax, half-open. ``difficult`` objects are ignored area. Only the boxes of the objects
themselves are read, not those of their parts (VOC's heads, hands and feet).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from audit.data.decode import digest_of, one_line, shown_name
from audit.errors import DataError
from audit.records import UNCLASSED, AnnotatedObject, Annotation, Listing
from audit.regions.boxes import outside
from audit.regions.join import examples, image_names, match_classes, match_images
from audit.regions.turn import settle

__all__ = ["VocAnnotations", "VocFiles", "VocObject", "files_below", "unmatched"]

_MAX_BYTES = 16 * 2**20
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


class VocAnnotations:
    """The objects of the XML files below ``folder``, by their images' names without file type.

    Raises DataError where there is no such folder or no XML file below it, where none of them is
    of an image of the dataset, and where every one that is cannot be used.
    """

    def __init__(self, folder: Path, listing: Listing) -> None:
        names = files_below(Path(folder).expanduser(), ".xml")
        shown = [shown_name(name) for name in names]
        found = match_images(shown, listing, suffix=False)
        pairs = zip(found.tolist(), names, strict=True)
        self._files = VocFiles(Path(folder).expanduser(), {i: name for i, name in pairs if i >= 0})
        categories = self._files.categories
        labels, notes = match_classes(categories, listing.classes)
        self._labels = dict(zip(categories, labels, strict=True))
        self.digest = digest_of(self._files.digest.encode(), repr(self._labels).encode())
        self.warnings = (*unmatched(shown, found, listing), *self._files.warnings, *notes)

    def of(self, index: int, size: tuple[int, int], orientation: int) -> Annotation:
        """The objects of image ``index``, upright, ``size`` = (height, width) pixels."""
        return self._files.of(index, self._labels, size, orientation)


@dataclass(frozen=True)
class VocObject:
    """One object as an XML file has it: ``box`` is x0, y0, x1, y1 in pixels, half-open."""

    name: str  # "" where the file does not say
    box: tuple[float, float, float, float]
    difficult: bool


@dataclass(frozen=True)
class _File:
    size: tuple[int, int] | None = None  # height, width as stated
    objects: tuple[VocObject, ...] = ()
    refused: tuple[str, ...] = ()  # a line for each object that cannot be used
    bad: str = ""  # why the whole file cannot be used


class VocFiles:
    """The XML files of a dataset's images, each parsed once.

    ``files`` gives an image's file relative to ``folder``. Raises DataError where there are files
    and not one of them can be used.
    """

    def __init__(self, folder: Path, files: Mapping[int, str]) -> None:
        self._read: dict[int, _File] = {}
        digests: list[str] = []
        for index, name in sorted(files.items()):
            data, bad = _bytes_of(folder / name)
            self._read[index] = _File(bad=bad) if bad else _parsed(data)
            said = f"{index}\0{shown_name(name)}\0{len(data)}\0"
            digests.append(digest_of(said.encode(), data))
        self.digest = digest_of(*(text.encode() for text in digests)) if digests else ""
        named = [(shown_name(files[index]), file) for index, file in self._read.items()]
        self.warnings = _warnings(named)
        if named and all(file.bad for _, file in named):
            raise DataError(
                f"none of the {len(named)} XML files in {str(folder)!r} can be used, the first "
                f"being {named[0][0]!r}: {named[0][1].bad}"
            )

    @property
    def categories(self) -> tuple[str, ...]:
        """Every name that an object has, sorted."""
        found = {one.name for file in self._read.values() for one in file.objects}
        return tuple(sorted(found - {""}))

    def objects(self, index: int) -> tuple[VocObject, ...]:
        """The objects of image ``index``; none where it has no file."""
        return self._read.get(index, _File()).objects

    def of(
        self, index: int, labels: Mapping[str, int], size: tuple[int, int], orientation: int
    ) -> Annotation:
        """The annotation of image ``index``; ``labels`` gives the class of each category."""
        file = self._read.get(index, _File())
        if file.bad:
            return Annotation(note=f"annotation file not used: {file.bad}")
        objects = [
            AnnotatedObject(one.box, None, labels.get(one.name, UNCLASSED), one.difficult)
            for one in file.objects
        ]
        found = settle(objects, file.size, size, orientation)
        more = len(file.refused) - 1
        notes = [found.note, *file.refused[:1], f"{more} more left out" if more > 0 else ""]
        return replace(found, note="; ".join(note for note in notes if note))


def files_below(folder: Path, suffix: str) -> list[str]:
    """The files below ``folder`` that end in ``suffix`` (any case): sorted relative POSIX paths.

    Links are followed, a folder that they reach again is read once; hidden ones are passed over.
    Raises DataError where there is no such folder or file.
    """
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "does not exist"
        raise DataError(f"{str(folder)!r} {what}: expected a folder of {suffix} files")
    found = sorted(
        Path(place, name).relative_to(folder).as_posix()
        for place, names in _folders(folder)
        for name in names
        if name.lower().endswith(suffix) and not name.startswith(".")
    )
    if not found:
        raise DataError(f"no {suffix} file in the folder {str(folder)!r} or below it")
    return found


def unmatched(named: Sequence[str], found: np.ndarray, listing: Listing) -> tuple[str, ...]:
    """What ``match_images`` left over on either side: counts, with the first examples."""
    strange = [name for name, i in zip(named, found.tolist(), strict=True) if i < 0]
    bare = np.setdiff1d(np.arange(len(listing)), found)
    names = image_names(listing)
    said = []
    if strange:
        said.append(f"annotations of no image: {len(strange)} ({examples(strange)})")
    if len(bare):
        without = examples(names[i] for i in bare)
        said.append(f"images without annotation: {len(bare)} ({without})")
    return tuple(said)


def _folders(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Every folder that is not hidden, once, with its files."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_cannot_list):
        status = os.stat(place)  # noqa: PTH116 - follows links, on a name that may not be UTF-8
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield place, names


def _cannot_list(error: OSError) -> None:
    raise DataError(f"cannot list folder {str(error.filename)!r}: {error.strerror}") from error


def _bytes_of(path: Path) -> tuple[bytes, str]:
    """A file's bytes, or the reason why they are not read."""
    try:
        if not path.is_file():
            return b"", "not a regular file"
        size = path.stat().st_size
        if size > _MAX_BYTES:
            return b"", f"{size} bytes; the limit is {_MAX_BYTES}"
        return path.read_bytes(), ""
    except OSError as error:
        return b"", f"cannot be read: {(error.strerror or type(error).__name__).lower()}"


def _parsed(data: bytes) -> _File:
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException:
        return _File(bad="it declares a document type or entities, which are never expanded")
    except (ParseError, ValueError, LookupError) as error:
        return _File(bad=one_line(f"not valid XML: {error}"))
    if root.tag != "annotation":
        return _File(bad=one_line(f"its root is <{root.tag}>, not <annotation>"))
    objects: list[VocObject] = []
    refused: list[str] = []
    for place, node in enumerate(root.iterfind("object"), start=1):
        name = one_line(node.findtext("name") or "")
        box, rule = _box(node.find("bndbox"))
        if box is None:
            refused.append(one_line(f"object {place} ({name!r}) left out: {rule}"))
        else:
            objects.append(VocObject(name, box, (node.findtext("difficult") or "").strip() == "1"))
    return _File(_stated(root.find("size")), tuple(objects), tuple(refused))


def _box(node: Element | None) -> tuple[tuple[float, float, float, float] | None, str]:
    """x0, y0, x1, y1 (half-open), or the rule that the corners break."""
    if node is None:
        return None, "it has no bndbox"
    said = {name: (node.findtext(name) or "").strip() for name in _CORNERS}
    values = [_number(text) for text in said.values()]
    corners = ", ".join(f"{name} {text or 'missing'}" for name, text in said.items())
    if not all(map(math.isfinite, values)):
        return None, f"{corners}: four finite numbers are needed"
    x0, y0, x1, y1 = values[0] - 1, values[1] - 1, values[2], values[3]
    if x1 <= x0 or y1 <= y0:
        return None, f"{corners}: the box has no area"
    return (x0, y0, x1, y1), ""


def _stated(node: Element | None) -> tuple[int, int] | None:
    """The image's (height, width) by the file; None where it says nothing or 0."""
    if node is None:
        return None
    height, width = (_number(node.findtext(name) or "") for name in ("height", "width"))
    if math.isfinite(height) and math.isfinite(width) and height >= 1 and width >= 1:
        return int(height), int(width)
    return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _warnings(named: Sequence[tuple[str, _File]]) -> tuple[str, ...]:
    bad = [f"{name}: {file.bad}" for name, file in named if file.bad]
    refused = [f"{name}: {line}" for name, file in named for line in file.refused]
    bare = [name for name, file in named if not (file.bad or file.objects or file.refused)]
    shifted = [name for name, file in named if any(min(one.box) < 0 for one in file.objects)]
    off = [name for name, file in named if any(outside(one.box, file.size) for one in file.objects)]
    return (
        *_said("annotation files left out", bad),
        *_said("annotated objects left out", refused),
        *_said("annotation files with boxes outside their image", off),
        *_said("annotation files without an object", bare),
        *_said("annotation files with corners below 1, where VOC counts from 1", shifted),
    )


def _said(what: str, lines: Iterable[str]) -> tuple[str, ...]:
    every = list(lines)
    return (f"{what}: {len(every)} ({examples(every)})",) if every else ()
