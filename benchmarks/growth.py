"""How do time and memory grow with the number of images? Measured from the parts to the report.

Usage: ``python -m benchmarks.growth [ROWS ...]`` (default: 10,000 100,000 1,000,000). For each
number of rows a made-up run (that of benchmarks/serve.py: 7×7 maps, 100 classes, two slices, parts
of 16,384) is written to a temporary folder, and a process of its own then does what a run does
after its main pass: duplicates and permuted baseline, flags, results and their tables, report. Its
peak is the process's largest resident set. Interventions are left out: a budget bounds them, not
the number of images.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from audit.auditing import _write_results
from audit.config import RunConfig
from audit.device import keep_memory
from audit.engine import part_metadata
from audit.finish import finish_parts
from audit.frame import read_images
from audit.media import picture_of, size_for
from audit.memory import give_back
from audit.report.render import render_report
from audit.results import Interventions, triaged
from audit.tables.parts import part_path, read_parts, write_table
from audit.tables.schema import arrow_schema
from benchmarks.machine import machine
from benchmarks.serve import make_run

__all__ = ["main", "measured"]

_ROWS = (10_000, 100_000, 1_000_000)
_PART = 16_384
_GRID, _VIEW = (7, 7), (224, 224)
_STAGES = ("finish_parts", "triage", "results and tables", "report")


def main(sizes: tuple[int, ...]) -> None:
    """Print the machine and one row a size."""
    fresh = multiprocessing.get_context("spawn")
    print(machine(), flush=True)
    print(f"\n| rows | {' | '.join(_STAGES)} | together | at the start | peak |")
    print("|---|" + "---|" * (len(_STAGES) + 3), flush=True)
    for rows in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            for task in (make_run, _print_measured):
                process = fresh.Process(target=task, args=(Path(scratch) / "made-up", rows))
                process.start()
                process.join()
                if process.exitcode:
                    raise SystemExit(f"{task.__name__} of {rows:,} rows: {process.exitcode}")


def _print_measured(run: Path, rows: int) -> None:
    before = _peak()
    took = measured(run, rows)
    seconds = " | ".join(f"{took[name]:.1f} s" for name in _STAGES)
    print(
        f"| {rows:,} | {seconds} | {sum(took.values()):.1f} s | {before:,} MiB | {_peak():,} MiB |",
        flush=True,
    )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def measured(run: Path, rows: int) -> dict[str, float]:
    """Seconds that each stage takes on the made-up run ``run``."""
    keep_memory()  # as a run on a CPU does
    plan = _plan(run, rows)
    took, at = {}, time.perf_counter()
    finish_parts(run / "images", plan, part_metadata(plan))
    took["finish_parts"], at = time.perf_counter() - at, time.perf_counter()
    give_back()
    images = read_images(run / "images")
    cases = triaged(images)
    took["triage"], at = time.perf_counter() - at, time.perf_counter()
    none = arrow_schema("interventions").empty_table().to_pandas()
    tested = Interventions(none, 0, plan.config.fill, plan.size)
    chosen = _write_results(plan, run, images, cases, tested).chosen
    took["results and tables"] = time.perf_counter() - at
    del images, cases  # as a run does
    give_back()
    _write_media(run, chosen["index"].tolist(), chosen["galleries"].tolist())
    at = time.perf_counter()
    render_report(run)
    return took | {"report": time.perf_counter() - at}


def _plan(run: Path, rows: int) -> Any:
    """What these stages ask a plan for, without a dataset and a model."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    classes = [
        part["true_class"].to_numpy() for _, part in read_parts(run / "images", ["true_class"])
    ]
    listing = SimpleNamespace(
        labels=np.concatenate(classes), classes=tuple(manifest["dataset"]["classes"])
    )
    return SimpleNamespace(
        source=SimpleNamespace(listing=listing),
        config=RunConfig(dataset="made-up"),
        indices=np.arange(rows),
        part_size=_PART,
        n_parts=-(-rows // _PART),
        cells=_GRID[0] * _GRID[1],
        grid=_GRID,
        size=_VIEW,
        fingerprint_id="made-up",
        dtype=torch.float32,
    )


def _write_media(run: Path, indices: list[int], galleries: list[list[str]]) -> None:
    """One picture for every case, as a run would write it: noise, so rather too large."""
    noise = np.random.default_rng(1).integers(0, 255, (*_VIEW, 3), dtype=np.uint8)
    picture = picture_of(noise, size_for(len(indices)))
    none = [None] * len(indices)
    columns = [indices, galleries, [picture] * len(indices), none, none]
    table = pa.table(columns, schema=arrow_schema("media"))
    write_table(table, part_path(run / "media", 0), {})


if __name__ == "__main__":
    main(tuple(int(one) for one in sys.argv[1:]) or _ROWS)
