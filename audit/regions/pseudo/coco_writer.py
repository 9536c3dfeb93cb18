"""Estimated regions as a COCO instances file that annotation tools open."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from audit.data.base import ArraySource, Source
from audit.errors import DataError
from audit.records import Listing
from audit.regions.boxes import mask_boxes
from audit.regions.join import image_names
from audit.regions.pseudo.cache import UNREADABLE, Estimate
from audit.regions.pseudo.estimate import picture
from audit.regions.pseudo.outline import polygons_of

__all__ = ["MIXED", "write_coco", "write_pictures"]

#: ``info.region_source`` where the regions come from more than one method.
MIXED = "pseudo:mixed"
_DESCRIPTION = (
    "Estimated regions, written by cam-audit. They count as estimates while info.region_source "
    "is here: remove that key once a person has checked them."
)


def write_coco(file: Path, listing: Listing, estimates: Mapping[int, Estimate]) -> None:
    """Write ``estimates`` of the dataset's images, by index, to ``file``: all of it, or nothing.

    Categories are the dataset's classes, counted from 1; the regions are polygons along the edges
    of their pixels. An image that could not be read is left out, one without a label or a region
    has no annotation. Raises DataError where the file cannot be written.
    """
    readable = {i: one for i, one in estimates.items() if one.source != UNREADABLE}
    shown = {i: one for i, one in readable.items() if one.found and listing.labels[i] >= 0}
    content = {
        "info": {"description": _DESCRIPTION, "region_source": _source_of(shown)},
        "images": _images(listing, readable),
        "categories": [{"id": i, "name": name} for i, name in enumerate(listing.classes, 1)],
        "annotations": [
            _annotation(number, one, int(listing.labels[i]))
            for number, (i, one) in enumerate(shown.items(), 1)
        ],
    }
    half = file.with_name(f".{file.name}.half")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(json.dumps(content, separators=(",", ":")), "utf-8")
        half.replace(file)
    except OSError as error:
        raise DataError(f"cannot write {str(file)!r}: {os.strerror(error.errno or 0)}") from error


def write_pictures(folder: Path, source: Source | ArraySource, indices: np.ndarray) -> None:
    """Write the images ``indices`` as PNG to ``folder``, under the names that the file uses.

    For a dataset whose images are no files. One that cannot be read is left out. Raises DataError
    where the folder cannot be written.
    """
    names = image_names(source.listing)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index in map(int, indices):
            pixels = picture(source, index)
            if pixels is not None:
                Image.fromarray(pixels).save(folder / names[index])
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise DataError(f"cannot write pictures to {str(folder)!r}: {why}") from error


def _source_of(shown: Mapping[int, Estimate]) -> str:
    sources = {one.source for one in shown.values()}
    return sources.pop() if len(sources) == 1 else MIXED


def _images(listing: Listing, estimates: Mapping[int, Estimate]) -> list[dict[str, Any]]:
    names = image_names(listing)
    return [
        {"id": i + 1, "file_name": names[i], "width": one.size[1], "height": one.size[0]}
        for i, one in estimates.items()
    ]


def _annotation(number: int, one: Estimate, label: int) -> dict[str, Any]:
    mask = one.mask()
    x0, y0, x1, y1 = mask_boxes(mask[None]).astype(int)[0].tolist()
    return {
        "id": number,
        "image_id": one.index + 1,
        "category_id": label + 1,
        "segmentation": polygons_of(mask),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": int(mask.sum()),
        "iscrowd": 0,
    }
