"""Source → DataLoader → Batch: what the engine's loop runs over."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from audit.data.base import ArraySource, Source
from audit.data.geometry import View, view_of
from audit.errors import AuditError, ConfigError, DataError
from audit.records import Batch, Preprocessing, Reading
from audit.regions.boxes import clip, union_area

__all__ = ["Views", "batches", "view_size"]

_MAX_WORKERS = 8


@dataclass(frozen=True)
class Views(Dataset[Batch]):
    """A source seen by one model: ``__getitems__`` makes a whole batch at once.

    ``size`` is the (height, width) that every view must have: a batch is one tensor.
    """

    source: Source | ArraySource
    preprocessing: Preprocessing
    size: tuple[int, int]
    with_regions: bool

    def __getitems__(self, indices: Sequence[int]) -> Batch | AuditError:
        """The batch of these positions; an error of the user's data travels as a value.

        (Raised in a worker process, its message would arrive wrapped in a traceback.)
        """
        index = np.asarray(indices, dtype=np.int64)
        try:
            if isinstance(self.source, ArraySource):
                return self._slice(self.source, index)
            return self._read(self.source, index)
        except AuditError as error:
            return error

    def _slice(self, source: ArraySource, index: np.ndarray) -> Batch:
        n = len(index)
        pixels = np.ascontiguousarray(source.images[_as_slice(index)])
        height, width = pixels.shape[-2:]
        view = view_of(height, width, self.preprocessing)
        region, n_regions, visible = self._masks(source, index, view)
        return Batch(
            index=index,
            pixels=torch.from_numpy(pixels),
            to_view=view.pixels,
            readable=np.ones(n, dtype=bool),
            label=source.listing.labels[index],
            region=region,
            n_regions=n_regions,
            visible=visible,
            size=np.tile(np.array([height, width], dtype=np.int32), (n, 1)),
            frame=np.tile(np.array(view.frame, dtype=np.float32), (n, 1)),
            digest=tuple(hashlib.blake2b(image, digest_size=16).hexdigest() for image in pixels),
            detail=("",) * n,
            path=(None,) * n,
            slices=({},) * n,
        )

    def _masks(
        self, source: ArraySource, index: np.ndarray, view: View
    ) -> tuple[torch.Tensor | None, np.ndarray, np.ndarray]:
        """Region on the view (B×H×W bool), objects an image, visible share of the region."""
        n = len(index)
        if source.masks is None or not self.with_regions:
            return None, np.zeros(n, dtype=np.int32), np.full(n, np.nan, dtype=np.float32)
        masks = np.ascontiguousarray(source.masks[_as_slice(index)])
        kept, whole = _inside(masks, view.frame).sum(axis=(1, 2)), masks.sum(axis=(1, 2))
        return (
            torch.from_numpy(view.of_mask(masks)),
            (whole > 0).astype(np.int32),
            _share(kept, whole),
        )

    def _read(self, source: Source, index: np.ndarray) -> Batch:
        listing = source.listing
        readings = [source.read(int(i)) for i in index]
        seen = [
            self._see(reading, int(i), source) for reading, i in zip(readings, index, strict=True)
        ]
        regions = [one.region for one in seen]
        blank = np.zeros(self.size, dtype=bool)
        return Batch(
            index=index,
            pixels=torch.stack([one.pixels for one in seen]),
            to_view=None,
            readable=np.array([reading.pixels is not None for reading in readings]),
            label=listing.labels[index],
            region=torch.from_numpy(np.stack([blank if r is None else r for r in regions]))
            if any(r is not None for r in regions)
            else None,
            n_regions=np.array([one.n_regions for one in seen], dtype=np.int32),
            visible=np.array([one.visible for one in seen], dtype=np.float32),
            size=np.array([one.size for one in seen], dtype=np.int32),
            frame=np.array([one.frame for one in seen], dtype=np.float32),
            digest=tuple(reading.digest for reading in readings),
            detail=tuple(reading.detail for reading in readings),
            path=tuple(listing.paths[i] if listing.paths else None for i in index),
            slices=tuple(source.slices(int(i)) for i in index),
        )

    def _see(self, reading: Reading, index: int, source: Source) -> _Seen:
        if reading.pixels is None:
            return _Seen(torch.zeros((3, *self.size), dtype=torch.uint8))
        height, width = reading.pixels.shape[:2]
        view = view_of(height, width, self.preprocessing)
        if (view.height, view.width) != self.size:
            raise ConfigError(self._size_message(view, index, source))
        pixels = torch.from_numpy(np.ascontiguousarray(reading.pixels)).permute(2, 0, 1)
        region, n_regions, visible = self._region(reading, view)
        return _Seen(
            view.pixels(pixels).contiguous(),
            region,
            n_regions,
            visible,
            (height, width),
            view.frame,
        )

    def _region(self, reading: Reading, view: View) -> tuple[np.ndarray | None, int, float]:
        if not self.with_regions:
            return None, 0, np.nan
        if reading.mask is not None and reading.mask.any():
            kept = _inside(reading.mask[None], view.frame).sum()
            return view.of_mask(reading.mask), 1, float(kept / reading.mask.sum())
        if reading.boxes is not None:
            boxes = clip(reading.boxes, (0, 0, view.source[1], view.source[0]))
            if len(boxes):
                kept = union_area(clip(boxes, view.frame))
                return view.of_boxes(boxes), len(boxes), kept / union_area(boxes)
        return None, 0, np.nan

    def _size_message(self, view: View, index: int, source: Source) -> str:
        paths = source.listing.paths
        name = repr(paths[index]) if paths else f"number {index}"
        return (
            f"image {name} gives a view of {view.height}×{view.width} pixels, the first one gave "
            f"{self.size[0]}×{self.size[1]}: the images differ in size, so say what the model "
            "wants with --input-size N, or --resize HxW, or --resize N --crop N"
        )


@dataclass(frozen=True)
class _Seen:
    """One image on its way into a batch."""

    pixels: torch.Tensor
    region: np.ndarray | None = None
    n_regions: int = 0
    visible: float = np.nan
    size: tuple[int, int] = (0, 0)
    frame: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def batches(
    views: Views, indices: np.ndarray, batch_size: int, workers: int | None
) -> Iterator[Batch]:
    """The batches of ``indices``, in order.

    ``workers`` None chooses: none for memory-mapped arrays (a batch is one copy), else one process
    a core, at most eight, and no more than there are batches. Raises what a bad dataset raises.
    """
    groups = [indices[i : i + batch_size].tolist() for i in range(0, len(indices), batch_size)]
    loader = DataLoader(
        views,
        batch_sampler=groups,
        num_workers=min(_workers(views, workers), len(groups)),
        collate_fn=_unchanged,
    )
    for batch in loader:
        if isinstance(batch, AuditError):
            raise batch
        yield batch


def view_size(
    source: Source | ArraySource, indices: np.ndarray, preprocessing: Preprocessing
) -> tuple[int, int]:
    """The size of the model's view, from the first readable image."""
    if isinstance(source, ArraySource):
        height, width = source.images.shape[-2:]
        view = view_of(height, width, preprocessing)
        return view.height, view.width
    for index in indices:
        pixels = source.read(int(index)).pixels
        if pixels is not None:
            view = view_of(pixels.shape[0], pixels.shape[1], preprocessing)
            return view.height, view.width
    raise DataError(f"none of the {len(indices)} images can be read; the first: {_first(source)}")


def _first(source: Source) -> str:
    paths = source.listing.paths
    return f"{paths[0] if paths else 0!r}: {source.read(0).detail}"


def _workers(views: Views, asked: int | None) -> int:
    if asked is not None:
        return asked
    if isinstance(views.source, ArraySource):
        return 0
    return min(os.cpu_count() or 1, _MAX_WORKERS)


def _unchanged(batch: Any) -> Any:
    return batch


def _as_slice(index: np.ndarray) -> slice | np.ndarray:
    """A slice where the positions are consecutive: one copy instead of a gather."""
    if len(index) and index[-1] - index[0] == len(index) - 1 and (np.diff(index) == 1).all():
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


def _inside(masks: np.ndarray, frame: tuple[float, float, float, float]) -> np.ndarray:
    """``masks`` (n×H×W) cut to the pixels whose centre lies in ``frame``."""
    x0, y0, x1, y1 = frame
    ys, xs = np.arange(masks.shape[-2]) + 0.5, np.arange(masks.shape[-1]) + 0.5
    return masks * ((ys >= y0) & (ys < y1))[:, None] * ((xs >= x0) & (xs < x1))


def _share(kept: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, kept / np.maximum(whole, 1), np.nan).astype(np.float32)
