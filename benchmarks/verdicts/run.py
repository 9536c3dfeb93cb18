"""Fit, audit and know the truth of every cell: the planted benchmark's long part.

Usage: ``python -m benchmarks.verdicts.run [DATA_ROOT] [--half HALF] [--processes N]
[--estimated]`` with HALF one of smoke, development, reported. What a cell left below
``DATA_ROOT/verdicts`` is kept: a run that was stopped goes on. ``python -m
benchmarks.verdicts.report`` makes the tables.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from audit.auditing import run_audit
from audit.config import RunConfig
from audit.tables import parts
from audit.verdicts.cutoffs import VERDICT_VERSION, Cutoffs
from audit.verdicts.local import per_image
from benchmarks.verdicts.audited import DATA_VARIABLE, dataset_name
from benchmarks.verdicts.designs import HALVES, Cell, designs
from benchmarks.verdicts.models import (
    accuracy_of,
    checkpoint_of,
    fit_cell,
    load_cell,
    model_name,
    source_of,
)
from benchmarks.verdicts.truth import Truth, box_iou, truth_of

__all__ = ["cells_of", "is_done", "main", "results_of_cell"]

#: Columns of ``images`` that the rivals are made of.
SCORES = [
    "index",
    "correct",
    "pred_class",
    "pred_relevance_mass_accuracy",
    "pred_mass_lift",
    "pred_pointing_game_hit",
    "pred_ground_truth_coverage",
    "pred_iou_coverage",
    "pred_cam",
    "region_grid",
]


_RULES = {"verdict_version": str(VERDICT_VERSION)}


def cells_of(half: str) -> tuple[Cell, ...]:
    """The cells of ``smoke``, or of a half of the full design."""
    if half == "smoke":
        return designs("smoke")
    first = HALVES[half]
    others = [start for start in HALVES.values() if start > first]
    return tuple(c for c in designs() if first <= c.seed < min(others, default=np.inf))


def results_of_cell(cell: Cell, data_root: Path, estimated: bool = False) -> Path:
    """Fit, audit and compare with the truth; returns the folder of the cell's two tables.

    ``estimated`` audits with GrabCut's regions in place of the true masks.
    """
    folder = data_root / "verdicts" / "results" / (cell.name + ("-estimated" if estimated else ""))
    if is_done(folder):
        return folder
    torch.set_num_threads(1)
    os.environ[DATA_VARIABLE] = str(data_root)
    fit_cell(cell, data_root)
    config = RunConfig(
        dataset=dataset_name(cell, bare=estimated),
        model=model_name(cell),
        checkpoint=checkpoint_of(cell, data_root),
        regions="auto" if estimated else "native",
        data_root=data_root / "verdicts",
        runs_dir=data_root / "verdicts" / "runs",
        run=folder.name,
        workers=0,
        max_cases=0,
        seed=cell.seed,
        sanity=False,
    )
    run = run_audit(config).parents[1]
    module = load_cell(cell, data_root)
    truth = truth_of(cell, module)
    apart = accuracy_of(module, source_of(cell, data_root, "test-decorrelated"))
    _keep(_cases(truth, run), folder / "cases.parquet")
    _keep(_classes(truth, run, apart), folder / "classes.parquet")  # last: then the cell is done
    return folder


def is_done(folder: Path) -> bool:
    """Whether a cell's tables are whole, by the present rules: others' figures are not theirs."""
    return parts.is_done(folder / "classes.parquet", _RULES)


def _keep(frame: pd.DataFrame, file: Path) -> None:
    parts.write_table(pa.Table.from_pandas(frame), file, _RULES)


def _cases(truth: Truth, run: Path) -> pd.DataFrame:
    """One row an image: the truth, every score of the run, and what S1 said where it was made."""
    known = pd.DataFrame(
        [
            {
                "index": case.index,
                "truth_drop": case.drop,
                "kind": case.kind,
                "area": case.area,
            }
            for case in truth.cases
        ]
    )
    images = pq.read_table(run / "images", columns=SCORES).to_pandas()
    flags = pd.read_parquet(run / "cases.parquet")
    kept = flags[["index", "off_object", "local_cause", "spurious_verified", "spurious_class"]]
    tested = per_image(pd.read_parquet(run / "interventions"), "blur", Cutoffs())
    plants = {case.index: case.plant for case in truth.cases}
    tested["plant_iou"] = [
        box_iou((int(row.x0), int(row.y0), int(row.x1), int(row.y1)), plants[row.index])
        if row.state == "tested"
        else np.nan
        for row in tested.itertuples()
    ]
    joined = known.merge(images, on="index").merge(kept, on="index")
    return joined.merge(tested.drop(columns=["watched_class"]), on="index", how="left")


def _classes(truth: Truth, run: Path, apart: float) -> pd.DataFrame:
    """One row a class: the truth and the verdict."""
    known = pd.DataFrame([asdict(one) for one in truth.classes])
    known["truth_spurious"] = [one.is_spurious for one in truth.classes]
    known["truth_ignored"] = [one.is_ignored for one in truth.classes]
    known["accuracy"], known["accuracy_apart"] = truth.accuracy, apart
    verdicts = pd.read_parquet(run / "classes.parquet").drop(columns=["n", "accuracy"])
    return known.join(verdicts)


def main() -> None:
    """Make what is missing of a half, a few cells at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_root", nargs="?", type=Path, default=Path("data"))
    parser.add_argument("--half", default="smoke", choices=("smoke", *HALVES))
    parser.add_argument("--estimated", action="store_true", help="GrabCut's regions, no masks")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    os.environ[DATA_VARIABLE] = str(asked.data_root)
    cells = cells_of(asked.half)
    with ProcessPoolExecutor(asked.processes, get_context("spawn")) as pool:
        jobs = [
            pool.submit(results_of_cell, cell, asked.data_root, asked.estimated) for cell in cells
        ]
        for k, job in enumerate(as_completed(jobs), start=1):
            if job.exception() is not None:
                pool.shutdown(wait=False, cancel_futures=True)
            print(f"{k}/{len(jobs)} {job.result().name}", flush=True)


if __name__ == "__main__":
    main()
