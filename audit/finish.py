"""What needs every part: occurrence numbers of duplicates, and the permuted baseline.

Each part is rewritten under its own name, whole or not at all, and its footer then says
``finished``; both figures are functions of the parts' other columns, so doing it twice changes
nothing.
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
from audit.tables.parts import done_parts, fixed_lists, read_parts, write_table

__all__ = ["finish_parts"]

_FINISHED = {"finished": "1"}


def finish_parts(folder: Path, plan: Plan, metadata: dict[str, str]) -> None:
    """Fill ``sample_id``'s occurrence numbers and ``permuted_baseline_mass`` in every part."""
    if len(done_parts(folder, metadata | _FINISHED)) == plan.n_parts:
        return
    cams = _all_cams(folder, len(plan.indices), plan.cells)
    partner = partners(plan.source.listing.labels[plan.indices], plan.config.seed)
    seen: Counter[str] = Counter()
    start = 0
    for path, part in read_parts(folder):
        mine = slice(start, start + len(part))
        table = _set(part, "sample_id", _numbered(part["sample_id"].to_pylist(), seen))
        others = np.where(partner[mine, None] >= 0, cams[partner[mine]], 0)
        table = _set(table, "permuted_baseline_mass", _permuted(table, others, plan))
        write_table(table, path, metadata | _FINISHED)
        start = mine.stop


def _numbered(ids: list[str], seen: Counter[str]) -> list[str]:
    numbered = []
    for sample_id in ids:
        digest = sample_id.partition("#")[0]
        seen[digest] += 1
        numbered.append(digest if seen[digest] == 1 else f"{digest}#{seen[digest]}")
    return numbered


def _set(table: pa.Table, name: str, values: list[str] | pa.Array) -> pa.Table:
    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    return table.set_column(at, field, pa.array(values, type=field.type))


def _all_cams(folder: Path, n: int, cells: int) -> np.ndarray:
    """Every true-class map, uint8 n×cells, in the parts' order; zero where there is none."""
    cams = np.zeros((n, cells), dtype=np.uint8)
    start = 0
    for _, table in read_parts(folder, ["true_cam"]):
        cams[start : start + len(table)] = fixed_lists(table["true_cam"], cells)
        start += len(table)
    return cams


def _valid(table: pa.Table, plan: Plan) -> np.ndarray:
    """UᵀV of each image, n×h·w float64: of the whole view where nothing is ignored."""
    whole = project(torch.ones((1, *plan.size)), plan.grid).numpy().reshape(-1)
    some = table["valid_grid"].combine_chunks().is_valid().to_numpy(False)
    given = fixed_lists(table["valid_grid"], plan.cells)
    return np.where(some[:, None], given, whole).astype(np.float64)


def _permuted(table: pa.Table, cams: np.ndarray, plan: Plan) -> pa.Array:
    """Mass of the partners' maps (n×h·w) inside these images' regions; null where none is."""
    region = fixed_lists(table["region_grid"], plan.cells)
    whole = (cams * _valid(table, plan)).sum(axis=1)
    missing = (whole <= 0) | table["region_grid"].combine_chunks().is_null().to_numpy(False)
    mass = (cams * region).sum(axis=1) / np.where(missing, 1.0, whole)
    return pa.array(mass.astype(np.float32), mask=missing)
