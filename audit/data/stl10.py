"""STL10's binary format, memory-mapped; the decoy set is stored in it too.

``<split>_X.bin`` holds N × 3 × 96 × 96 uint8, each channel column by column; ``<split>_y.bin`` one
uint8 a label, 1 to 10 (https://cs.stanford.edu/~acoates/stl10). Nothing is read until a batch asks
for its slice, so memory does not grow with the split.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from audit.data.decoy import DecoySpec, prepare
from audit.data.splits import check_split
from audit.errors import DataError
from audit.records import Listing

__all__ = ["BinarySource", "open_decoy", "open_stl10"]

_SIDE = 96
_FOLDER = "stl10_binary"
_CLASSES = (
    "airplane",
    "bird",
    "car",
    "cat",
    "deer",
    "dog",
    "horse",
    "monkey",
    "ship",
    "truck",
)
_SPLITS = ("train", "test", "unlabeled")
_DECOY_SPLITS = ("train", "test", "test-decorrelated")


@dataclass(frozen=True)
class BinarySource:
    """Images of one split in STL10's binary format; see ``audit.data.base.ArraySource``.

    ``labels_file`` and ``masks_file`` are None where the split has none.
    """

    images_file: Path
    labels_file: Path | None
    masks_file: Path | None
    classes: tuple[str, ...]
    side: int = _SIDE
    warnings: tuple[str, ...] = ()

    @cached_property
    def images(self) -> np.ndarray:
        """N×3×side×side uint8, a memory map whose last two axes are swapped to row-major sense."""
        return _mapped(self.images_file, (3, self.side, self.side)).swapaxes(-1, -2)

    @cached_property
    def masks(self) -> np.ndarray | None:
        """N×side×side uint8, 1 on the object; None where the set has no masks."""
        if self.masks_file is None:
            return None
        return _mapped(self.masks_file, (self.side, self.side)).swapaxes(-1, -2)

    @cached_property
    def listing(self) -> Listing:
        """Labels counted from 0; every image has the same size and no path of its own."""
        n = len(self.images)
        return Listing(
            classes=self.classes,
            labels=self._labels(n),
            paths=None,
            sizes=np.full(n, 3 * self.side * self.side, dtype=np.int64),
            annotations=_file_hash(self.masks_file) if self.masks_file else "",
        )

    def __getstate__(self) -> dict[str, object]:
        """Only what names the files: a worker process maps them itself."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _labels(self, n: int) -> np.ndarray:
        if self.labels_file is None:
            return np.full(n, -1, dtype=np.int64)
        labels = np.fromfile(self.labels_file, dtype=np.uint8).astype(np.int64)
        if len(labels) != n:
            raise DataError(
                f"{self.labels_file.name} holds {len(labels)} labels, {self.images_file.name} "
                f"{n} images: the files do not belong together"
            )
        wrong = np.flatnonzero((labels < 1) | (labels > len(self.classes)))
        if len(wrong):
            raise DataError(
                f"{self.labels_file.name} has {len(wrong)} labels outside 1 to "
                f"{len(self.classes)}, the first being {labels[wrong[0]]} of image {wrong[0]}"
            )
        return labels - 1


def open_stl10(data_root: Path, split: str) -> BinarySource:
    """STL10's ``split`` (train, test, unlabeled) below ``data_root``; fetched if it is not there.

    Raises ConfigError for an unknown split; DataError where the files are neither there nor to be
    had, or are not in the format.
    """
    check_split("stl10", split, _SPLITS)
    folder = data_root / _FOLDER
    images = folder / f"{split}_X.bin"
    labels = None if split == "unlabeled" else folder / f"{split}_y.bin"
    if not all(file.exists() for file in (images, labels) if file is not None):
        _download(data_root, images, labels)
    source = BinarySource(images, labels, None, _CLASSES, warnings=_unofficial(images))
    _ = source.images  # a wrong format is said now, not in a worker
    return source


def open_decoy(data_root: Path, split: str) -> BinarySource:
    """The built-in planted-shortcut set's ``split``, made below ``data_root`` on first use."""
    check_split("decoy", split, _DECOY_SPLITS)
    spec = DecoySpec()
    folder = prepare(data_root, spec)
    return BinarySource(
        images_file=folder / f"{split}_X.bin",
        labels_file=folder / f"{split}_y.bin",
        masks_file=folder / f"{split}_mask.bin",
        classes=tuple((folder / "class_names.txt").read_text().split()),
        side=spec.size,
    )


def _mapped(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The whole file as N×shape uint8, without reading it."""
    item = int(np.prod(shape))
    try:
        size = file.stat().st_size
        if size == 0 or size % item:
            raise DataError(
                f"{file} has {size} bytes: STL10's binary format needs a whole number of images of "
                f"{'×'.join(map(str, shape))} = {item} bytes; the file is truncated or another one"
            )
        return np.memmap(file, dtype=np.uint8, mode="r", shape=(size // item, *shape))
    except OSError as error:
        raise DataError(f"{file}: {error.strerror or error}") from error


def _file_hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _official_md5(file: Path) -> str | None:
    from torchvision.datasets import STL10  # noqa: PLC0415 - heavy, and only STL10 needs it

    known = dict((*STL10.train_list, *STL10.test_list))
    return known.get(file.name)


def _unofficial(images: Path) -> tuple[str, ...]:
    """A warning where the file is not the published one; it may be meant, so it is no error."""
    with images.open("rb") as stream:
        if hashlib.file_digest(stream, "md5").hexdigest() == _official_md5(images):
            return ()
    return (f"{images.name} is not the published STL10 file (its md5 differs)",)


def _download(data_root: Path, images: Path, labels: Path | None) -> None:
    from torchvision.datasets import STL10  # noqa: PLC0415
    from torchvision.datasets.utils import download_and_extract_archive  # noqa: PLC0415

    try:
        download_and_extract_archive(
            STL10.url, str(data_root), filename=STL10.filename, md5=STL10.tgz_md5
        )
    except (OSError, RuntimeError) as error:
        wanted = " and ".join(str(file) for file in (images, labels) if file is not None)
        raise DataError(
            f"STL10 is not below {data_root} and could not be fetched from {STL10.url} ({error}). "
            f"Fetch {STL10.filename} elsewhere and unpack it there, so that {wanted} exist, "
            "or name another folder with --data-root"
        ) from error
