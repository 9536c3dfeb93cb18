"""Source → DataLoader → Batch: what the engine's loop runs over."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, cast

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from audit.data.base import ArraySource, Source
from audit.data.decode import digest_of
from audit.data.digest import with_texts
from audit.data.geometry import View, view_of
from audit.errors import AuditError, ConfigError, DataError
from audit.records import UNCLASSED, Annotation, Batch, Groups, Preprocessing, Reading
from audit.regions.base import Annotations
from audit.regions.boxes import mask_boxes
from audit.regions.on_view import Group, ignored, on_view

__all__ = ["Views", "batches", "view_size"]

_MAX_WORKERS = 8
_HASHING = min(4, os.cpu_count() or 1)  # threads


@dataclass(frozen=True)
class Views(Dataset[Batch]):
    """A source seen by one model: ``__getitems__`` makes a whole batch at once.

    ``size`` is the (height, width) that every view must have: a batch is one tensor. ``regions``
    says where the objects are: annotations from beside the dataset, ``native`` (what comes with
    it), or None.
    """

    source: Source | ArraySource
    preprocessing: Preprocessing
    size: tuple[int, int]
    regions: Annotations | Literal["native"] | None

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
        return Batch(
            index=index,
            pixels=torch.from_numpy(pixels),
            to_view=view.pixels,
            readable=np.ones(n, dtype=bool),
            label=source.listing.labels[index],
            size=np.tile(np.array([height, width], dtype=np.int32), (n, 1)),
            frame=np.tile(np.array(view.frame, dtype=np.float32), (n, 1)),
            digest=_digests(pixels),
            texts=({},) * n,
            path=(None,) * n,
            slices=({},) * n,
            present=_present(source, index),
            **self._annotated(source, index, view),
        )

    def _annotated(self, source: ArraySource, index: np.ndarray, view: View) -> dict[str, Any]:
        """Groups, areas to ignore, their source and notes, for images of equal size."""
        if self.regions is None or (self.regions == "native" and source.masks is None):
            return _nothing(len(index))
        if self.regions == "native":
            masks = np.ascontiguousarray(cast(np.ndarray, source.masks)[_as_slice(index)])
            return _masked(masks, view)
        found = [self.regions.of(int(i), view.source, 1) for i in index]
        return _joined([_looked_up(one, view) for one in found], self.size)

    def _read(self, source: Source, index: np.ndarray) -> Batch:
        listing = source.listing
        readings = [source.read(int(i)) for i in index]
        seen = [
            self._see(reading, int(i), source) for reading, i in zip(readings, index, strict=True)
        ]
        annotated = _joined([one.annotated for one in seen], self.size)
        texts = tuple(listing.texts[i] if listing.texts else {} for i in index)
        notes = zip((reading.detail for reading in readings), annotated.pop("detail"), strict=True)
        return Batch(
            index=index,
            pixels=torch.stack([one.pixels for one in seen]),
            to_view=None,
            readable=np.array([reading.pixels is not None for reading in readings]),
            label=listing.labels[index],
            size=np.array([one.size for one in seen], dtype=np.int32),
            frame=np.array([one.frame for one in seen], dtype=np.float32),
            digest=tuple(map(with_texts, (reading.digest for reading in readings), texts)),
            texts=texts,
            detail=tuple("; ".join(filter(None, note)) for note in notes),
            path=tuple(listing.paths[i] if listing.paths else None for i in index),
            slices=tuple(source.slices(int(i)) for i in index),
            present=_present(source, index),
            **annotated,
        )

    def _see(self, reading: Reading, index: int, source: Source) -> _Seen:
        if reading.pixels is None:
            return _Seen(torch.zeros((3, *self.size), dtype=torch.uint8))
        height, width = reading.pixels.shape[:2]
        view = view_of(height, width, self.preprocessing)
        if (view.height, view.width) != self.size:
            raise ConfigError(self._size_message(view, index, source))
        pixels = torch.from_numpy(np.ascontiguousarray(reading.pixels)).permute(2, 0, 1)
        return _Seen(
            view.pixels(pixels).contiguous(),
            _looked_up(self._annotation(reading, index), view),
            (height, width),
            view.frame,
        )

    def _annotation(self, reading: Reading, index: int) -> Annotation:
        if self.regions is None or reading.pixels is None:
            return Annotation()
        if self.regions == "native":
            return reading.annotation
        height, width = reading.pixels.shape[:2]
        return self.regions.of(index, (height, width), reading.orientation)

    def _size_message(self, view: View, index: int, source: Source) -> str:
        paths = source.listing.paths
        name = repr(paths[index]) if paths else f"number {index}"
        return (
            f"image {name} gives a view of {view.height}×{view.width} pixels, the first one gave "
            f"{self.size[0]}×{self.size[1]}: the images differ in size, so say what the model "
            "wants with --input-size N, or --resize HxW, or --resize N --crop N"
        )


@dataclass(frozen=True)
class _Annotated:
    """What is annotated in one image, on the model's view."""

    groups: tuple[Group, ...] = ()
    ignore: np.ndarray | None = None
    source: str = "none"
    note: str = ""


@dataclass(frozen=True)
class _Seen:
    """One image on its way into a batch."""

    pixels: torch.Tensor
    annotated: _Annotated = _Annotated()
    size: tuple[int, int] = (0, 0)
    frame: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def _looked_up(annotation: Annotation, view: View) -> _Annotated:
    groups = tuple(on_view(annotation.objects, view))
    source = annotation.source if groups else "none"
    return _Annotated(groups, ignored(annotation.objects, view), source, annotation.note)


def _joined(images: Sequence[_Annotated], size: tuple[int, int]) -> dict[str, Any]:
    """The images' groups as one: fields of a Batch."""
    owned = [(place, group) for place, one in enumerate(images) for group in one.groups]
    blank = np.zeros(size, dtype=bool)
    areas = [blank if one.ignore is None else one.ignore for one in images]
    any_ignored = any(one.ignore is not None for one in images)
    groups = Groups(
        image=np.array([place for place, _ in owned], dtype=np.int64),
        label=np.array([group.label for _, group in owned], dtype=np.int64),
        raster=torch.from_numpy(np.stack([group.raster for _, group in owned] or [blank])),
        n_objects=np.array([group.n_objects for _, group in owned], dtype=np.int32),
        visible=np.array([group.visible for _, group in owned], dtype=np.float32),
        boxes=tuple(group.boxes for _, group in owned),
    )
    return {
        "groups": groups if owned else None,
        "ignore": torch.from_numpy(np.stack(areas)) if any_ignored else None,
        "source": tuple(one.source for one in images),
        "detail": tuple(one.note for one in images),
    }


def _digests(images: np.ndarray) -> tuple[str, ...]:
    """The hash of each image's bytes; several at once, for hashing leaves Python's lock alone."""
    shares = np.array_split(images, _HASHING)
    with ThreadPoolExecutor(_HASHING) as pool:
        return tuple(chain.from_iterable(pool.map(lambda share: [*map(_hash, share)], shares)))


def _hash(image: np.ndarray) -> str:
    return digest_of(image.data)


def _nothing(n: int) -> dict[str, Any]:
    return {"groups": None, "ignore": None, "source": ("none",) * n, "detail": ("",) * n}


def _masked(masks: np.ndarray, view: View) -> dict[str, Any]:
    """The same of a mask an image (n×H×W uint8), without looking at single images."""
    inside, whole = view.inside(masks), masks.sum(axis=(1, 2))
    shown = whole if inside.shape == masks.shape else inside.sum(axis=(1, 2))
    image = np.flatnonzero(whole)
    if not len(image):
        return _nothing(len(masks))
    groups = Groups(
        image=image,
        label=np.full(len(image), UNCLASSED, dtype=np.int64),
        raster=torch.from_numpy(view.of_mask(masks[image])),
        n_objects=np.ones(len(image), dtype=np.int32),
        visible=(shown[image] / whole[image]).astype(np.float32),
        boxes=view.each_box_on(mask_boxes(masks[image])),
    )
    source = np.where(whole > 0, "annotation", "none").tolist()
    return _nothing(len(masks)) | {"groups": groups, "source": tuple(source)}


def _present(source: Source | ArraySource, index: np.ndarray) -> tuple[tuple[int, ...] | None, ...]:
    known = source.listing.present
    return tuple(None if known is None else known[i] for i in index)


def batches(
    views: Views,
    indices: np.ndarray,
    batch_size: int,
    workers: int | None,
    *,
    pinned: bool = False,
) -> Iterator[Batch]:
    """The batches of ``indices``, in order; ``pinned``: in memory that a GPU copies from directly.

    ``workers`` None chooses: none for memory-mapped arrays (a batch is one copy), else one process
    a core, at most eight, and no more than there are batches. Raises what a bad dataset raises.
    """
    groups = [indices[i : i + batch_size].tolist() for i in range(0, len(indices), batch_size)]
    loader = DataLoader(
        views,
        batch_sampler=groups,
        num_workers=min(_workers(views, workers), len(groups)),
        collate_fn=_unchanged,
        pin_memory=pinned,
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
