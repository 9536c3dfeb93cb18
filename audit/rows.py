"""A batch's figures as rows of the ``images`` table: NaN becomes null, codes become words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from audit.cells import lists, numbers, words
from audit.map_scores import CAM_STATUS
from audit.records import UNCLASSED, Batch
from audit.scores.cam_box import box_ious
from audit.tables.schema import arrow_schema
from audit.target_regions import BASIS

__all__ = ["rows_of"]

_PREFIXES = ("true", "pred")

Names: TypeAlias = "tuple[str, ...] | tuple[tuple[str | None, str], ...]"


def rows_of(
    batch: Batch,
    found: dict[str, np.ndarray],
    names: Names,
    grid: tuple[int, int],
    size: tuple[int, int],
) -> pa.Table:
    """The rows of ``batch`` given its unpacked findings, in the ``images`` schema.

    ``names`` are the classes' or, where answers are texts, the (true, predicted) pair of each
    image, None without a true one. ``grid`` are the maps' h×w and ``size`` the view's H×W. An
    unreadable image keeps its identity and nothing else; one with non-finite scores keeps its
    geometry; columns that nobody filled are null.
    """
    readable = batch.readable
    ok = readable & (found["finite"] > 0)
    texts = bool(names) and not isinstance(names[0], str)
    labelled = np.array([pair[0] is not None for pair in names]) if texts else batch.label >= 0
    judged_by = {prefix: _JudgedBy.of(batch, found, prefix) for prefix in _PREFIXES}
    schema = arrow_schema("images", grid[0] * grid[1])
    columns: dict[str, object] = {}
    ious = _box_ious(found, judged_by, grid, size)
    for prefix, where in (("true", ok & labelled), ("pred", ok)):
        columns |= _target(found, prefix, where)
        columns[f"{prefix}_cam_box_iou"] = numbers(ious[prefix], where)
    columns |= _identity(batch, ok) | _region(batch, found, judged_by, readable)
    columns |= _answers(found, ok, ok & labelled)
    columns |= _texts(names, ok) if texts else _classes(found, names, ok, labelled)
    columns["cam_agreement"] = numbers(found["cam_agreement"], ok & labelled)
    if not texts:  # a text is about all of its objects
        columns["other_region_mass"] = numbers(found["pred_other_mass"], ok)
        columns["true_other_region_mass"] = numbers(found["true_other_mass"], ok & labelled)
    return pa.table(
        [_typed(columns.get(field.name), field, len(batch)) for field in schema], schema=schema
    )


@dataclass(frozen=True)
class _JudgedBy:
    """What the batch's groups say of the regions that one target's maps are judged by."""

    n_objects: np.ndarray  # int32[B]
    visible: np.ndarray  # float32[B]; NaN: no region
    boxes: list[np.ndarray]  # B arrays n×4, in the view's pixels

    @classmethod
    def of(cls, batch: Batch, found: dict[str, np.ndarray], prefix: str) -> _JudgedBy:
        held = batch.groups
        n, visible = np.zeros(len(batch), np.int32), np.full(len(batch), np.nan, np.float32)
        boxes = [np.empty((0, 4))] * len(batch)
        if held is None:
            return cls(n, visible, boxes)
        pairs = zip(held.image.tolist(), held.label.tolist(), strict=True)
        group = {pair: g for g, pair in enumerate(pairs)}
        by = np.select(
            [found[f"{prefix}_region_basis"] == BASIS.index(name) for name in BASIS[1:]],
            [found["true"], found[prefix], np.full(len(batch), UNCLASSED)],
            default=np.nan,
        )
        for i in np.flatnonzero(~np.isnan(by)):
            g = group[int(i), by[i]]
            n[i], visible[i], boxes[i] = held.n_objects[g], held.visible[g], held.boxes[g]
        return cls(n, visible, boxes)


def _identity(batch: Batch, ok: np.ndarray) -> dict[str, object]:
    status = np.where(batch.readable, np.where(ok, "ok", "nonfinite"), "unreadable")
    size = batch.size.astype(np.float32)
    return {
        "index": batch.index,
        "sample_id": list(batch.digest),
        "path": list(batch.path),
        "question": [text.get("question") for text in batch.texts],
        "status": status.tolist(),
        "status_detail": [detail or None for detail in batch.detail],
        "image_height": _integers(size[:, 0], batch.readable),
        "image_width": _integers(size[:, 1], batch.readable),
        "slices": [list(one.items()) for one in batch.slices],
    }


def _region(
    batch: Batch,
    found: dict[str, np.ndarray],
    judged_by: dict[str, _JudgedBy],
    readable: np.ndarray,
) -> dict[str, object]:
    true, pred = judged_by["true"], judged_by["pred"]
    return {
        "region_source": list(batch.source),
        "n_regions": pa.array(true.n_objects, mask=~readable),
        "present_classes": pa.array(batch.present, type=pa.list_(pa.int32())),
        "region_area_fraction": numbers(found["region_area_fraction"], readable),
        "region_visible_fraction": numbers(true.visible, readable),
        "pred_region_area_fraction": numbers(found["pred_region_area"], readable),
        "pred_region_visible_fraction": numbers(pred.visible, readable),
        "pred_guard_area_fraction": numbers(found["pred_guard_area"], readable),
        "ignore_fraction": numbers(found["ignore_fraction"], readable),
        "guard_area_fraction": numbers(found["guard_area_fraction"], readable),
        "center_baseline_mass": numbers(found["center_baseline_mass"], readable),
        "frame": lists(batch.frame, readable),
        "region_grid": lists(found["region_grid"], readable),
        "valid_grid": lists(found["valid_grid"], readable) if "valid_grid" in found else None,
        **{
            f"{prefix}_region_basis": words(found[f"{prefix}_region_basis"], BASIS, readable)
            for prefix in _PREFIXES
        },
    }


def _box_ious(
    found: dict[str, np.ndarray],
    judged_by: dict[str, _JudgedBy],
    grid: tuple[int, int],
    size: tuple[int, int],
) -> dict[str, np.ndarray]:
    """Both targets' ``cam_box_iou``; the predicted class's apart only where it is another class."""
    differ = np.flatnonzero(found["true"] != found["pred"])
    cams = np.concatenate([found["true_cam"], found["pred_cam"][differ]]).reshape(-1, *grid)
    boxes = [*judged_by["true"].boxes, *(judged_by["pred"].boxes[i] for i in differ)]
    ious = box_ious(cams, boxes, size)
    true = ious[: len(found["true"])]
    pred = true.copy()
    pred[differ] = ious[len(true) :]
    return {"true": true, "pred": pred}


def _answers(found: dict[str, np.ndarray], ok: np.ndarray, known: np.ndarray) -> dict[str, object]:
    """How right and how sure, whatever an answer is."""
    return {
        "correct": pa.array(found["true"] == found["pred"], mask=~known),
        "true_probability": numbers(found["true_probability"], known),
        "pred_probability": numbers(found["pred_probability"], ok),
        "loss": numbers(found["loss"], known),
    }


def _texts(pairs: Names, ok: np.ndarray) -> dict[str, object]:
    true, pred = zip(*pairs, strict=True)
    return {
        "true_label": pa.array(true, type=pa.string()),
        "pred_label": pa.array(pred, mask=~ok, type=pa.string()),
    }


def _classes(
    found: dict[str, np.ndarray], names: Names, ok: np.ndarray, labelled: np.ndarray
) -> dict[str, object]:
    true, pred = found["true"].astype(np.int64), found["pred"].astype(np.int64)
    label = np.array(names, dtype=object)
    return {
        "true_class": pa.array(true.astype(np.int32), mask=~labelled),
        "pred_class": pa.array(pred.astype(np.int32), mask=~ok),
        "true_label": pa.array(label[true], mask=~labelled, type=pa.string()),
        "pred_label": pa.array(label[pred], mask=~ok, type=pa.string()),
        "entropy": numbers(found["entropy"], ok),
        "topk_class": _ragged(found["topk_class"].astype(np.int32), ok),
        "topk_probability": _ragged(found["topk_probability"], ok),
    }


def _target(found: dict[str, np.ndarray], prefix: str, ok: np.ndarray) -> dict[str, object]:
    cam, status = f"{prefix}_cam", f"{prefix}_cam_status"
    columns: dict[str, object] = {
        cam: lists(np.rint(found[cam] * 255), ok, np.uint8),
        status: words(found[status], CAM_STATUS, ok),
    }
    for name, truth in _figures(prefix):
        if name not in found:
            continue
        value = found[name]
        columns[name] = (
            pa.array(value > 0, mask=~ok | np.isnan(value)) if truth else numbers(value, ok)
        )
    return columns


@cache
def _figures(prefix: str) -> tuple[tuple[str, bool], ...]:
    """The columns of one target that hold a figure, and whether it is a truth value."""
    return tuple(
        (field.name, field.type == pa.bool_())
        for field in arrow_schema("images")
        if field.name.startswith(f"{prefix}_") and field.type in (pa.bool_(), pa.float32())
    )


def _typed(values: object, field: pa.Field, n: int) -> pa.Array:
    if values is None:
        return pa.nulls(n, field.type)
    return values if isinstance(values, pa.Array) else pa.array(values, type=field.type)


def _integers(values: np.ndarray, where: np.ndarray) -> pa.Array:
    return pa.array(values.astype(np.int32), mask=~where)


def _ragged(values: np.ndarray, where: np.ndarray) -> pa.Array:
    width = np.where(where, values.shape[1], 0)
    offsets = pa.array(np.concatenate([[0], np.cumsum(width)]).astype(np.int32))
    return pa.ListArray.from_arrays(
        offsets, pa.array(values[where].reshape(-1)), mask=pa.array(~where)
    )
