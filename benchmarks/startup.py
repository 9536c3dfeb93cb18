"""How long until something happens? ``--help``, the imports, and what comes before the first batch.

Usage: ``python -m benchmarks.startup``. Each figure is the median of three fresh processes, with
the range. "Before the first batch" is everything from the call of ``run_audit`` till the loader is
asked for the first batch, for 64 images in a folder and a ResNet-18 with random weights: dataset,
model, manifest, folder. The imports are timed apart, with the model's libraries.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import torch
import torchvision

from benchmarks.machine import machine

__all__ = ["main"]

_TRIES = 3
_IMAGES, _CLASSES = 64, 4
_IMPORTS = """
import time
started = time.perf_counter()
import audit.auditing, torchvision.models
print(time.perf_counter() - started)
"""
_FIRST_BATCH = """
import os, time
import audit.auditing, torchvision.models
from audit import engine
from audit.config import RunConfig

def first(*_args, **_kwargs):
    print(time.perf_counter() - started, flush=True)
    os._exit(0)

engine.batches = first
config = RunConfig(
    dataset="folder", data_root=DATA, model="resnet18", checkpoint=WEIGHTS, runs_dir=OUT,
    device="cpu", input_size=224,
)
started = time.perf_counter()
audit.auditing.run_audit(config)
"""


def main() -> None:
    """Print the machine and the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write_images(folder / "images")
        net = torchvision.models.resnet18(num_classes=_CLASSES)
        torch.save(net.state_dict(), folder / "weights.pt")
        print(f"{machine()}\n\n| | median of {_TRIES} | range |\n|---|---|---|")
        _row("`cam-audit --help`", _help)
        _row("the imports", lambda _k: _printed(_IMPORTS))
        _row("beyond them, before the first batch", lambda k: _first_batch(folder, k))


def _row(name: str, measure: Callable[[int], float]) -> None:
    took = [measure(k) for k in range(_TRIES)]
    print(f"| {name} | {median(took):.2f} s | {min(took):.2f}–{max(took):.2f} s |", flush=True)


def _help(_k: int) -> float:
    command = Path(sys.executable).with_name("cam-audit")
    started = time.perf_counter()
    subprocess.run([command, "--help"], check=True, capture_output=True)  # noqa: S603
    return time.perf_counter() - started


def _first_batch(folder: Path, k: int) -> float:
    paths = [str(folder / name) for name in ("images", "weights.pt", f"runs-{k}")]
    given = f"from pathlib import Path\nDATA, WEIGHTS, OUT = map(Path, {paths!r})\n"
    return _printed(given + _FIRST_BATCH)


def _printed(code: str) -> float:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stdout.split()[-1])


def _write_images(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for k in range(_IMAGES):
        path = folder / "test" / f"class-{k % _CLASSES}" / f"{k}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 256, (224, 224, 3), dtype=np.uint8))


if __name__ == "__main__":
    main()
