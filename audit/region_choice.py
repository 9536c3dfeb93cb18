"""``--regions`` → where a run's regions come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from audit.config import REGIONS, RunConfig
from audit.data.base import ArraySource, Source
from audit.errors import ConfigError, nearest
from audit.records import Annotation, Listing
from audit.regions.base import Annotations
from audit.regions.join import image_names

__all__ = ["RegionChoice", "asked_regions", "choose_regions"]

_PEEKED = 64  # images of a user's dataset that are read to see whether it brings regions
_TRIED = 16  # images that are read to see whether annotations from beside fit them
#: What a dataset takes where nothing is asked for; the others take what they bring.
_DEFAULTS = {"stl10": "auto"}


@dataclass(frozen=True)
class RegionChoice:
    """Where the regions come from, and what a person should know of them."""

    regions: Annotations | Literal["native"] | None  # None: there are none
    how: str  # the kind that was taken: native, none, coco, voc, masks, boxes, pseudo
    digest: str = ""  # of all that decides where the objects are
    notes: tuple[str, ...] = ()


def asked_regions(config: RunConfig) -> str:
    """What ``config`` asks for, or the dataset's default.

    Raises ConfigError for what is none of ``audit.config.REGIONS``.
    """
    asked = config.regions or _DEFAULTS.get(config.dataset, "native")
    kind, _, rest = asked.partition(":")
    if (kind in _FORMS and rest) or asked in ("native", "none", "auto"):
        return asked
    raise ConfigError(f"--regions {asked}: {nearest(asked, REGIONS)}")


def choose_regions(
    config: RunConfig,
    source: Source | ArraySource,
    indices: np.ndarray,
    device: torch.device,
    say: Callable[[str], object],
) -> RegionChoice:
    """The regions of the images ``indices`` of ``source``; estimated where auto finds none.

    ``say`` is told what takes long. Raises ConfigError or DataError for annotations that cannot
    be used.
    """
    asked = asked_regions(config)
    kind, _, rest = asked.partition(":")
    if asked == "none":
        return RegionChoice(None, "none")
    if kind in _FORMS:
        found = _FORMS[kind](Path(rest).expanduser(), source.listing)
        notes = (*found.warnings, *_misfit(found, source, indices))
        return RegionChoice(found, kind, found.digest, notes)
    if asked == "native" or _brings(source, indices):
        taken = ("--regions auto took the annotations that came with the dataset",)
        notes = taken if asked == "auto" else _nothing_native(source)
        return RegionChoice("native", "native", source.listing.annotations, notes)
    return _estimated(config, source, indices, device, say)


def _brings(source: Source | ArraySource, indices: np.ndarray) -> bool:
    """Whether annotations came with the dataset; a user's own is asked for some of its items."""
    from audit.data.custom import CustomSource  # noqa: PLC0415

    if isinstance(source, ArraySource):
        return source.masks is not None
    if not isinstance(source, CustomSource):
        return bool(source.listing.annotations)
    return any(source.read(i).annotation.objects for i in _spread(indices, _PEEKED))


def _spread(indices: np.ndarray, n: int) -> list[int]:
    """At most ``n`` of ``indices``, from the first to the last."""
    places = np.linspace(0, len(indices) - 1, min(n, len(indices))).astype(int)
    return [int(i) for i in indices[places]]


def _misfit(
    found: Annotations, source: Source | ArraySource, indices: np.ndarray
) -> tuple[str, ...]:
    """Said before the run where annotations fit none of the images tried: of another size, say."""
    refused = {}
    for index in _spread(indices, _TRIED):
        one = _tried(found, source, index)
        if one.objects:
            return ()
        if one.note:
            refused[image_names(source.listing)[index]] = one.note
    if not refused:
        return ()
    name, why = next(iter(refused.items()))
    return (
        f"of {min(_TRIED, len(indices))} images tried, {len(refused)} have annotations that cannot "
        f"be used, and none has others; the first, {name!r}: {why}",
    )


def _tried(found: Annotations, source: Source | ArraySource, index: int) -> Annotation:
    """What ``found`` has for an image; nothing where the image cannot be read."""
    if isinstance(source, ArraySource):
        height, width = source.images.shape[-2:]
        return found.of(index, (height, width), 1)
    reading = source.read(index)
    if reading.pixels is None:
        return Annotation()
    height, width = reading.pixels.shape[:2]
    return found.of(index, (height, width), reading.orientation)


def _nothing_native(source: Source | ArraySource) -> tuple[str, ...]:
    """Said where it is known before reading that the dataset brings no regions."""
    if source.listing.annotations:
        return ()
    return (
        "the dataset brings no regions, so where a map should lie is unknown: --regions auto "
        f"estimates them, and {', '.join(REGIONS[3:])} read yours",
    )


def _estimated(
    config: RunConfig,
    source: Source | ArraySource,
    indices: np.ndarray,
    device: torch.device,
    say: Callable[[str], object],
) -> RegionChoice:
    """Regions estimated from the pictures: made once, and kept beside the dataset."""
    from audit.regions.pseudo.cache import place_of  # noqa: PLC0415
    from audit.regions.pseudo.estimate import estimate  # noqa: PLC0415

    place = place_of(config.dataset, config.split, config.data_root)
    found = estimate(source, indices, place, device, say)
    return RegionChoice(found, "pseudo", found.digest, found.warnings)


def _coco(file: Path, listing: Listing) -> Annotations:
    from audit.regions.coco import CocoAnnotations  # noqa: PLC0415 - each brings its own imports

    return CocoAnnotations(file, listing)


def _voc(folder: Path, listing: Listing) -> Annotations:
    from audit.regions.voc import VocAnnotations  # noqa: PLC0415

    return VocAnnotations(folder, listing)


def _masks(folder: Path, listing: Listing) -> Annotations:
    from audit.regions.masks import MaskAnnotations  # noqa: PLC0415

    return MaskAnnotations(folder, listing)


def _boxes(file: Path, listing: Listing) -> Annotations:
    from audit.regions.box_table import BoxTableAnnotations  # noqa: PLC0415

    return BoxTableAnnotations(file, listing)


_FORMS: dict[str, Callable[[Path, Listing], Annotations]] = {
    "coco": _coco,
    "voc": _voc,
    "masks": _masks,
    "boxes": _boxes,
}
