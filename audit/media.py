"""Pictures of the cases a report shows: the model's view and the region, kept in the run folder.

With them the report, the comparison and the browser need neither the dataset nor a path from a
table. All pictures of a run together have a budget, so that a report stays small enough to be sent:
many cases get smaller pictures, and a picture rich in detail is compressed more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from audit.data.loader import batches
from audit.engine import views_of
from audit.plan import Plan
from audit.records import UNCLASSED, Batch
from audit.tables.parts import part_path, write_table
from audit.tables.schema import arrow_schema

__all__ = ["Size", "picture_of", "size_for", "write_media"]

_BUDGET = 5_000_000  # bytes of all pictures, while there are at most 2,500 of them
_LEAST = 2_000  # bytes a picture, however many there are
# Longest side in pixels → bytes that a picture of that side is worth: the first that fits is taken.
_SIDES = {224: 6_000, 192: 4_400, 160: 3_000, 128: 0}
_QUALITIES = (85, 75, 65, 50, 35)  # WebP: the first that keeps to the bytes of a picture
_PART = 512


@dataclass(frozen=True)
class Size:
    """How large a run's pictures may be."""

    side: int  # px, the longest one
    limit: int  # bytes of one picture


def write_media(
    plan: Plan,
    chosen: pd.DataFrame,
    covered: Mapping[int, np.ndarray],
    folder: Path,
    metadata: dict[str, str],
) -> None:
    """Write ``media`` for the ``chosen`` cases (columns index, galleries) below ``folder``.

    ``covered`` holds the covered version (H×W×3 uint8) of the images that have one. Reads the
    chosen images once more, through the same views as the audit. Parts left from an earlier choice
    are removed.
    """
    size = size_for(len(chosen) + int(chosen["index"].isin(list(covered)).sum()))
    n_parts = -(-len(chosen) // _PART)
    for k in range(n_parts):
        rows = chosen.iloc[k * _PART : (k + 1) * _PART]
        write_table(_part(plan, rows, covered, size), part_path(folder, k), metadata)
    for stale in set(folder.glob("part-*.parquet")) - {
        part_path(folder, k) for k in range(n_parts)
    }:
        stale.unlink()


def size_for(pictures: int) -> Size:
    """The size of each of so many pictures.

    500 pictures may have 10,000 bytes each, and so 224 px; 2,000 have 2,500, and so 128.
    """
    limit = max(_BUDGET // max(pictures, 1), _LEAST)
    side = next(side for side, worth in _SIDES.items() if limit >= worth)
    return Size(side, limit)


def _part(
    plan: Plan, rows: pd.DataFrame, covered: Mapping[int, np.ndarray], size: Size
) -> pa.Table:
    indices = rows["index"].to_numpy(dtype=np.int64)
    config = plan.config
    columns: dict[str, list[object]] = {"view": [], "region": []}
    for batch in batches(views_of(plan), indices, plan.batch_size, config.workers):
        images = batch.view_on(torch.device("cpu")).permute(0, 2, 3, 1).numpy()
        columns["view"] += [picture_of(image, size) for image in images]
        columns["region"] += _regions(batch, size.side)
    columns["covered"] = [
        picture_of(covered[index], size) if index in covered else None for index in indices.tolist()
    ]
    columns |= {"index": indices.tolist(), "galleries": rows["galleries"].tolist()}
    return pa.table(columns, schema=arrow_schema("media"))


def _regions(batch: Batch, side: int) -> list[bytes | None]:
    """The labelled objects of each image, as a PNG; of one without a label, every object."""
    drawn: list[bytes | None] = [None] * len(batch)
    if batch.groups is None:
        return drawn
    label = batch.label[batch.groups.image]
    theirs = (batch.groups.label == UNCLASSED) | (batch.groups.label == label) | (label < 0)
    for place in np.unique(batch.groups.image[theirs]):
        union = batch.groups.raster[torch.from_numpy(theirs & (batch.groups.image == place))].any(0)
        raster = union.numpy().astype(np.uint8) * 255
        drawn[place] = _encoded(".png", _small(raster, side, cv2.INTER_NEAREST), [])
    return drawn


def picture_of(image: np.ndarray, size: Size) -> bytes:
    """``image`` (H×W×3 uint8, RGB) as WebP of that size; beyond its limit only at the last quality.

    Each quality is tried in turn, the best first.
    """
    small = _small(image, size.side, cv2.INTER_AREA)[..., ::-1]
    for quality in _QUALITIES:
        data = _encoded(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, quality])
        if len(data) <= size.limit:
            break
    return data


def _small(image: np.ndarray, side: int, interpolation: int) -> np.ndarray:
    """``image`` with its longest side at most ``side`` px."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, shape, interpolation=interpolation)


def _encoded(suffix: str, image: np.ndarray, options: list[int]) -> bytes:
    _, data = cv2.imencode(suffix, np.ascontiguousarray(image), options)
    return bytes(data)
