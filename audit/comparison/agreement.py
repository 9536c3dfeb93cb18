"""How far two runs' maps of the same images agree, read part by part so that memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from audit.report.tables import parts_of, read
from audit.tables.parts import fixed_lists

__all__ = ["map_agreement"]

_COLUMN = "true_cam"
_KEPT = 4  # parts of the candidate in memory: both runs list a dataset in the same order


class _Parts:
    """A run's maps by position, as if its parts were one table."""

    def __init__(self, run: Path) -> None:
        self.paths: Sequence[Path] = parts_of(run / "images")
        rows = [pq.read_metadata(path).num_rows for path in self.paths]
        self.ends = np.cumsum([0, *rows])
        self.load = lru_cache(maxsize=_KEPT)(self._load)

    def _load(self, part: int) -> np.ndarray:
        """The part's maps as rows of shares that sum to 1; rows of zeros where there is none."""
        column = read([self.paths[part]], [_COLUMN])[_COLUMN]
        maps = fixed_lists(column, column.type.list_size).astype(np.float32)
        total = maps.sum(axis=1, keepdims=True)
        shares: np.ndarray = np.divide(maps, total, out=np.zeros_like(maps), where=total > 0)
        return shares


def map_agreement(
    base: Path, candidate: Path, base_at: np.ndarray, candidate_at: np.ndarray
) -> np.ndarray:
    """Σ min(P, Q) of the true class's maps of each pair, as distributions: 1 is equal, 0 disjoint.

    ``base_at`` and ``candidate_at`` (int64[n]) are positions in the runs' ``images``, -1 for none.
    Returns float32[n], NaN where one has no map, or a map of zeros. The grids must be equal.
    """
    found = np.full(len(base_at), np.nan, np.float32)
    ours, theirs = _Parts(base), _Parts(candidate)
    pairs = np.flatnonzero((base_at >= 0) & (candidate_at >= 0))
    for part, rows in _by_part(ours, base_at, pairs):
        first = ours.load(part)[base_at[rows] - ours.ends[part]]
        for other, within in _by_part(theirs, candidate_at[rows], np.arange(len(rows))):
            second = theirs.load(other)[candidate_at[rows[within]] - theirs.ends[other]]
            shared = np.minimum(first[within], second).sum(axis=1)
            both = first[within].any(axis=1) & second.any(axis=1)
            found[rows[within]] = np.where(both, np.minimum(shared, 1), np.nan)
    return found


def _by_part(
    parts: _Parts, positions: np.ndarray, rows: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """The ``rows`` whose ``positions`` lie in each part, part by part."""
    which = np.searchsorted(parts.ends, positions[rows], side="right") - 1
    for part in np.unique(which):
        yield int(part), rows[which == part]
