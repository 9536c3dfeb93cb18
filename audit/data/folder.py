"""``--dataset folder``: one folder a class, by the conventions of torchvision's ImageFolder.

Classes are the sub-folders in sorted order; below each, images are found at any depth and listed in
torchvision's order, so that indices agree with a dataset trained through it. Four differences: an
empty class folder is a warning, hidden files and folders (``.ipynb_checkpoints``, ``._a.jpg``) are
no classes and no images, a folder that links lead back to is read once a class, and file sizes are
noted on the way.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from audit.data.decode import read_file, shown_name
from audit.errors import DataError
from audit.records import Listing, Reading

__all__ = ["FolderSource"]

_SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing")
_SHOWN = 5

_Image = tuple[str, int]  # path relative to the root as the file system names it, bytes


class FolderSource:
    """Images of ``<root>/<split>`` where that folder exists, else of ``root`` itself.

    ``warnings`` says what was passed over: empty classes, hidden and other files. A name that is
    not UTF-8 is shown with backslash escapes, and still read. Raises DataError where there is no
    such folder, no class folder or no image.
    """

    def __init__(self, root: Path, split: str | None = None) -> None:
        self.root = _root_of(Path(root).expanduser(), split)
        skipped: Counter[str] = Counter()
        classes = _class_folders(self.root, skipped)
        images = [_images_below(self.root, name, skipped) for name in classes]
        if not any(images):
            raise DataError(_no_images(self.root, classes))
        self.warnings = _warnings(classes, images, skipped)
        self._files = tuple(path for found in images for path, _ in found)
        self._listing = _listing(classes, images)

    @property
    def listing(self) -> Listing:
        """Paths are POSIX and relative to the root; nothing says where the objects are."""
        return self._listing

    def read(self, index: int) -> Reading:
        """Decode image ``index``; a bad file is a Reading without pixels."""
        file = self._files[index]
        return read_file(f"{self.root}{os.sep}{file}", shown_name(file))

    def slices(self, index: int) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's shape
        """A folder holds no further attributes."""
        return {}


def _root_of(root: Path, split: str | None) -> Path:
    if not root.is_dir():
        what = "is a file" if root.is_file() else "does not exist"
        raise DataError(f"{str(root)!r} {what}: --data-root must be a folder of class folders")
    if split and (root / split).is_dir():
        return root / split
    folders = sorted(entry.name for entry in _entries(root) if _is_folder(entry))
    if folders and all(name.lower() in _SPLITS for name in folders):
        wanted = f"no split {split!r}" if split else "no split was named"
        found = ", ".join(folders)
        raise DataError(f"{wanted}, and {str(root)!r} holds splits: choose --split from {found}")
    return root


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:  # its images would be missing from the audit without a word
        raise DataError(f"cannot list folder {str(folder)!r}: {error.strerror}") from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself, or where nobody may look
        return False


def _class_folders(root: Path, skipped: Counter[str]) -> list[str]:
    classes = []
    for entry in _entries(root):
        if entry.name.startswith("."):
            skipped["hidden"] += 1
        elif _is_folder(entry):
            classes.append(entry.name)
        else:
            skipped["loose" if _is_image(entry.name) else "other"] += 1
    if not classes:
        loose = skipped["loose"]
        hint = f" (image files directly in it: {loose})" if loose else ""
        raise DataError(
            f"no class folders in {str(root)!r}{hint}: expected <class>/<image> below it"
        )
    return sorted(classes)


def _images_below(root: Path, name: str, skipped: Counter[str]) -> list[_Image]:
    """The images of class folder ``name``, in the order of torchvision's ``make_dataset``."""
    folders = sorted(_walk(root, name, skipped))
    return [(f"{folder}/{image}", size) for folder, images in folders for image, size in images]


def _walk(root: Path, name: str, skipped: Counter[str]) -> Iterator[tuple[str, list[_Image]]]:
    """Every folder below ``name`` once, with its images sorted: links may lead in circles."""
    seen: set[tuple[int, int]] = set()
    waiting = [name]
    while waiting:
        folder = waiting.pop()
        if _been_there(f"{root}{os.sep}{folder}", seen):
            skipped["again"] += 1
            continue
        images: list[_Image] = []
        for entry in _entries(f"{root}{os.sep}{folder}"):
            if entry.name.startswith("."):
                skipped["hidden"] += 1
            elif _is_folder(entry):
                waiting.append(f"{folder}/{entry.name}")
            elif _is_image(entry.name):
                images.append((entry.name, _size(entry)))
            else:
                skipped["other"] += 1
        yield folder, sorted(images)


def _been_there(folder: str, seen: set[tuple[int, int]]) -> bool:
    status = os.stat(folder)  # noqa: PTH116 - follows links, on a name that may not be UTF-8
    identity = (status.st_dev, status.st_ino)
    known = identity in seen
    seen.add(identity)
    return known


def _is_image(name: str) -> bool:
    from torchvision.datasets.folder import IMG_EXTENSIONS  # noqa: PLC0415 - heavy

    return name.lower().endswith(IMG_EXTENSIONS)


def _size(entry: os.DirEntry[str]) -> int:
    """Bytes; 0 for a link to a missing file, which stays a row."""
    try:
        return entry.stat().st_size
    except OSError:
        return 0


def _no_images(root: Path, classes: list[str]) -> str:
    from torchvision.datasets.folder import IMG_EXTENSIONS  # noqa: PLC0415 - heavy

    where = f"{len(classes)} class folders of {str(root)!r} ({_some(classes)})"
    return f"no image in the {where}: looked for {', '.join(IMG_EXTENSIONS)}"


def _warnings(
    classes: list[str], images: list[list[_Image]], skipped: Counter[str]
) -> tuple[str, ...]:
    empty = [name for name, found in zip(classes, images, strict=True) if not found]
    said = {
        f"class folders without an image: {len(empty)} ({_some(empty)})": len(empty),
        f"images outside every class folder, skipped: {skipped['loose']}": skipped["loose"],
        f"hidden files or folders, skipped: {skipped['hidden']}": skipped["hidden"],
        f"files that are not images, skipped: {skipped['other']}": skipped["other"],
        f"folders reached again through links, skipped: {skipped['again']}": skipped["again"],
    }
    return tuple(text for text, count in said.items() if count)


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(shown_name(name)) for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _listing(classes: list[str], images: list[list[_Image]]) -> Listing:
    counts = [len(found) for found in images]
    return Listing(
        classes=tuple(shown_name(name) for name in classes),
        labels=np.repeat(np.arange(len(classes), dtype=np.int64), counts),
        paths=tuple(shown_name(path) for found in images for path, _ in found),
        sizes=np.array([size for found in images for _, size in found], dtype=np.int64),
    )
