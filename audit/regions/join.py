"""Which image and which class an annotation means: the names of two worlds, matched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import numpy as np

from audit.errors import DataError
from audit.models.output_names import folded
from audit.records import OTHER, UNCLASSED, Listing

__all__ = ["examples", "image_names", "match_classes", "match_images", "refuse_outside"]

_SHOWN = 3


def examples(names: Iterable[str]) -> str:
    """The first few names, quoted, and how many more there are."""
    every = list(names)
    shown = ", ".join(map(repr, every[:_SHOWN]))
    return shown + (f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else "")


def image_names(listing: Listing) -> tuple[str, ...]:
    """The dataset's image names: its relative paths, or ``000012.png`` where it has none.

    ``cam-audit regions`` writes the pictures of a dataset without files under these names.
    """
    if listing.paths is not None:
        return listing.paths
    return tuple(f"{index:06d}.png" for index in range(len(listing)))


def match_images(named: Sequence[str], listing: Listing, *, suffix: bool = True) -> np.ndarray:
    """The dataset's image that each name means: int64, -1 where it means none.

    By the whole relative path; else by the file name alone, where it is unique on both sides.
    ``suffix`` False leaves the file type out of the comparison. Raises DataError for names that
    leave the folder (``..``, absolute), and where none of them is an image of the dataset.
    """
    known, asked = (
        [_key(name, suffix) for name in names] for names in (image_names(listing), named)
    )
    refuse_outside(named)
    found = _by(known, asked)
    if (found < 0).any():
        short = [[PurePosixPath(name).name for name in names] for names in (known, asked)]
        found = np.where(found < 0, _by(*short), found)
    if not (found >= 0).any():
        raise DataError(
            f"none of the {len(named)} annotated images is in the dataset: they are named "
            f"{examples(named)}, the dataset's {examples(image_names(listing))}"
        )
    return found


def match_classes(
    categories: Sequence[str], classes: Sequence[str]
) -> tuple[list[int], tuple[str, ...]]:
    """The class of the dataset that each category is, and what a person should know of it.

    Case, spaces, hyphens and underscores count only where they tell two classes apart. A category
    that is no class is OTHER; where none of them is one, all are UNCLASSED.
    """
    exact = {name: i for i, name in enumerate(classes)}
    index = {folded(name): i for i, name in enumerate(classes)}
    found = [exact.get(name, index.get(folded(name), OTHER)) for name in categories]
    strange = [name for name, i in zip(categories, found, strict=True) if i == OTHER]
    if not strange:
        return found, ()
    if len(strange) == len(categories):
        return [UNCLASSED] * len(categories), (
            f"none of the annotations' categories ({examples(strange)}) is a class of the dataset "
            f"({examples(classes)}): every object counts as the labelled one",
        )
    return found, (
        f"categories that are no class of the dataset, kept as other objects: {len(strange)} "
        f"({examples(strange)})",
    )


def refuse_outside(named: Sequence[str]) -> None:
    """Raise DataError for image names that leave the dataset's folder (``..``, absolute)."""
    keys = [_key(name, suffix=True) for name in named]
    bad = [
        name
        for key, name in zip(keys, named, strict=True)
        if key.startswith("/") or ".." in PurePosixPath(key).parts
    ]
    if bad:
        raise DataError(
            f"{len(bad)} annotated images are named outside the dataset's folder "
            f"({examples(bad)}): a relative path without '..' is needed"
        )


def _key(name: str, suffix: bool) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    return str(path if suffix else path.with_suffix("") if path.name else path)


def _by(known: Sequence[str], asked: Sequence[str]) -> np.ndarray:
    """Place in ``known`` of each name in ``asked``, where both sides hold it once."""
    often, wanted = Counter(known), Counter(asked)
    place = {name: i for i, name in enumerate(known) if often[name] == 1}
    return np.array(
        [place.get(name, -1) if wanted[name] == 1 else -1 for name in asked], dtype=np.int64
    )
