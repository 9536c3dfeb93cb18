"""How many rows a second can the main pass write? The rows of a part, and the part, timed apart.

Usage: ``python -m benchmarks.writer``. A ResNet-18 of random weights scores 512 synthetic images of
224 pixels once; their batches of 64, repeated to a part of 16,384 rows, are then made into rows of
the ``images`` table, and these written as one Parquet part (zstd, checksums, fsync, rename) to a
temporary folder: five times, of which the table shows the median and the range.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import pyarrow as pa

from audit.engine import _examined, part_metadata
from audit.rows import rows_of
from audit.tables.parts import part_path, write_table
from benchmarks.machine import machine
from benchmarks.main_pass import plan_of

__all__ = ["main"]

_IMAGES, _PART, _TRIES = 512, 16_384, 5


def main() -> None:
    """Print the machine and the table."""
    made, written = [], []
    with tempfile.TemporaryDirectory() as scratch:
        plan = plan_of("resnet18", 224, _IMAGES, Path(scratch))
        batches = list(_examined(plan, 0)) * (_PART // _IMAGES)
        path = part_path(Path(scratch) / "images", 0)
        for _ in range(_TRIES):
            at = time.perf_counter()
            rows = [
                rows_of(batch, figures, plan.task.names, plan.grid, plan.size)
                for batch, figures, _ in batches
            ]
            made.append(time.perf_counter() - at)
            at = time.perf_counter()
            write_table(pa.concat_tables(rows), path, part_metadata(plan))
            written.append(time.perf_counter() - at)
        size = path.stat().st_size / _PART
    both = [a + b for a, b in zip(made, written, strict=True)]
    print(f"{machine()}\n\n{size:,.0f} bytes a row in the file.\n")
    print("| step | rows/s, median | range |\n|---|---|---|")
    for name, took in (("rows from findings", made), ("Parquet part", written), ("both", both)):
        rates = [_PART / one for one in took]
        print(f"| {name} | {median(rates):,.0f} | {min(rates):,.0f} to {max(rates):,.0f} |")


if __name__ == "__main__":
    main()
