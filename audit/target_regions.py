"""The region in which a target's evidence should lie, chosen from what an image's annotations say.

For an image and a target class, in this order: the objects whose class is not said (they are the
labelled object); those of the target's class; those of the label's class. Every other object of the
image is ``other``. Areas to ignore are taken out of both, and out of the valid pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from audit.records import UNCLASSED, Batch
from audit.scores import mass, pointing
from audit.scores.grid import as_float, axis_weights, merge, project

__all__ = ["BASIS", "AnnotatedBatch", "Regions"]

#: What the codes of a target's ``region_basis`` say: no region; the label's objects, as none is of
#: the target's class; objects of the target's class; objects whose class is not said.
BASIS = (None, "label", "class", "unclassed")
_LABEL, _CLASS, _UNCLASSED = 1, 2, 3


@dataclass(frozen=True)
class AnnotatedBatch:
    """A batch's annotations on the device, with the sizes of the view and of the maps' grid."""

    size: tuple[int, int]  # of the view, H×W
    grid: tuple[int, int]  # of the maps, h×w
    image: Tensor  # int64[G]
    label: Tensor  # int64[G]
    raster: Tensor  # (G+1)×H×W bool; the last one is empty
    ignore: Tensor | None  # B×H×W bool
    frame: Tensor  # float32[B×4]
    told_apart: bool  # whether any object has a class

    @classmethod
    def of(
        cls, batch: Batch, size: tuple[int, int], grid: tuple[int, int], device: torch.device
    ) -> AnnotatedBatch:
        """What is annotated in ``batch``, on a view of ``size``, for maps of ``grid``."""
        given = batch.groups
        empty = torch.zeros((1, *size), dtype=torch.bool, device=device)
        image, label = (given.image, given.label) if given else ([], [])
        return cls(
            size=size,
            grid=grid,
            image=torch.as_tensor(image, dtype=torch.int64, device=device),
            label=torch.as_tensor(label, dtype=torch.int64, device=device),
            raster=torch.cat([given.raster.to(device), empty]) if given else empty,
            ignore=None if batch.ignore is None else batch.ignore.to(device),
            frame=torch.as_tensor(batch.frame, device=device),
            told_apart=given is not None and bool((given.label != UNCLASSED).any()),
        )

    def take(self, rows: Tensor) -> AnnotatedBatch:
        """The annotations of some of the images, by their places in the batch (int64[D])."""
        place = torch.full((len(self.frame),), -1, device=rows.device)
        place[rows] = torch.arange(len(rows), device=rows.device)
        kept = (place[self.image] >= 0).nonzero()[:, 0]
        last = torch.tensor([len(self.image)], device=rows.device)
        return replace(
            self,
            image=place[self.image[kept]],
            label=self.label[kept],
            raster=self.raster[torch.cat([kept, last])],
            ignore=None if self.ignore is None else self.ignore[rows],
            frame=self.frame[rows],
        )

    def classed(self) -> AnnotatedBatch:
        """The annotations without the objects whose class is not said."""
        kept = (self.label != UNCLASSED).nonzero()[:, 0]
        last = torch.tensor([len(self.image)], device=kept.device)
        return replace(
            self,
            image=self.image[kept],
            label=self.label[kept],
            raster=self.raster[torch.cat([kept, last])],
        )

    def choose(self, target: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """The group that each image's target is judged by (int64[B]; G: none), and why (BASIS).

        ``target`` and ``label`` are class indices, int64[B].
        """
        n = len(self.image)
        rank = torch.zeros_like(self.image)
        rank[self.label == label[self.image]] = _LABEL
        rank[self.label == target[self.image]] = _CLASS
        rank[self.label == UNCLASSED] = _UNCLASSED
        place = torch.arange(n, device=rank.device)
        key = torch.where(rank > 0, rank * (n + 1) + place, -1)
        best = torch.full_like(target, -1).scatter_reduce(0, self.image, key, "amax")
        found = best >= 0
        return torch.where(found, best % (n + 1), n), torch.where(found, best // (n + 1), 0)

    def others(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """The union of the objects in other groups (B×H×W bool), and which images have any."""
        n, images = len(self.image), len(chosen)
        other = torch.arange(n, device=chosen.device) != chosen[self.image]
        count = torch.zeros((images, *self.size), dtype=torch.int32, device=chosen.device)
        count.index_add_(0, self.image[other], self.raster[:n][other].to(torch.int32))
        has = torch.zeros(images, dtype=torch.bool, device=chosen.device)
        has[self.image[other]] = True
        return count > 0, has


@dataclass(frozen=True)
class Regions:
    """The regions of B targets in every form that the scores read them in."""

    size: tuple[int, int]
    raster_size: tuple[int, int]
    basis: Tensor  # int64[B]: index into BASIS
    has: Tensor  # bool[B]
    area: Tensor  # float32[B]: a, the share of the valid pixels
    guard_area: Tensor  # float32[B]
    ignored: Tensor  # float32[B]: share of the view that is to be ignored
    grid: Tensor  # B×h×w: UᵀR
    guard_grid: Tensor  # B×h×w
    valid_grid: Tensor  # B×h×w, or 1×h×w where nothing is ignored: UᵀV
    inside: Tensor  # B×r×c bool: the raster's pixels that count as the region's
    inside_guard: Tensor  # B×r×c bool
    raster_valid: Tensor | None  # B×r×c: the valid share of each pixel; None: all are valid
    merged: Tensor  # B×p×q: the region's pixels, summed where any map has one value
    merged_valid: Tensor  # B×p×q, or 1×p×q where nothing is ignored
    centre: Tensor  # float32[B]: mass of a centred Gaussian
    frame: Tensor  # float32[B×4]
    other_grid: Tensor | None  # B×h×w: the other objects'; None: no object has a class
    has_other: Tensor | None  # bool[B]

    @classmethod
    def of(cls, annotated: AnnotatedBatch, target: Tensor, label: Tensor) -> Regions:
        """The regions of one target an image: of class ``target``, in images of class ``label``."""
        size, grid, ignore = annotated.size, annotated.grid, annotated.ignore
        group, basis = annotated.choose(target, label)
        region = _without(annotated.raster[group], ignore)
        cells = (-(-size[0] // grid[0]), -(-size[1] // grid[1]))
        guard = _without(pointing.dilate(region, cells), ignore)
        other, has_other = _others(annotated, group, region)
        both = as_float(torch.stack([region, guard]))
        if ignore is None:
            valid = _whole(size, grid, region.device)
        else:
            valid = _Valid.of(as_float(~ignore), grid)
        sums = _Sums.of(both, grid)
        area, guard_area = mass.ratio(sums.total, valid.sums.total)
        raster_size = pointing.raster_size(size)
        rasters = pointing.to_raster(both, raster_size)
        inside, inside_guard = pointing.inside(rasters)
        return cls(
            size=size,
            raster_size=raster_size,
            basis=basis,
            has=basis > 0,
            area=area,
            guard_area=guard_area,
            ignored=(1 - valid.sums.total / (size[0] * size[1])).expand(len(region)),
            grid=sums.grid[0],
            guard_grid=sums.grid[1],
            valid_grid=valid.sums.grid,
            inside=inside,
            inside_guard=inside_guard,
            raster_valid=None if ignore is None else valid.raster,
            merged=merge(rasters[0], grid),
            merged_valid=valid.merged,
            centre=mass.ratio(sums.centre[0], valid.sums.centre),
            frame=annotated.frame,
            other_grid=None if other is None else project(other, grid),
            has_other=has_other,
        )

    def take(self, rows: Tensor) -> Regions:
        """The regions of some of the images, by their places in the batch (int64[D])."""
        taken: dict[str, Any] = {name: value[rows] for name, value in self._per_image()}
        return replace(self, **taken)

    def joined(self, others: Regions) -> Regions:
        """These and further targets of the same batch, one after the other."""
        both: dict[str, Any] = {
            name: torch.cat([value, getattr(others, name)]) for name, value in self._per_image()
        }
        return replace(self, **both)

    def _per_image(self) -> Iterator[tuple[str, Tensor]]:
        """The fields that have a row for each target, and their values."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor) and len(value) == len(self.has):
                yield field.name, value


@dataclass(frozen=True)
class _Sums:
    """What is summed over rasters …×H×W, their pixels read once."""

    grid: Tensor  # …×h×w: with the weight of each cell of a map (``audit.scores.grid.project``)
    centre: Tensor  # …: with that of a centred Gaussian
    total: Tensor  # …: with 1

    @classmethod
    def of(cls, rasters: Tensor, grid: tuple[int, int]) -> _Sums:
        down = _weights(grid[0], rasters.shape[-2], rasters.device)
        across = _weights(grid[1], rasters.shape[-1], rasters.device)
        found = down.T @ rasters @ across
        return cls(found[..., :-2, :-2], found[..., -2, -2], found[..., -1, -1])


@lru_cache(maxsize=16)
def _weights(cells: int, pixels: int, device: torch.device) -> Tensor:
    """Of each pixel along one axis, float32 pixels×(cells + 2): the cells', the Gaussian's, 1."""
    with torch.inference_mode(False):
        others = [mass.gaussian(pixels, device), torch.ones(pixels, device=device)]
        return torch.cat([axis_weights(cells, pixels, device), torch.stack(others, 1)], dim=1)


@dataclass(frozen=True)
class _Valid:
    """What is not to be ignored, of each image or (n = 1) of all."""

    sums: _Sums
    raster: Tensor  # n×r×c
    merged: Tensor  # n×p×q

    @classmethod
    def of(cls, pixels: Tensor, grid: tuple[int, int]) -> _Valid:
        size = (pixels.shape[-2], pixels.shape[-1])
        raster = pointing.to_raster(pixels, pointing.raster_size(size))
        return cls(_Sums.of(pixels, grid), raster, merge(raster, grid))


@lru_cache(maxsize=16)
def _whole(size: tuple[int, int], grid: tuple[int, int], device: torch.device) -> _Valid:
    """Every pixel of any image: there is nothing to ignore."""
    with torch.inference_mode(False):
        return _Valid.of(torch.ones((1, *size), device=device), grid)


def _others(
    annotated: AnnotatedBatch, group: Tensor, region: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    if not annotated.told_apart:
        return None, None
    other, has = annotated.others(group)
    return _without(other & ~region, annotated.ignore), has


def _without(region: Tensor, ignore: Tensor | None) -> Tensor:
    return region if ignore is None else region & ~ignore
