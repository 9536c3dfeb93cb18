"""The only loop over the dataset: batches in, one committed part of rows out.

Any runner calls ``audit_part(plan, folder, k)``; parts know nothing of each other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import torch

from audit.data.feed import feed
from audit.data.loader import Views, batches
from audit.device import keep_memory
from audit.findings import Packed, examine, unpack
from audit.nouns import noun_rows
from audit.plan import Plan
from audit.records import Batch
from audit.rows import rows_of
from audit.tables.parts import is_done, part_path, write_table
from audit.tables.schema import SCHEMA_VERSION, arrow_schema

__all__ = ["audit_part", "part_metadata", "views_of"]

_WRITERS = min(4, os.cpu_count() or 1)  # threads that make rows beside a GPU

_Examined: TypeAlias = "tuple[Batch, dict[str, np.ndarray], Packed]"
_Tables: TypeAlias = "tuple[pa.Table, pa.Table | None]"


def audit_part(
    plan: Plan, folder: Path, k: int, progress: Callable[[int], object] = lambda _n: None
) -> None:
    """Audit part ``k`` of ``plan`` and commit it to ``folder`` (the run's ``images``).

    ``progress`` is told after each batch how many images it held. Raises what a bad dataset
    raises, and IncompleteError where the part cannot be written.
    """

    def tables(examined: _Examined) -> _Tables:
        batch, figures, packed = examined
        progress(len(batch))
        names = packed.said or plan.task.names
        return rows_of(batch, figures, names, plan.grid, plan.size), _words(plan, batch, packed)

    if plan.device.type == "cpu":
        keep_memory()
    made = _beside(tables, _examined(plan, k), plan.device)
    metadata = part_metadata(plan)
    if plan.task.nouns:  # before the images, whose part is the commit record
        empty = arrow_schema("words", plan.cells).empty_table()
        words = pa.concat_tables([empty, *(one for _, one in made if one is not None)])
        _commit(words, part_path(folder.with_name("words"), k), metadata)
    _commit(pa.concat_tables([one for one, _ in made]), part_path(folder, k), metadata)


def _commit(table: pa.Table, path: Path, metadata: dict[str, str]) -> None:
    """Write a part; a worker that was given up for lost, and comes late, undoes no later one."""
    if not is_done(path, metadata, table.num_rows):
        write_table(table, path, metadata)


def _words(plan: Plan, batch: Batch, packed: Packed) -> pa.Table | None:
    """The batch's rows of the ``words`` table; None: no word names a class."""
    if packed.words is None:
        return None
    figures = unpack(packed.words.matrix.cpu().numpy(), packed.words.layout)
    return noun_rows(batch, figures, packed.words.nouns, plan.task.nouns, plan.cells)


def part_metadata(plan: Plan) -> dict[str, str]:
    """What every part's footer says of the plan that made it."""
    return {
        "fingerprint": plan.fingerprint_id,
        "schema_version": str(SCHEMA_VERSION),
        "cam_height": str(plan.grid[0]),
        "cam_width": str(plan.grid[1]),
    }


def views_of(plan: Plan) -> Views:
    """The plan's images as its model sees them."""
    return Views(plan.source, plan.classifier.preprocessing, plan.size, plan.regions.regions)


def _beside(
    make: Callable[[_Examined], _Tables], found: Iterator[_Examined], device: torch.device
) -> list[_Tables]:
    """What ``make`` makes of each of ``found``; in threads of their own while a GPU works on.

    On a CPU the model has every core, and a thread beside it would only hold one of them up.
    """
    if device.type == "cpu":
        return list(map(make, found))
    with ThreadPoolExecutor(_WRITERS, "writer") as writers:
        return list(writers.map(make, found))


def _examined(plan: Plan, k: int) -> Iterator[_Examined]:
    """Each batch with its findings on the host, read while the device works on the next one."""
    config = plan.config
    waiting: tuple[Batch, Packed, _Copy] | None = None
    read = batches(
        views_of(plan),
        plan.part(k),
        plan.batch_size,
        config.workers,
        pinned=plan.device.type == "cuda",
    )
    for batch in feed(read, plan.device):
        packed = examine(
            batch, plan.classifier, plan.task, config.method, plan.device, dtype=plan.dtype
        )
        copy = _Copy(packed.matrix)
        if waiting is not None:
            yield _unpacked(*waiting)
        waiting = batch, packed, copy
    if waiting is not None:
        yield _unpacked(*waiting)


def _unpacked(batch: Batch, packed: Packed, copy: _Copy) -> _Examined:
    return batch, unpack(copy.result(), packed.layout), packed


class _Copy:
    """A matrix on its way from the device to the host, queued before later work is."""

    def __init__(self, matrix: torch.Tensor) -> None:
        self._host, self._done = matrix, None
        if matrix.device.type == "cuda":
            self._host = torch.empty(matrix.shape, dtype=matrix.dtype, pin_memory=True)
            self._host.copy_(matrix, non_blocking=True)
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._done.record()

    def result(self) -> np.ndarray:
        """The matrix on the host; waits for the copy alone."""
        if self._done is not None:
            self._done.synchronize()
        host: np.ndarray = self._host.cpu().numpy()
        return host
