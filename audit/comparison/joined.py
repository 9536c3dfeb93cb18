"""Two runs' images side by side, joined on ``sample_id``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from audit.comparison.agreement import map_agreement
from audit.comparison.buckets import attention_moved, bucket_of
from audit.comparison.schema import schema_of
from audit.comparison.sides import SCORES, Side
from audit.errors import DataError
from audit.triage import of_one_kind

__all__ = ["joined", "positions"]

_VISIBLE = 0.25  # METRICS: a region less visible is not judged
_NULLABLE = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
}


def joined(base: Side, candidate: Side) -> pd.DataFrame:
    """One row an image of either run, with the columns of ``images`` (audit.comparison.schema).

    The base's order, then the images that only the candidate has. Raises DataError where a run
    names two images alike.
    """
    base_at, candidate_at = positions(_ids(base), _ids(candidate))
    pairs = pd.concat(
        [_taken(base, base_at, "base"), _taken(candidate, candidate_at, "candidate")], axis=1
    )
    pairs["relabelled"] = _unlike(pairs, "true_class") | _unlike(pairs, "true_label")
    for name in ("sample_id", "path", "true_class", "true_label"):
        pairs[name] = pairs[f"base_{name}"].fillna(pairs[f"candidate_{name}"])
    pairs["prediction_changed"] = _changed(pairs)
    _add_deltas(pairs)
    pairs["map_agreement"] = _agreement(base, candidate, base_at, candidate_at)
    pairs["attention_moved"] = attention_moved(
        pairs["map_agreement"], pairs["delta_true_relevance_mass_accuracy"]
    ).mask(pairs["relabelled"])
    pairs["bucket"] = bucket_of(pairs)
    found: pd.DataFrame = pairs[schema_of("images").names]
    return found


def positions(base: pd.Index[Any], candidate: pd.Index[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Positions (int64[n] each, -1: none) of each image of either run in both of them."""
    theirs = candidate.get_indexer(base)
    alone = np.setdiff1d(np.arange(len(candidate)), theirs)
    ours = np.concatenate([np.arange(len(base)), np.full(len(alone), -1)])
    return ours, np.concatenate([theirs, alone])


def _ids(side: Side) -> pd.Index[Any]:
    ids: pd.Index[Any] = pd.Index(side.images["sample_id"].to_pandas())
    if not ids.is_unique:
        twice = ids[ids.duplicated()][0]
        raise DataError(f"{side.root}: images has sample_id {twice!r} twice, so cannot be joined")
    return ids


def _taken(side: Side, at: np.ndarray, prefix: str) -> pd.DataFrame:
    """The run's rows at positions ``at``, nulls where it has none; names begin with ``prefix``."""
    rows = side.images.take(pa.array(at, mask=at < 0))
    frame = rows.to_pandas(types_mapper=_NULLABLE.get)
    kind = of_one_kind(frame).fillna(value=False)
    for target, column in (
        ("true", "region_visible_fraction"),
        ("pred", "pred_region_visible_fraction"),
    ):
        frame[f"{target}_judged"] = kind & (frame[column] >= _VISIBLE)
    named: pd.DataFrame = frame.add_prefix(f"{prefix}_")
    return named


def _unlike(pairs: pd.DataFrame, name: str) -> pd.Series:
    """Where both runs name it, and not alike."""
    first, second = pairs[f"base_{name}"], pairs[f"candidate_{name}"]
    return (first.notna() & second.notna() & (first != second)).fillna(value=False).astype(bool)


def _changed(pairs: pd.DataFrame) -> pd.Series:
    both = pairs["base_pred_label"].notna() & pairs["candidate_pred_label"].notna()
    changed = _unlike(pairs, "pred_class") | _unlike(pairs, "pred_label")
    return changed.astype("boolean").where(both)


def _add_deltas(pairs: pd.DataFrame) -> None:
    alike = pairs["prediction_changed"].eq(other=False).fillna(value=False).astype(bool)
    usable = {"true": ~pairs["relabelled"], "pred": alike}
    for target, where in usable.items():
        judged = pairs[f"base_{target}_judged"] & pairs[f"candidate_{target}_judged"] & where
        for score in SCORES:
            name = f"{target}_{score}"
            delta = pairs[f"candidate_{name}"] - pairs[f"base_{name}"]
            pairs[f"delta_{name}"] = delta.where(judged.astype(bool))


def _agreement(
    base: Side, candidate: Side, base_at: np.ndarray, candidate_at: np.ndarray
) -> np.ndarray:
    if base.grid != candidate.grid:  # only by force
        return np.full(len(base_at), np.nan, np.float32)
    return map_agreement(base.root, candidate.root, base_at, candidate_at)
