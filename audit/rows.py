"""A batch's figures as rows of the ``images`` table: NaN becomes null, codes become words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from audit.map_scores import CAM_STATUS
from audit.records import Batch
from audit.tables.schema import arrow_schema

__all__ = ["rows_of"]

_PREFIXES = ("true", "pred")


def rows_of(
    batch: Batch, found: dict[str, np.ndarray], names: tuple[str, ...], cells: int
) -> pa.Table:
    """The rows of ``batch`` given its unpacked findings, in the ``images`` schema.

    ``names`` are the label space's. An unreadable image keeps its identity and nothing else; one
    with non-finite scores keeps its geometry; columns that nobody filled are null.
    """
    readable = batch.readable
    ok = readable & (found["finite"] > 0)
    labelled = batch.label >= 0
    columns = _identity(batch, ok) | _region(batch, found, readable)
    columns |= _classes(found, names, ok, labelled)
    for prefix in _PREFIXES:
        columns |= _target(found, prefix, ok & labelled if prefix == "true" else ok)
    columns["cam_agreement"] = _numbers(found["cam_agreement"], ok & labelled)
    columns["center_baseline_mass"] = _numbers(found["center_baseline_mass"], readable)
    schema = arrow_schema("images", cells)
    return pa.table(
        [_typed(columns.get(field.name), field, len(batch)) for field in schema], schema=schema
    )


def _identity(batch: Batch, ok: np.ndarray) -> dict[str, object]:
    status = np.where(batch.readable, np.where(ok, "ok", "nonfinite"), "unreadable")
    size = batch.size.astype(np.float32)
    return {
        "index": batch.index,
        "sample_id": list(batch.digest),
        "path": list(batch.path),
        "status": status.tolist(),
        "status_detail": [detail or None for detail in batch.detail],
        "image_height": _integers(size[:, 0], batch.readable),
        "image_width": _integers(size[:, 1], batch.readable),
        "slices": [list(one.items()) for one in batch.slices],
    }


def _region(batch: Batch, found: dict[str, np.ndarray], readable: np.ndarray) -> dict[str, object]:
    has = batch.n_regions > 0
    return {
        "region_source": np.where(has, "annotation", "none").tolist(),
        "n_regions": pa.array(batch.n_regions, mask=~readable),
        "region_area_fraction": _numbers(found["region_area_fraction"], readable),
        "region_visible_fraction": _numbers(batch.visible, readable & has),
        "ignore_fraction": _numbers(np.zeros(len(batch), dtype=np.float32), readable),
        "guard_area_fraction": _numbers(found["guard_area_fraction"], readable),
        "frame": _lists(batch.frame, readable),
        "region_grid": _lists(found["region_grid"], readable & has),
    }


def _classes(
    found: dict[str, np.ndarray], names: tuple[str, ...], ok: np.ndarray, labelled: np.ndarray
) -> dict[str, object]:
    true, pred = found["true"].astype(np.int64), found["pred"].astype(np.int64)
    known = ok & labelled
    label = np.array(names, dtype=object)
    return {
        "true_class": pa.array(true.astype(np.int32), mask=~labelled),
        "pred_class": pa.array(pred.astype(np.int32), mask=~ok),
        "true_label": pa.array(label[true], mask=~labelled, type=pa.string()),
        "pred_label": pa.array(label[pred], mask=~ok, type=pa.string()),
        "correct": pa.array(true == pred, mask=~known),
        "true_probability": _numbers(found["true_probability"], known),
        "pred_probability": _numbers(found["pred_probability"], ok),
        "entropy": _numbers(found["entropy"], ok),
        "loss": _numbers(found["loss"], known),
        "topk_class": _ragged(found["topk_class"].astype(np.int32), ok),
        "topk_probability": _ragged(found["topk_probability"], ok),
    }


def _target(found: dict[str, np.ndarray], prefix: str, ok: np.ndarray) -> dict[str, object]:
    columns: dict[str, object] = {}
    for name, value in found.items():
        if name == f"{prefix}_cam":
            columns[name] = _lists(value, ok, np.uint8)
        elif name == f"{prefix}_cam_status":
            words = np.array(CAM_STATUS, dtype=object)[value.astype(np.int64)]
            columns[name] = pa.array(words, mask=~ok, type=pa.string())
        elif name.startswith(f"{prefix}_pointing_game"):
            columns[name] = pa.array(value > 0, mask=~ok | np.isnan(value))
        elif name.startswith(f"{prefix}_") and name != f"{prefix}_probability":
            columns[name] = _numbers(value, ok)
    return columns


def _typed(values: object, field: pa.Field, n: int) -> pa.Array:
    if values is None:
        return pa.nulls(n, field.type)
    return values if isinstance(values, pa.Array) else pa.array(values, type=field.type)


def _numbers(values: np.ndarray, where: np.ndarray) -> pa.Array:
    return pa.array(np.ascontiguousarray(values), mask=~where | np.isnan(values), type=pa.float32())


def _integers(values: np.ndarray, where: np.ndarray) -> pa.Array:
    return pa.array(values.astype(np.int32), mask=~where)


def _lists(values: np.ndarray, where: np.ndarray, dtype: type = np.float32) -> pa.Array:
    """Fixed-size lists; a row with a NaN in it is null."""
    where = where & ~np.isnan(values).any(axis=1)
    flat: np.ndarray = np.ascontiguousarray(
        np.where(where[:, None], values, 0).astype(dtype)
    ).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), values.shape[1], mask=pa.array(~where))


def _ragged(values: np.ndarray, where: np.ndarray) -> pa.Array:
    width = np.where(where, values.shape[1], 0)
    offsets = pa.array(np.concatenate([[0], np.cumsum(width)]).astype(np.int32))
    return pa.ListArray.from_arrays(
        offsets, pa.array(values[where].reshape(-1)), mask=pa.array(~where)
    )
