"""Every score of one map against an image's region, batched: the columns of one target.

``score_map`` names its results as the ``images`` columns are named, without the target's prefix. A
score that does not exist is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from audit.records import Batch
from audit.scores import mass, pointing, ranks
from audit.scores.grid import project, upsample

__all__ = ["CAM_STATUS", "Regions", "score_map"]

#: What the codes of ``cam_status`` say.
CAM_STATUS = ("ok", "zero", "nonfinite", "degenerate")
_OK, _ZERO, _NONFINITE, _DEGENERATE = range(4)
_TOLERANCE = 15.0  # source pixels: the pointing game's (Zhang et al. 2016)


@dataclass(frozen=True)
class Regions:
    """A batch's regions in every form the scores read them in."""

    has: Tensor  # bool[B]
    size: tuple[int, int]
    raster: tuple[int, int]
    area: Tensor  # float32[B]: a
    guard_area: Tensor
    grid: Tensor  # B×h×w: UᵀR
    guard_grid: Tensor
    valid_grid: Tensor  # 1×h×w: UᵀV
    raster_region: Tensor  # B×r×c
    raster_guard: Tensor
    centre: Tensor  # float32[B]: mass of a centred Gaussian
    frame: Tensor  # float32[B×4]

    @classmethod
    def of(
        cls, batch: Batch, size: tuple[int, int], grid: tuple[int, int], device: torch.device
    ) -> Regions:
        """The regions of ``batch`` on a view of ``size`` for maps of ``grid``, on ``device``."""
        given = batch.region
        region = (
            torch.zeros((len(batch), *size), dtype=torch.bool, device=device)
            if given is None
            else given.to(device, non_blocking=True)
        )
        guard = pointing.dilate(region, (-(-size[0] // grid[0]), -(-size[1] // grid[1])))
        whole = torch.ones((1, *size), dtype=torch.bool, device=device)
        gaussian = mass.centre_gaussian(size, device)
        raster = pointing.raster_size(size)
        return cls(
            has=torch.as_tensor(batch.n_regions, device=device) > 0,
            size=size,
            raster=raster,
            area=region.float().mean(dim=(-2, -1)),
            guard_area=guard.float().mean(dim=(-2, -1)),
            grid=project(region, grid),
            guard_grid=project(guard, grid),
            valid_grid=project(whole, grid),
            raster_region=pointing.to_raster(region, raster),
            raster_guard=pointing.to_raster(guard, raster),
            centre=mass.mass_inside(gaussian, region, whole),
            frame=torch.as_tensor(batch.frame, device=device),
        )

    def take(self, rows: Tensor) -> Regions:
        """The regions of some images of the batch, by their places in it (int64[D])."""
        picked = {
            field.name: getattr(self, field.name)[rows]
            for field in fields(self)
            if field.name not in ("size", "raster", "valid_grid")
        }
        return replace(self, **picked)

    def columns(self) -> dict[str, Tensor]:
        """What the tables say of the region itself."""
        return {
            "region_area_fraction": _or_nan(self.area, self.has),
            "guard_area_fraction": _or_nan(self.guard_area, self.has),
            "region_grid": _or_nan(self.grid.flatten(1), self.has[:, None]),
            "center_baseline_mass": _or_nan(self.centre, self.has),
        }


def score_map(cam: Tensor, regions: Regions) -> dict[str, Tensor]:
    """Status, bytes and scores of the raw maps ``cam`` (B×h×w) against ``regions``."""
    status = _status(cam)
    scored = torch.where((status == _OK)[:, None, None], cam.float(), 0.0)
    scores = {**_free(scored, regions), **_on_region(scored, regions)}
    found = {name: _or_nan(value, status == _OK) for name, value in scores.items()}
    finite = status != _NONFINITE
    drawn = (finite & (status != _DEGENERATE))[:, None]
    found["cam"] = _or_nan(_as_bytes(scored).flatten(1), drawn)
    found["cam_max"] = _or_nan(cam.amax(dim=(-2, -1)), finite)
    found["cam_status"] = status
    return found


def _free(cam: Tensor, regions: Regions) -> dict[str, Tensor]:
    """What a map says without a region."""
    rim = project(mass.border(regions.size, cam.device), (cam.shape[-2], cam.shape[-1]))
    return {
        "cam_entropy": mass.entropy(cam),
        "border_mass": mass.mass_inside(cam, rim, regions.valid_grid),
    }


def _on_region(cam: Tensor, regions: Regions) -> dict[str, Tensor]:
    inside = mass.mass_inside(cam, regions.grid, regions.valid_grid)
    heat = upsample(cam, regions.raster)
    order = ranks.ranked(heat, regions.raster_region)
    iou, truth, saliency = ranks.coverages(heat, regions.raster_region)
    found = {
        "relevance_mass_accuracy": inside,
        "mass_lift": mass.lift(inside, regions.area),
        "mass_excess": mass.excess(inside, regions.area),
        "mass_guard": mass.mass_inside(cam, regions.guard_grid, regions.valid_grid),
        "pointing_game_hit": pointing.hits(heat, regions.raster_region),
        "pointing_game_hit_guard": pointing.hits(heat, regions.raster_guard),
        "pointing_game_hit_tolerant": pointing.hits_within(
            heat, regions.raster_region, regions.frame, _TOLERANCE
        ),
        "relevance_rank_accuracy": ranks.rank_accuracy(order),
        "pixel_auroc": ranks.roc_area(order),
        "pixel_ap": ranks.average_precision(order),
        "iou_coverage": iou,
        "ground_truth_coverage": truth,
        "saliency_coverage": saliency,
    }
    found = {name: _or_nan(value, regions.has) for name, value in found.items()}
    seen = regions.area > 0  # a region that the view does not show can be neither hit nor missed
    pointed = {name: _or_nan(found[name], seen) for name in found if name.startswith("pointing")}
    return found | pointed


def _status(cam: Tensor) -> Tensor:
    """Index into CAM_STATUS, int64[B]: a map that cannot be scored says why."""
    if cam.shape[-2:] == (1, 1):
        return torch.full((len(cam),), _DEGENERATE, device=cam.device)
    finite = torch.isfinite(cam).flatten(1).all(dim=1)
    status = torch.where(cam.flatten(1).amax(dim=1) > 0, _OK, _ZERO)
    return torch.where(finite, status, _NONFINITE)


def _as_bytes(cam: Tensor) -> Tensor:
    top = cam.amax(dim=(-2, -1), keepdim=True)
    return (cam / torch.where(top > 0, top, 1.0) * 255).round()


def _or_nan(value: Tensor, where: Tensor) -> Tensor:
    return torch.where(where, value.float(), torch.nan)
