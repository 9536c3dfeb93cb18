"""Estimates on disk: JSON lines, one an image, appended as they are made.

A line holds ``index``, ``source``, ``size`` ([height, width] of the upright picture) and
``counts`` (COCO's plain RLE: pixels outside and inside in turn, down the columns). A half-written
last line, as a stopped run leaves it, is dropped, and that image is estimated again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from filelock import FileLock, Timeout

from audit.data.decode import digest_of
from audit.errors import DataError
from audit.records import Listing

__all__ = [
    "UNREADABLE",
    "Estimate",
    "Place",
    "append",
    "cache_file",
    "estimate_of",
    "locked",
    "place_of",
    "read_estimates",
]

#: ``Estimate.source`` of a picture that could not be read.
UNREADABLE = "none"
_NAME_LENGTH = 80
_RUN = np.dtype("<u4")


@dataclass(frozen=True)
class Place:
    """Where a dataset's files are kept, and what they are called."""

    home: Path
    name: str  # of the dataset and its split


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was found in one picture: a mask of its upright size."""

    index: int
    source: str  # pseudo:<method>, or UNREADABLE
    size: tuple[int, int]  # height, width
    counts: bytes  # uint32 each: pixels outside and inside in turn, down the columns

    def mask(self) -> np.ndarray:
        """The region, height×width bool."""
        runs = self._runs()
        inside = np.arange(len(runs)) % 2 == 1
        return np.repeat(inside, runs).reshape(self.size[::-1]).T

    @property
    def found(self) -> bool:
        """Whether the region has a pixel."""
        return bool(self._runs()[1::2].any())

    def line(self) -> bytes:
        """As it is kept, with the line's end."""
        held = {"index": self.index, "source": self.source, "size": self.size}
        held["counts"] = self._runs().tolist()
        return json.dumps(held, separators=(",", ":")).encode() + b"\n"

    def _runs(self) -> np.ndarray:
        return np.frombuffer(self.counts, dtype=_RUN)


def estimate_of(index: int, source: str, mask: np.ndarray) -> Estimate:
    """The record of ``mask`` (H×W bool) for picture ``index``."""
    height, width = mask.shape
    flat = np.concatenate([[False], mask.T.ravel()])  # the first run is outside, maybe empty
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(ends, prepend=0, append=mask.size)
    return Estimate(index, source, (height, width), runs.astype(_RUN).tobytes())


def place_of(dataset: str, split: str, data_root: Path) -> Place:
    """Where files about a dataset belong: below ``data_root``, for 'folder' beside it.

    (There every folder below the root is a class.)
    """
    root = data_root.expanduser()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{dataset}-{split}")[-_NAME_LENGTH:].strip("-.")
    return Place(root.absolute().parent if dataset == "folder" else root, name)


def _listing_key(listing: Listing) -> bytes:
    """What tells two datasets apart without reading an image: classes, labels, paths, sizes."""
    said = json.dumps([listing.classes, listing.paths], ensure_ascii=True).encode()
    return said + listing.labels.astype("<i8").tobytes() + listing.sizes.astype("<i8").tobytes()


def cache_file(place: Place, listing: Listing, method: str) -> tuple[Path, str]:
    """The file of the estimates made by ``method``, and the hash of all that decides them."""
    digest = digest_of(_listing_key(listing), b"\0", method.encode())
    return place.home / "pseudo_regions" / f"{place.name}-{digest[:12]}.jsonl", digest


@contextmanager
def locked(file: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Keep other runs from writing ``file`` meanwhile; makes its folder.

    ``say`` is told where another run has to be waited for. Raises DataError where nothing can be
    written there.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{file}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"waiting for another run that is estimating these regions ({file})")
            lock.acquire()
    except OSError as error:
        raise DataError(
            f"estimated regions cannot be kept below {str(file.parent)!r} ({error.strerror}): "
            "choose a --data-root that can be written, or --regions none"
        ) from error
    try:
        yield
    finally:
        lock.release()


def read_estimates(file: Path) -> dict[int, Estimate]:
    """The estimates in ``file`` by image; none where there is no such file.

    Raises DataError for a file that cannot be read, and for a line that is damaged, unless it is
    the last one and half-written.
    """
    if not file.is_file():
        return {}
    try:
        whole, _, _half = file.read_bytes().rpartition(b"\n")
    except OSError as error:
        raise DataError(f"{str(file)!r} cannot be read: {error.strerror}") from error
    found = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            one = _parsed(line)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise DataError(
                f"{str(file)!r} is damaged in line {number}: delete it, and the regions are "
                "estimated again"
            ) from error
        found[one.index] = one
    return found


def _parsed(line: bytes) -> Estimate:
    held = json.loads(line)
    height, width = map(int, held["size"])
    runs = np.array(held["counts"], dtype=_RUN)
    if min(height, width) < 0 or runs.sum(dtype=np.int64) != height * width:
        raise ValueError("the runs do not fill the picture")
    source = str(held["source"])
    if source != UNREADABLE and not source.startswith("pseudo:"):
        raise ValueError("no source of an estimate")
    return Estimate(int(held["index"]), source, (height, width), runs.tobytes())


def append(file: Path) -> IO[bytes]:
    """``file`` opened at the end of its last whole line.

    Raises DataError where it cannot be written, a folder of its name, say.
    """
    try:
        opened = file.open("ab")
        if opened.tell():
            opened.truncate(file.read_bytes().rfind(b"\n") + 1)
    except OSError as error:
        raise DataError(
            f"estimated regions cannot be kept in {str(file)!r} ({error.strerror}): move it away"
        ) from error
    return opened
