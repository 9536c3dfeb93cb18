"""Pictures of the cases a report shows: the model's view and the region, kept in the run folder.

With them the report, the comparison and the browser need neither the dataset nor a path from a
table.
"""

from __future__ import annotations

from collections.abc import Mapping
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

__all__ = ["write_media"]

_SIDE = 224  # px: the longest side of a stored view
_QUALITY = 88  # JPEG
_PART = 512


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
    n_parts = -(-len(chosen) // _PART)
    for k in range(n_parts):
        rows = chosen.iloc[k * _PART : (k + 1) * _PART]
        write_table(_part(plan, rows, covered), part_path(folder, k), metadata)
    for stale in set(folder.glob("part-*.parquet")) - {
        part_path(folder, k) for k in range(n_parts)
    }:
        stale.unlink()


def _part(plan: Plan, rows: pd.DataFrame, covered: Mapping[int, np.ndarray]) -> pa.Table:
    indices = rows["index"].to_numpy(dtype=np.int64)
    config = plan.config
    columns: dict[str, list[object]] = {"view": [], "region": []}
    for batch in batches(views_of(plan), indices, config.batch_size, config.workers):
        images = batch.view_on(torch.device("cpu")).permute(0, 2, 3, 1).numpy()
        columns["view"] += [_jpeg(image) for image in images]
        columns["region"] += _regions(batch)
    columns["covered"] = [
        _jpeg(covered[index]) if index in covered else None for index in indices.tolist()
    ]
    columns |= {"index": indices.tolist(), "galleries": rows["galleries"].tolist()}
    return pa.table(columns, schema=arrow_schema("media"))


def _regions(batch: Batch) -> list[bytes | None]:
    """The labelled objects of each image, as a PNG; of one without a label, every object."""
    drawn: list[bytes | None] = [None] * len(batch)
    if batch.groups is None:
        return drawn
    label = batch.label[batch.groups.image]
    theirs = (batch.groups.label == UNCLASSED) | (batch.groups.label == label) | (label < 0)
    for place in np.unique(batch.groups.image[theirs]):
        union = batch.groups.raster[torch.from_numpy(theirs & (batch.groups.image == place))].any(0)
        raster = union.numpy().astype(np.uint8) * 255
        drawn[place] = _encoded(".png", _small(raster, cv2.INTER_NEAREST), [])
    return drawn


def _jpeg(image: np.ndarray) -> bytes:
    small = _small(image, cv2.INTER_AREA)
    return _encoded(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])


def _small(image: np.ndarray, interpolation: int) -> np.ndarray:
    """``image`` with its longest side at most 224 px."""
    height, width = image.shape[:2]
    scale = _SIDE / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=interpolation)


def _encoded(suffix: str, image: np.ndarray, options: list[int]) -> bytes:
    _, data = cv2.imencode(suffix, np.ascontiguousarray(image), options)
    return bytes(data)
