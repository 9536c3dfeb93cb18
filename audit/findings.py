"""One batch on the device: forward, both maps, every score, packed into one matrix.

Nothing here leaves the device or looks at a single image; the engine moves the packed matrix once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audit.explain.forward import Forward, class_map, forward
from audit.models.classifier import Classifier
from audit.models.label_space import LabelSpace
from audit.models.logits import logits_of
from audit.models.preprocessing import normalise
from audit.records import Batch
from audit.scores import mass, pointing
from audit.scores.grid import project, upsample

__all__ = ["CAM_STATUS", "TOP", "Packed", "examine", "unpack"]

#: What the codes in ``true_cam_status`` and ``pred_cam_status`` say.
CAM_STATUS = ("ok", "zero", "nonfinite", "degenerate")
TOP = 5
_TOLERANCE = 15.0  # source pixels: the pointing game's (Zhang et al. 2016)
_OK, _ZERO, _NONFINITE, _DEGENERATE = range(4)


@dataclass(frozen=True)
class Packed:
    """Every figure of a batch as one float32 matrix; ``layout`` names runs of its columns.

    Class numbers below 2²⁴ and the maps' bytes are exact in float32.
    """

    matrix: Tensor  # B×W
    layout: tuple[tuple[str, int], ...]  # name, width


def unpack(matrix: np.ndarray, layout: tuple[tuple[str, int], ...]) -> dict[str, np.ndarray]:
    """Name → float32[B] (width 1) or float32[B×width], as views of ``matrix``."""
    ends = np.cumsum([width for _, width in layout])
    return {
        name: matrix[:, end - 1] if width == 1 else matrix[:, end - width : end]
        for (name, width), end in zip(layout, ends, strict=True)
    }


def examine(
    batch: Batch, classifier: Classifier, space: LabelSpace, method: str, device: torch.device
) -> Packed:
    """Classify a batch, explain the true and the predicted class, and score both maps.

    ``method`` is one of ``audit.explain.methods.METHODS``.
    Without a label the predicted class stands in for the true one; the rows null it.
    """
    view = batch.view_on(device)
    inputs = normalise(view, classifier.preprocessing)
    ran = forward(
        classifier.module,
        classifier.target_layers,
        inputs,
        lambda output: space.scores(logits_of(output).float()),
    )
    scores = ran.scores
    predicted = scores.detach().argmax(dim=1)
    label = torch.as_tensor(batch.label, device=device)
    true = torch.where(label >= 0, label, predicted)
    maps = _maps(ran, true, predicted, method)
    columns = _class_columns(scores.detach(), true, predicted)
    with torch.no_grad():
        columns |= _map_columns(*maps, batch, view.shape[-2:], device)
    return _pack(columns)


def _maps(ran: Forward, true: Tensor, predicted: Tensor, method: str) -> tuple[Tensor, Tensor]:
    """Raw maps of both classes, B×h×w; the second gradient only where some image needs it."""
    differ = bool((true != predicted).any())
    first = class_map(ran, true, method, last=not differ)
    if not differ:
        return first, first
    second = class_map(ran, predicted, method, last=True)
    return first, torch.where((true == predicted)[:, None, None], first, second)


def _class_columns(scores: Tensor, true: Tensor, predicted: Tensor) -> dict[str, Tensor]:
    log_probability = scores.log_softmax(dim=1)
    probability = log_probability.exp()
    top = probability.topk(min(TOP, scores.shape[1]), dim=1)
    return {
        "finite": torch.isfinite(scores).all(dim=1),
        "true": true,
        "pred": predicted,
        "true_probability": probability.gather(1, true[:, None])[:, 0],
        "pred_probability": probability.gather(1, predicted[:, None])[:, 0],
        "entropy": torch.special.entr(probability).sum(dim=1),
        "loss": -log_probability.gather(1, true[:, None])[:, 0],
        "topk_class": top.indices,
        "topk_probability": top.values,
    }


def _map_columns(
    true_cam: Tensor, pred_cam: Tensor, batch: Batch, size: torch.Size, device: torch.device
) -> dict[str, Tensor]:
    grid = (true_cam.shape[-2], true_cam.shape[-1])
    regions = _Regions.of(batch, (size[0], size[1]), grid, device)
    columns = regions.columns()
    statuses = {}
    for prefix, cam in (("true", true_cam), ("pred", pred_cam)):
        status = _status(cam)
        scored = torch.where((status == _OK)[:, None, None], cam.float(), 0.0)
        of_target = {**_free(scored, regions), **_on_region(scored, regions)}
        judged = {name: _or_nan(value, status == _OK) for name, value in of_target.items()}
        shown = (status != _NONFINITE)[:, None]
        judged["cam"] = _or_nan(
            _as_bytes(scored).flatten(1), shown & (status != _DEGENERATE)[:, None]
        )
        judged["cam_max"] = _or_nan(cam.amax(dim=(-2, -1)), shown[:, 0])
        judged["cam_status"] = status
        columns |= {f"{prefix}_{name}": value for name, value in judged.items()}
        statuses[prefix] = status
    both = (statuses["true"] == _OK) & (statuses["pred"] == _OK)
    columns["cam_agreement"] = _or_nan(mass.agreement(true_cam, pred_cam), both)
    return columns


@dataclass(frozen=True)
class _Regions:
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
    ) -> _Regions:
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

    def columns(self) -> dict[str, Tensor]:
        return {
            "region_area_fraction": _or_nan(self.area, self.has),
            "guard_area_fraction": _or_nan(self.guard_area, self.has),
            "region_grid": _or_nan(self.grid.flatten(1), self.has[:, None]),
            "center_baseline_mass": _or_nan(self.centre, self.has),
        }


def _free(cam: Tensor, regions: _Regions) -> dict[str, Tensor]:
    """What a map says without a region."""
    rim = project(mass.border(regions.size, cam.device), (cam.shape[-2], cam.shape[-1]))
    return {
        "cam_entropy": mass.entropy(cam),
        "border_mass": mass.mass_inside(cam, rim, regions.valid_grid),
    }


def _on_region(cam: Tensor, regions: _Regions) -> dict[str, Tensor]:
    inside = mass.mass_inside(cam, regions.grid, regions.valid_grid)
    heat = upsample(cam, regions.raster)
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
    }
    return {name: _or_nan(value, regions.has) for name, value in found.items()}


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


def _pack(columns: dict[str, Tensor]) -> Packed:
    flat = {name: value.float().reshape(len(value), -1) for name, value in columns.items()}
    layout = tuple((name, value.shape[1]) for name, value in flat.items())
    return Packed(torch.cat(list(flat.values()), dim=1), layout)
