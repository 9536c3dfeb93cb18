"""Every score of one map against its target's region, batched: the columns of one target.

``score_map`` names its results as the ``images`` columns are named, without the target's prefix. A
score that does not exist is NaN.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from audit.scores import mass, pointing, ranks
from audit.scores.grid import project, upsample, upsample_merged
from audit.target_regions import Regions

__all__ = ["CAM_STATUS", "image_columns", "score_map"]

#: What the codes of ``cam_status`` say.
CAM_STATUS = ("ok", "zero", "nonfinite", "degenerate")
_OK, _ZERO, _NONFINITE, _DEGENERATE = range(4)
_TOLERANCE = 15.0  # source pixels: the pointing game's (Zhang et al. 2016)


def image_columns(regions: Regions) -> dict[str, Tensor]:
    """What the tables say of an image by the region of its true class."""
    found = {
        "region_area_fraction": _or_nan(regions.area, regions.has),
        "guard_area_fraction": _or_nan(regions.guard_area, regions.has),
        "ignore_fraction": regions.ignored,
        "region_grid": _or_nan(regions.grid.flatten(1), regions.has[:, None]),
        "center_baseline_mass": _or_nan(regions.centre, regions.has),
    }
    if regions.raster_valid is not None:
        some = (regions.ignored > 0)[:, None]
        found["valid_grid"] = _or_nan(regions.valid_grid.flatten(1), some)
    return found


def score_map(cam: Tensor, regions: Regions) -> dict[str, Tensor]:
    """Status, scores and the scaled maps of the raw maps ``cam`` (B×h×w) against ``regions``."""
    status = _status(cam)
    scored = torch.where((status == _OK)[:, None, None], cam.float(), 0.0)
    found = _all_or_nan({**_free(scored, regions), **_on_region(scored, regions)}, status == _OK)
    finite = status != _NONFINITE
    drawn = (finite & (status != _DEGENERATE))[:, None]
    found["cam"] = _or_nan(_scaled(scored).flatten(1), drawn)
    found["cam_max"] = _or_nan(cam.amax(dim=(-2, -1)), finite)
    found["cam_status"] = status
    return found


def _free(cam: Tensor, regions: Regions) -> dict[str, Tensor]:
    """What a map says without a region: of the whole view, areas to ignore included."""
    rim, whole = _rim_and_whole(regions.size, (cam.shape[-2], cam.shape[-1]), cam.device)
    return {
        "cam_entropy": mass.entropy(cam),
        "border_mass": mass.mass_inside(cam, rim, whole),
    }


@lru_cache(maxsize=16)
def _rim_and_whole(
    size: tuple[int, int], grid: tuple[int, int], device: torch.device
) -> tuple[Tensor, Tensor]:
    """The view's border and the view itself on the CAM's grid, 1×h×w each."""
    with torch.inference_mode(False):
        whole = torch.ones((1, *size), device=device)
        return project(mass.border(size, device), grid), project(whole, grid)


def _on_region(cam: Tensor, regions: Regions) -> dict[str, Tensor]:
    inside = mass.mass_inside(cam, regions.grid, regions.valid_grid)
    found = {
        "relevance_mass_accuracy": inside,
        "mass_lift": mass.lift(inside, regions.area),
        "mass_excess": mass.excess(inside, regions.area),
        "mass_guard": mass.mass_inside(cam, regions.guard_grid, regions.valid_grid),
        **_on_raster(cam, regions),
    }
    found = _all_or_nan(found, regions.has)
    # a region that the view does not show can be neither hit nor missed
    pointed = {name: found[name] for name in found if name.startswith("pointing")}
    return found | _all_or_nan(pointed, regions.area > 0) | _on_others(cam, regions)


def _on_raster(cam: Tensor, regions: Regions) -> dict[str, Tensor]:
    """Scores that need pixels, on a raster of at most 64 a side.

    None depends on what is added to a whole map, so it is read above its least value: a flat map is
    0 then and stays flat, where .7 upsampled has ripples of a last place, which would be ranked.
    """
    cam = cam - cam.amin(dim=(-2, -1), keepdim=True)
    values = upsample_merged(cam, regions.raster_size)
    order = ranks.ranked(values, regions.merged, regions.merged_valid)
    iou, truth, saliency = ranks.coverages(values, regions.merged, regions.merged_valid)
    heat = upsample(cam, regions.raster_size)
    peak = pointing.Peak.of(heat, regions.raster_valid)
    hit = peak.hits(regions.inside)
    return {
        "pointing_game_hit": hit,
        "pointing_game_hit_guard": peak.hits(regions.inside_guard),
        "pointing_game_hit_tolerant": hit | peak.near(regions.inside, regions.frame, _TOLERANCE),
        "relevance_rank_accuracy": ranks.rank_accuracy(order),
        "pixel_auroc": ranks.roc_area(order),
        "pixel_ap": ranks.average_precision(order),
        "iou_coverage": iou,
        "ground_truth_coverage": truth,
        "saliency_coverage": saliency,
    }


def _on_others(cam: Tensor, regions: Regions) -> dict[str, Tensor]:
    if regions.other_grid is None or regions.has_other is None:
        return {"other_mass": torch.full((len(cam),), torch.nan, device=cam.device)}
    other = mass.mass_inside(cam, regions.other_grid, regions.valid_grid)
    return {"other_mass": _or_nan(other, regions.has_other)}


def _status(cam: Tensor) -> Tensor:
    """Index into CAM_STATUS, int64[B]: a map that cannot be scored says why."""
    if cam.shape[-2:] == (1, 1):
        return torch.full((len(cam),), _DEGENERATE, device=cam.device)
    finite = torch.isfinite(cam).flatten(1).all(dim=1)
    status = torch.where(cam.flatten(1).amax(dim=1) > 0, _OK, _ZERO)
    return torch.where(finite, status, _NONFINITE)


def _scaled(cam: Tensor) -> Tensor:
    """The map over its maximum: 0 to 1."""
    top = cam.amax(dim=(-2, -1), keepdim=True)
    return cam / torch.where(top > 0, top, 1.0)


def _all_or_nan(found: dict[str, Tensor], where: Tensor) -> dict[str, Tensor]:
    """``_or_nan`` of figures of B images each, in one go: on a GPU every step has its price."""
    figures = torch.stack([value.float() for value in found.values()])
    return dict(zip(found, _or_nan(figures, where).unbind(), strict=True))


def _or_nan(value: Tensor, where: Tensor) -> Tensor:
    return torch.where(where, value.float(), torch.nan)
