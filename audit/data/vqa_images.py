"""The image files of VQA v2's questions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from audit.data.vqa_layout import image_stem
from audit.errors import DataError
from audit.regions.join import examples

__all__ = ["find_images"]

_SUFFIXES: Final = (".jpg", ".jpeg", ".png")


def find_images(root: Path, subsets: Iterable[str], ids: Collection[int]) -> dict[int, str]:
    """The path below ``root`` of each image, as the first of ``subsets`` that has any names them.

    A missing image gets the path that it would have. Raises DataError where all are missing.
    """
    places = [
        (folder, subset)
        for subset in subsets
        if re.fullmatch(r"[\w-][\w.-]*", subset)  # it may come from the file
        for folder in (f"{subset}/", f"images/{subset}/", "images/", "")
    ]
    stems: dict[int, str] = {}
    for folder, subset in places:
        there = _images_in(root / folder)
        stems = {key: image_stem(subset, key) for key in ids}
        if any(stem in there for stem in stems.values()):
            return {
                key: f"{folder}{there.get(stem, stem + _SUFFIXES[0])}"
                for key, stem in stems.items()
            }
    looked = ", ".join(dict.fromkeys(folder or "the folder itself" for folder, _ in places))
    raise DataError(
        f"none of the {len(ids)} images ({examples(stems.values())}, each with one of "
        f"{', '.join(_SUFFIXES)}) is below {str(root)!r}: looked in {looked}"
    )


def _images_in(folder: Path) -> dict[str, str]:
    """File names by their stems; of one stem, the suffix that comes first in ``_SUFFIXES``."""
    try:
        names = [file.name for file in folder.iterdir()]
    except OSError:  # no such folder, or not to be listed
        return {}
    return {
        name.removesuffix(suffix): name
        for suffix in reversed(_SUFFIXES)
        for name in names
        if name.endswith(suffix)
    }
