"""Where the files of a dataset in COCO's layout lie below its folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from audit.errors import DataError
from audit.regions.join import examples

__all__ = [
    "YEARS",
    "data_folder",
    "file_size",
    "first_file",
    "image_folder",
    "told",
    "without_year",
]

#: What may follow a split's name in the names of its files and of its folder.
YEARS = ("", "2017", "2014")


def data_folder(data_root: Path, what: str) -> Path:
    """``data_root`` as the folder of a ``what`` dataset; DataError where it is none."""
    root = Path(data_root).expanduser()
    if not root.is_dir():
        found = "is a file" if root.is_file() else "does not exist"
        raise DataError(
            f"{str(root)!r} {found}: --data-root must be the folder of a {what} dataset"
        )
    return root


def first_file(
    root: Path, split: str, wanted: Sequence[str], what: str, splits: Iterable[str]
) -> Path:
    """The first of ``wanted`` that is a file below ``root``.

    Raises DataError, with all that was looked for and the ``splits`` that there are.
    """
    for name in wanted:
        if (root / name).is_file():
            return root / name
    found = ", ".join(splits)
    hint = f"choose --split from {found}" if found else "and there is none of another split"
    raise DataError(
        f"no {what} of split {split!r} in {str(root)!r} (looked for {', '.join(wanted)}): {hint}"
    )


def without_year(subset: str, years: Sequence[str] = YEARS) -> str:
    """The split that the files of ``subset`` belong to: ``val`` of ``val2014``."""
    return next((subset.removesuffix(y) for y in years if y and subset.endswith(y)), subset)


def image_folder(root: Path, split: str, names: Sequence[str]) -> Path:
    """The first folder that holds any of the images; DataError where none does."""
    wanted = [f"{parent}{split}{year}" for year in YEARS for parent in ("", "images/")]
    for name in (*wanted, "images", "."):
        folder = root / name
        if folder.is_dir() and any((folder / image).is_file() for image in names):
            return folder
    raise DataError(
        f"none of the {len(names)} images ({examples(names)}) is below {str(root)!r}: looked in "
        f"{', '.join(wanted)}, images and the folder itself"
    )


def told(what: str, names: Sequence[str], values: Sequence[int]) -> tuple[str, ...]:
    """A warning of the names whose value is below 0, if there are any."""
    those = [name for name, value in zip(names, values, strict=True) if value < 0]
    return (f"{what}: {len(those)} ({examples(those)})",) if those else ()


def file_size(file: Path) -> int:
    """Bytes; -1 where there is no such file."""
    try:
        return file.stat().st_size
    except OSError:
        return -1
