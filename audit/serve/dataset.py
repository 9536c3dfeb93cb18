"""The dataset's own pictures, read below ``--data-root`` and nowhere else.

A path comes from the run's table, which may come from another machine: it must lead to a regular
file inside the root once every link is followed, and the file's bytes must be those that were
audited: they, with the row's question or reference caption, must give its ``sample_id``. What is
sent is a new JPEG of the decoded pixels, never the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from audit.data.decode import read_file
from audit.data.digest import with_texts
from audit.errors import ConfigError
from audit.serve.texts import texts_of

__all__ = ["NEEDED", "SHARED", "Dataset", "NoPicture"]

#: The columns of ``images`` that a picture is found by.
NEEDED = ("path", "sample_id", "question", "true_class", "true_label", "frame")
#: Why no image of some datasets has a file to show.
SHARED = "The images of this dataset share a file, so there is none to show."
_SIDE = 448  # px: the longest side of what is sent
_QUALITY = 90  # JPEG
_CORNERS = 4


class NoPicture(Exception):  # noqa: N818 - it becomes a sentence on the page, not a failure
    """There is no picture to show; its text is one sentence that says why."""


class Dataset:
    """The files below ``root``; ``split`` is the folder below it where a dataset may begin.

    ``view`` is height and width of the model's view, in pixels. Raises ConfigError where the root
    is no folder.
    """

    def __init__(self, root: Path, split: str | None, view: tuple[int, int]) -> None:
        try:
            self._root = root.expanduser().resolve(strict=True)
        except (OSError, RuntimeError):
            raise ConfigError(f"--data-root {root}: there is no such folder") from None
        if not self._root.is_dir():
            raise ConfigError(f"--data-root {root} is a file; it must be the dataset's folder")
        self._bases = ("", split) if split else ("",)
        self._view = view

    def picture(self, row: Mapping[str, Any]) -> bytes:
        """JPEG of the model's view of the image of ``row`` (columns NEEDED), from its file.

        Raises NoPicture where the table names no file, there is none inside the root, or it is not
        the one that was audited.
        """
        name = row.get("path")
        if not name:
            raise NoPicture(SHARED)
        reading = read_file(self._inside(str(name)), str(name))
        if with_texts(reading.digest, texts_of(row)) != str(row["sample_id"]).partition("#")[0]:
            raise NoPicture("The file below --data-root is not the one that was audited.")
        if reading.pixels is None:
            raise NoPicture("The file cannot be read as an image.")
        return self._encoded(reading.pixels, row.get("frame"))

    def _inside(self, name: str) -> Path:
        """The file called ``name`` below the root, every link followed."""
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise NoPicture("The table names a path that leads out of --data-root.")
        outside = False
        for base in self._bases:
            try:
                found = (self._root / base / name).resolve(strict=True)
            except (OSError, RuntimeError, ValueError):  # missing, a circle of links, a null byte
                continue
            if found.is_relative_to(self._root) and found.is_file():
                return found
            outside = True
        if outside:
            raise NoPicture("The path leads out of --data-root, or to no regular file.")
        raise NoPicture("There is no such file below --data-root.")

    def _encoded(self, pixels: np.ndarray, frame: Sequence[float] | None) -> bytes:
        shown = pixels if frame is None or len(frame) != _CORNERS else _cut(pixels, frame)
        height, width = self._view if frame is not None else shown.shape[:2]
        scale = _SIDE / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        how = cv2.INTER_AREA if shown.shape[1] > size[0] else cv2.INTER_CUBIC
        small = cv2.resize(shown, size, interpolation=how)
        options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        return bytes(cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), options)[1])


def _cut(pixels: np.ndarray, frame: Sequence[float]) -> np.ndarray:
    """The part of ``pixels`` inside ``frame`` (x0, y0, x1, y1), black where it is outside them."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = (round(float(side)) for side in frame)
    inside = pixels[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    if not inside.size:
        raise NoPicture("The model's view lies outside the file's picture.")
    around = (max(-y0, 0), max(y1 - height, 0), max(-x0, 0), max(x1 - width, 0))
    if max(around) > max(height, width):
        raise NoPicture("The model's view does not fit the file's picture.")
    if not any(around):
        return inside
    return np.asarray(cv2.copyMakeBorder(inside, *around, cv2.BORDER_CONSTANT, value=(0, 0, 0)))
