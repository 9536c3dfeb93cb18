"""Figures of a batch on the host as columns of a table: what does not exist is null."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

__all__ = ["lists", "numbers", "words"]


def words(codes: np.ndarray, known: tuple[str | None, ...], where: np.ndarray) -> pa.Array:
    """The word of each code, an index into ``known``, where ``where`` holds."""
    said = np.array(known, dtype=object)[np.where(where, codes, 0).astype(np.int64)]
    return pa.array(said, mask=~where, type=pa.string())


def numbers(values: np.ndarray, where: np.ndarray) -> pa.Array:
    """float32, where ``where`` holds and the value is a number."""
    return pa.array(np.ascontiguousarray(values), mask=~where | np.isnan(values), type=pa.float32())


def lists(values: np.ndarray, where: np.ndarray, dtype: type = np.float32) -> pa.Array:
    """Fixed-size lists of the rows where ``where`` holds and nothing is NaN."""
    where = where & ~np.isnan(values).any(axis=1)
    flat: np.ndarray = np.ascontiguousarray(
        np.where(where[:, None], values, 0).astype(dtype)
    ).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), values.shape[1], mask=pa.array(~where))
