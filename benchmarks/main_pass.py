"""What does the main pass cost beside plain inference? Its throughput as a share of a bare loop's.

Usage: ``python -m benchmarks.main_pass [SECONDS]``. For each model and size, synthetic images in
memory with a mask each go through ``audit_part`` (both maps of every image, every score, one
Parquet part) and, in turn, through a bare loop: the same batches from the same loader, the same
normalisation, model, memory layout, precision and batch size, class numbers kept. Labels are the
model's own answers, but for a share of the images: those have a second map, and all its scores. The
order of the two alternates; a round's ratio is taken from neighbours in time, and the table shows
the median with the range. SECONDS (8) is how long each measurement lasts.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal
from unittest import mock

import numpy as np
import torch

from audit import plan as planning
from audit.config import RunConfig
from audit.data.feed import feed
from audit.data.loader import batches
from audit.device import autocast
from audit.engine import audit_part, views_of
from audit.models.logits import logits_of
from audit.models.preprocessing import normalise
from audit.plan import Plan, make_plan
from audit.records import Listing
from benchmarks.machine import machine

__all__ = ["Cell", "bare_loop", "compared", "main", "plan_of", "relabel"]

_CLASSES = 10
_BATCH = 64
_ROUNDS = 15
_DISTINCT = 512  # images, repeated where more are asked for


@dataclass(frozen=True)
class Cell:
    """What is measured: ``wrong`` is the share of the images that have a second map."""

    model: str
    side: int  # of the view, in pixels
    wrong: float
    device: str = "cpu"
    dtype: Literal["float32", "bfloat16"] = "float32"
    batch_size: int = _BATCH

    def plan(self, n: int, folder: Path) -> Plan:
        """A plan over ``n`` synthetic images for the untrained model, kept in ``folder``."""
        return plan_of(
            self.model, self.side, n, folder, self.batch_size, device=self.device, dtype=self.dtype
        )


_CELLS = (
    Cell("resnet18", 96, 0.2),
    Cell("resnet18", 96, 1.0),
    Cell("resnet18", 224, 0.2),
    Cell("resnet18", 224, 1.0),
    Cell("resnet50", 224, 1.0),
)


@dataclass(frozen=True)
class Images:
    """An array source: random images, an ellipse's mask each, random labels."""

    listing: Listing
    images: np.ndarray  # N×3×H×W uint8
    masks: np.ndarray  # N×H×W uint8
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, n: int, side: int) -> Images:
        """``n`` images of ``side`` pixels, some of them alike."""
        rng = np.random.default_rng(0)
        drawn = min(n, _DISTINCT)
        coarse = rng.integers(0, 256, (drawn, 3, 8, 8), dtype=np.uint8)
        images = coarse.repeat(side // 8, axis=2).repeat(side // 8, axis=3)
        y, x = np.mgrid[:side, :side]
        at = rng.uniform(0.3, 0.7, (drawn, 2, 1, 1)) * side
        radius = rng.uniform(0.1, 0.3, (drawn, 2, 1, 1)) * side
        inside = ((y - at[:, 0]) / radius[:, 0]) ** 2 + ((x - at[:, 1]) / radius[:, 1]) ** 2 <= 1
        listing = Listing(
            classes=tuple(f"class {k}" for k in range(_CLASSES)),
            labels=rng.integers(0, _CLASSES, n),
            paths=None,
            sizes=np.full(n, 3 * side * side, dtype=np.int64),
        )
        which = np.arange(n) % drawn
        return cls(listing, images[which], inside.astype(np.uint8)[which])


def main(seconds: float) -> None:
    """Print a Markdown table: images a second of both loops, and their ratio."""
    print(f"{machine()}\n")
    print(f"Batches of {_BATCH}, float32, channels last; {_ROUNDS} rounds, ratios of neighbours.\n")
    print("| model | view | two maps | bare loop, img/s | audit, img/s | audit / bare | range |")
    print("|---|---|---|---|---|---|---|")
    for cell in _CELLS:
        found = compared(cell, _images_in(cell, seconds), _ROUNDS)
        print(f"| {cell.model} | {cell.side} px | {cell.wrong:.0%} | {found}", flush=True)


def compared(cell: Cell, n: int, rounds: int) -> str:
    """The last four columns of a cell's row: ``rounds`` times ``n`` images by each of the two."""
    with tempfile.TemporaryDirectory() as folder:
        bare, audited = _measured(cell, n, rounds, Path(folder))
    ratios = [a / b for a, b in zip(audited, bare, strict=True)]
    return (
        f"{median(bare):.0f} | {median(audited):.0f} | "
        f"**{median(ratios):.3f}** | {min(ratios):.3f} to {max(ratios):.3f} |"
    )


def _images_in(cell: Cell, seconds: float) -> int:
    """The images, in two or more whole batches, that a bare loop takes about ``seconds`` for."""
    with tempfile.TemporaryDirectory() as folder:
        plan = cell.plan(2 * cell.batch_size, Path(folder))
        bare_loop(plan)  # warm
        took = _timed(lambda: bare_loop(plan)) / 2
    return max(2, round(seconds / took)) * cell.batch_size


def _measured(cell: Cell, n: int, rounds: int, folder: Path) -> tuple[list[float], list[float]]:
    """Images a second of the bare loop and of the audit, a figure each round."""
    plan = cell.plan(n, folder)
    relabel(plan, cell.wrong)  # warms the bare loop
    audit_part(plan, folder / "warm", 0)  # from here on both keep their memory
    loops: dict[str, Callable[[], object]] = {
        "bare": lambda: bare_loop(plan),
        "audit": lambda: audit_part(plan, folder / "images", 0),
    }
    found: dict[str, list[float]] = {name: [] for name in loops}
    for k in range(rounds):
        for name in sorted(loops, reverse=bool(k % 2)):
            found[name].append(n / _timed(loops[name]))
    return found["bare"], found["audit"]


def relabel(plan: Plan, wrong: float) -> None:
    """Label images with the model's answers, and a share ``wrong`` of them with another class."""
    answers = bare_loop(plan).numpy()
    other = np.random.default_rng(0).random(len(answers)) < wrong
    plan.source.listing.labels[:] = np.where(other, (answers + 1) % _CLASSES, answers)


def _timed(call: Callable[[], object]) -> float:
    gc.collect()
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def bare_loop(plan: Plan) -> torch.Tensor:
    """Plain inference over the plan's images, as fast as the same parts allow; the classes."""
    kept = []
    config, classifier = plan.config, plan.classifier
    read = batches(
        views_of(plan),
        plan.part(0),
        plan.batch_size,
        config.workers,
        pinned=plan.device.type == "cuda",
    )
    with torch.inference_mode(), autocast(plan.device, plan.dtype):
        for batch in feed(read, plan.device):
            inputs = normalise(batch.view_on(plan.device), classifier.preprocessing)
            kept.append(logits_of(classifier.module(inputs)).argmax(dim=1))
    return torch.cat(kept).cpu()


def plan_of(
    model: str,
    side: int,
    n: int,
    folder: Path,
    batch_size: int = _BATCH,
    *,
    device: str = "cpu",
    dtype: Literal["float32", "bfloat16"] = "float32",
) -> Plan:
    """A plan over ``n`` synthetic images of ``side`` pixels for an untrained ``model``."""
    checkpoint = folder / f"{model}.pt"
    if not checkpoint.exists():
        import torchvision  # noqa: PLC0415

        torch.manual_seed(0)
        net = torchvision.models.get_model(model, num_classes=_CLASSES)
        torch.save(net.state_dict(), checkpoint)
    config = RunConfig(
        dataset="synthetic",
        model=model,
        checkpoint=checkpoint,
        regions="native",
        mean="0.485,0.456,0.406",
        std="0.229,0.224,0.225",
        device=device,
        dtype=dtype,
        batch_size=batch_size,
        part_size=n,
    )
    source = Images.of(n, side)
    with mock.patch.object(planning, "open_source", return_value=source):
        return make_plan(config)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 8)
