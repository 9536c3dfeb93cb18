"""Which images are looked at, where their pictures go, and which files are pictures of ours.

A PNG says in its text chunk ``Software`` that this program drew it. Only such a file is ever
overwritten, and in a folder of images it is passed over: ``cam-audit explain .`` may be repeated.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import cv2
import numpy as np

from audit.errors import ConfigError, DataError
from audit.tables.parts import write_bytes

__all__ = ["Picture", "find_images", "is_ours", "place_pictures", "write_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = len(_SIGNATURE) + 25  # the signature, and IHDR, which always comes first
_MARK = b"tEXtSoftware\0cam-audit explain"


@dataclass(frozen=True)
class Picture:
    """An image and the PNG to be drawn of it."""

    image: Path
    target: Path


def find_images(given: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Every image file, with the path that its picture should have below the output, no suffix.

    Files are taken as they are named; folders are searched at any depth, in sorted order, for
    torchvision's image suffixes, without hidden files, links to folders, and our own pictures.
    Raises ConfigError where nothing is given, DataError where a folder holds no image.
    """
    if not given:
        raise ConfigError("explain needs an image file, or a folder of them")
    found: list[tuple[Path, Path]] = []
    for path in given:
        if not path.is_dir():
            found.append((path, Path(path.stem)))
            continue
        inside = _images_below(path)
        if not inside:
            raise DataError(f"no image in folder {str(path)!r} (nor below it)")
        found += [(file, file.relative_to(path).with_suffix("")) for file in inside]
    return found


def place_pictures(
    images: Sequence[tuple[Path, Path]], output: Path, ending: str
) -> tuple[Picture, ...]:
    """Where each image's picture goes: below the folder ``output``, or to that one .png file.

    ``ending`` is put behind each name. Equal names are told apart by numbers, in the order given.
    Raises ConfigError where ``output`` lies in a file, where it is a .png file and the images are
    several, and where a target exists that is not a picture of ours.
    """
    _check_folder(output.parent if _is_file_name(output) else output)
    if _is_file_name(output):
        return (_checked(Picture(_only(images, output), output)),)
    names = _distinct([f"{place}{ending}" for _, place in images])
    return tuple(
        _checked(Picture(image, output / f"{name}.png"))
        for (image, _), name in zip(images, names, strict=True)
    )


def is_ours(path: Path) -> bool:
    """Whether ``path`` is a PNG that ``write_png`` wrote."""
    try:
        with path.open("rb") as file:
            start = file.read(_HEADER + 4 + len(_MARK))
    except OSError:
        return False
    return start.startswith(_SIGNATURE) and start.endswith(_MARK)


def write_png(image: np.ndarray, path: Path) -> None:
    """Write ``image`` (H×W×3 uint8 BGR) whole or not at all, with our mark in it.

    Raises IncompleteError where the disk is full or the folder cannot be written.
    """
    _, encoded = cv2.imencode(".png", image)
    data = encoded.tobytes()
    chunk = struct.pack(">I", len(_MARK) - 4) + _MARK + struct.pack(">I", zlib.crc32(_MARK))
    write_bytes(data[:_HEADER] + chunk + data[_HEADER:], path)


def _is_file_name(output: Path) -> bool:
    return output.suffix.lower() == ".png" and not output.is_dir()


def _check_folder(folder: Path) -> None:
    found = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not found.is_dir():
        raise ConfigError(f"--output: {found} is a file; name a folder for the pictures")


def _only(images: Sequence[tuple[Path, Path]], output: Path) -> Path:
    if len(images) != 1:
        raise ConfigError(f"--output {output}: {len(images)} images need a folder, not a file")
    return images[0][0]


def _checked(picture: Picture) -> Picture:
    if picture.target.exists() and not is_ours(picture.target):
        raise ConfigError(
            f"{picture.target} exists and is no picture of cam-audit's, so it is not overwritten:"
            " choose another --output"
        )
    return picture


def _images_below(folder: Path) -> list[Path]:
    from torchvision.datasets.folder import IMG_EXTENSIONS  # noqa: PLC0415 - heavy

    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(place, name)
            for name in sorted(files)
            if name.lower().endswith(IMG_EXTENSIONS) and not name.startswith(".")
        ]
    return [path for path in found if not is_ours(path)]


def _distinct(names: list[str]) -> list[str]:
    taken: set[str] = set()  # case folded: some file systems do not tell A.png from a.png
    made = []
    for name in names:
        numbered = (f"{name}-{n}" for n in count(2))
        free = next(each for each in chain([name], numbered) if each.casefold() not in taken)
        taken.add(free.casefold())
        made.append(free)
    return made
