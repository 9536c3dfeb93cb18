"""What needs every part: occurrence numbers of duplicates, and the permuted baseline.

Each part is rewritten under its own name, whole or not at all, and its footer then says
``finished``; both figures are functions of the parts' other columns, so what an earlier process
finished stays as it is. What is held of the whole dataset is a few bytes an image.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from audit.plan import Plan
from audit.sampling import partners
from audit.scores.grid import project
from audit.tables.parts import (
    done_parts,
    fixed_lists,
    part_path,
    read_part,
    read_parts,
    write_table,
)

__all__ = ["finish_parts"]

_FINISHED = {"finished": "1"}
_HELD = 256 * 2**20  # bytes of maps held at a time


def finish_parts(folder: Path, plan: Plan, metadata: dict[str, str]) -> None:
    """Fill ``sample_id``'s occurrence numbers and ``permuted_baseline_mass`` in every part."""
    finished = done_parts(folder, metadata | _FINISHED)
    if len(finished) == plan.n_parts:
        for _ in read_parts(folder):
            pass  # finished by an earlier process: what has since been damaged is told
        return
    baseline = _baselines(folder, plan, max(1, _HELD // plan.cells))
    number = _Numbers(folder)
    for k in range(plan.n_parts):
        path = part_path(folder, k)
        part = read_part(path)
        table = _set(part, "sample_id", number.of(part["sample_id"].to_pylist()))
        mine = baseline[_rows(plan, k)]
        table = _set(table, "permuted_baseline_mass", pa.array(mine, mask=np.isnan(mine)))
        if k not in finished:
            write_table(table, path, metadata | _FINISHED)


class _Numbers:
    """Numbers the images of equal content in their order: x, x#2, x#3.

    Of an image that occurs once no more is held than a hash of eight bytes.
    """

    def __init__(self, folder: Path) -> None:
        columns = (table["sample_id"].to_pylist() for _, table in read_parts(folder, ["sample_id"]))
        hashes = [
            np.fromiter((hash(_digest(one)) for one in column), np.int64) for column in columns
        ]
        values, counts = np.unique(np.concatenate(hashes), return_counts=True)
        self._repeated = set(values[counts > 1].tolist())
        self._seen: Counter[str] = Counter()

    def of(self, ids: list[str]) -> list[str]:
        """The next images' ``sample_id``; every one is to be asked for once, in order."""
        return [self._next(_digest(one)) for one in ids]

    def _next(self, digest: str) -> str:
        if hash(digest) not in self._repeated:
            return digest
        self._seen[digest] += 1
        count = self._seen[digest]
        return digest if count == 1 else f"{digest}#{count}"


def _digest(sample_id: str) -> str:
    return sample_id.partition("#")[0]


def _rows(plan: Plan, k: int) -> slice:
    """Where part ``k`` lies among the audited images."""
    return slice(k * plan.part_size, min((k + 1) * plan.part_size, len(plan.indices)))


def _set(table: pa.Table, name: str, values: list[str] | pa.Array) -> pa.Table:
    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    return table.set_column(at, field, pa.array(values, type=field.type))


def _baselines(folder: Path, plan: Plan, block: int) -> np.ndarray:
    """Mass of each partner's map inside the image's own region: float32[n]; NaN where none is.

    A partner may lie in any part: the maps are held ``block`` at a time, and each time the regions
    are read once.
    """
    n = len(plan.indices)
    partner = partners(plan.source.listing.labels[plan.indices], plan.config.seed)
    found = np.full(n, np.nan, dtype=np.float32)
    for first in range(0, n, block):
        cams = _cams(folder, plan, first, min(first + block, n))
        held = (partner >= first) & (partner < first + len(cams))
        for k in range(plan.n_parts):
            rows = _rows(plan, k)
            mine = rows.start + np.flatnonzero(held[rows])
            if len(mine):
                table = read_part(part_path(folder, k), ["region_grid", "valid_grid"])
                others = cams[partner[mine] - first]
                found[mine] = _permuted(table, mine - rows.start, others, plan)
    return found


def _cams(folder: Path, plan: Plan, start: int, stop: int) -> np.ndarray:
    """True-class maps of the images ``start`` to ``stop``, uint8 n×cells; zero where none is."""
    cams = np.zeros((stop - start, plan.cells), dtype=np.uint8)
    for k in range(start // plan.part_size, -(-stop // plan.part_size)):
        rows = _rows(plan, k)
        table = read_part(part_path(folder, k), ["true_cam"])
        low, high = max(rows.start, start), min(rows.stop, stop)
        part = fixed_lists(table["true_cam"], plan.cells)
        cams[low - start : high - start] = part[low - rows.start : high - rows.start]
    return cams


def _valid(table: pa.Table, plan: Plan) -> np.ndarray:
    """UᵀV of each image, n×h·w float64: of the whole view where nothing is ignored."""
    whole = project(torch.ones((1, *plan.size)), plan.grid).numpy().reshape(-1)
    some = table["valid_grid"].combine_chunks().is_valid().to_numpy(False)
    given = fixed_lists(table["valid_grid"], plan.cells)
    return np.where(some[:, None], given, whole).astype(np.float64)


def _permuted(table: pa.Table, mine: np.ndarray, cams: np.ndarray, plan: Plan) -> np.ndarray:
    """Mass of the maps ``cams`` inside the regions of the rows ``mine``; NaN where none is."""
    region = fixed_lists(table["region_grid"], plan.cells)[mine]
    whole = (cams * _valid(table, plan)[mine]).sum(axis=1)
    unknown = table["region_grid"].combine_chunks().is_null().to_numpy(False)[mine]
    missing = (whole <= 0) | unknown
    mass = (cams * region).sum(axis=1) / np.where(missing, 1.0, whole)
    return np.where(missing, np.nan, mass).astype(np.float32)
