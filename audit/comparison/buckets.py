"""What became of each image: one bucket each, so that the buckets' counts add up to all images."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["BUCKETS", "MOVED_AGREEMENT", "MOVED_MASS", "attention_moved", "bucket_of"]

#: Attention moved: less than half of the two maps' heat lies in the same place …
MOVED_AGREEMENT = 0.5
#: … or a quarter of the heat came onto the object, or left it.
MOVED_MASS = 0.25

#: Bucket → what is in it, first match first.
BUCKETS = {
    "only_in_base": "the candidate's run has no such image",
    "only_in_candidate": "the base's run has no such image",
    "not_judged": "without a label, labelled differently, or not classified by both",
    "regressed": "the base is right, the candidate wrong",
    "fixed": "the base is wrong, the candidate right",
    "still_wrong": "both are wrong, and give different answers",
    "attention_moved": "the same answer, and the attention for the label lies elsewhere",
    "unchanged": "the same answer, and no such move",
}


def attention_moved(agreement: pd.Series, delta_mass: pd.Series) -> pd.Series:
    """Whether the attention moved, by either measure; null where neither exists."""
    moved = (agreement < MOVED_AGREEMENT) | (delta_mass.abs() >= MOVED_MASS)
    known = agreement.notna() | delta_mass.notna()
    return moved.astype("boolean").where(known)


def bucket_of(pairs: pd.DataFrame) -> pd.Series:
    """The bucket of each row of ``pairs``.

    Reads base_index, candidate_index, relabelled, base_correct, candidate_correct,
    prediction_changed, attention_moved.
    """
    before, after = pairs["base_correct"], pairs["candidate_correct"]
    unknown = before.isna() | after.isna() | pairs["relabelled"]
    right, now = _sure(before), _sure(after)
    conditions = (
        pairs["candidate_index"].isna().to_numpy(),
        pairs["base_index"].isna().to_numpy(),
        unknown.to_numpy(dtype=bool),
        right & ~now,
        ~right & now,
        _sure(pairs["prediction_changed"]),
        _sure(pairs["attention_moved"]),
    )
    names = list(BUCKETS)
    return pd.Series(np.select(conditions, names[:-1], names[-1]), index=pairs.index)


def _sure(column: pd.Series) -> np.ndarray:
    """True only where it is known to be."""
    found: np.ndarray = column.fillna(value=False).to_numpy(dtype=bool)
    return found
