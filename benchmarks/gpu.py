"""The main pass on a CUDA GPU: beside a bare loop, on an STL10-shaped split, and what bounds it.

Usage: ``python -m benchmarks.gpu``. Three tables: images a second of the main pass and of a bare
loop, as ``benchmarks.main_pass`` compares them, over 16 batches at a time, so that reading, device
and writing overlap as they do in a run; the main pass over 8,000 images of 96 pixels after
start-up; and, for each model, what an image costs at every stage, timed apart: the fewest
microseconds that its arithmetic and its bytes can take at the rates measured on this card, the
forward, forward with both maps and all scores, and the host's work that runs beside the device.
Meant to end within ten minutes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from audit.data.loader import batches
from audit.device import autocast
from audit.engine import _examined, audit_part, views_of
from audit.findings import examine
from audit.models.logits import logits_of
from audit.models.preprocessing import normalise
from audit.rows import rows_of
from benchmarks.machine import machine
from benchmarks.main_pass import Cell, compared, relabel

__all__ = ["main"]

_BATCH = 512
_SPLIT, _SIDE = 8000, 96  # STL10's test split
_DTYPES = ("float32", "bfloat16")
_MODELS = (("resnet18", 96), ("resnet18", 224), ("resnet50", 224))
_BATCHES, _ROUNDS = 16, 5  # of the first table
_REPEATS = 10


def main() -> None:
    """Print the machine and the three tables."""
    print(
        f"{machine()}\n\n{_BATCHES} batches of {_BATCH}, channels last; every image has a second "
        f"map; {_ROUNDS} rounds.\n"
    )
    print("| model | view | dtype | bare loop, img/s | audit, img/s | audit / bare | range |")
    print("|---|---|---|---|---|---|---|")
    cells = [Cell(*one, 1.0, "cuda", dtype, _BATCH) for one in _MODELS for dtype in _DTYPES]
    for cell in cells:
        found = compared(cell, _BATCHES * _BATCH, _ROUNDS)
        print(f"| {cell.model} | {cell.side} px | {cell.dtype} | {found}", flush=True)
    print(f"\n| {_SPLIT:,} images of {_SIDE} px, resnet18 | seconds after start-up |\n|---|---|")
    for dtype in _DTYPES:
        print(f"| {dtype} | {_split(dtype):.2f} |", flush=True)
    print("\nMicroseconds an image:\n")
    print(f"| | {' | '.join(f'{cell.model}, {cell.side} px, {cell.dtype}' for cell in cells)} |")
    print("|---" * (len(cells) + 1) + "|")
    stages = [_stages(cell) for cell in cells]
    for name in stages[0]:
        print(f"| {name} | {' | '.join(f'{one[name]:.1f}' for one in stages)} |")


def _split(dtype: Any) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cell = Cell("resnet18", _SIDE, 0.2, "cuda", dtype, _BATCH)
        warm, plan = cell.plan(2 * _BATCH, folder), cell.plan(_SPLIT, folder)
        relabel(plan, cell.wrong)
        audit_part(warm, folder / "warm", 0)
        started = time.perf_counter()
        audit_part(plan, folder / "images", 0)
        return time.perf_counter() - started


def _stages(cell: Cell) -> dict[str, float]:
    """Stage → microseconds an image, one batch again and again."""
    with tempfile.TemporaryDirectory() as scratch:
        plan = cell.plan(_BATCH, Path(scratch))
        relabel(plan, cell.wrong)
        batch = next(batches(views_of(plan), plan.indices, _BATCH, 0, pinned=True))
        view = batch.to(plan.device).view_on(plan.device)
        inputs = normalise(view, plan.classifier.preprocessing)
        module = plan.classifier.module
        moved = batch.to(plan.device)
        done = next(_examined(plan, 0))

        def forward() -> None:
            with torch.inference_mode(), autocast(plan.device, plan.dtype):
                logits_of(module(inputs))

        flop, moved_bytes = _work(module, inputs)
        dtype = getattr(torch, cell.dtype)
        width = 2 if cell.dtype == "bfloat16" else 4
        found = {
            "floor of the arithmetic": flop / _arithmetic(dtype),
            "floor of the bytes": moved_bytes * width / _bandwidth(),
            "forward": _on_device(forward),
            "forward, maps, scores": _on_device(
                lambda: examine(
                    moved, plan.classifier, plan.task, "grad-cam", plan.device, dtype=plan.dtype
                )
            ),
            "copy to the device": _on_device(lambda: batch.to(plan.device)),
            "host: loader": _on_host(
                lambda: next(batches(views_of(plan), plan.indices, _BATCH, 0, pinned=True))
            ),
            "host: rows": _on_host(
                lambda: rows_of(*done[:2], plan.task.names, plan.grid, plan.size)
            ),
        }
    return {name: seconds * 1e6 / _BATCH for name, seconds in found.items()}


def _work(module: nn.Module, inputs: torch.Tensor) -> tuple[float, float]:
    """Floating-point operations of a forward, and the numbers that its layers read and write."""
    moved = [sum(parameter.numel() for parameter in module.parameters())]
    hooks = [
        layer.register_forward_hook(
            lambda _layer, given, made: moved.append(given[0].numel() + made.numel())
        )
        for layer in module.modules()
        if not any(layer.children())
    ]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(inputs)
    for hook in hooks:
        hook.remove()
    return counter.get_total_flops(), sum(moved)


def _arithmetic(dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large matrix product."""
    n = 8192
    a, b = (torch.randn(n, n, device="cuda", dtype=dtype) for _ in range(2))
    return 2 * n**3 / _on_device(lambda: a @ b)


def _bandwidth() -> float:
    """Bytes a second that a large copy reads and writes."""
    a = torch.randint(0, 256, (2**31,), device="cuda", dtype=torch.uint8)
    b = torch.empty_like(a)
    return 2 * len(a) / _on_device(lambda: b.copy_(a))


def _on_device(call: Callable[[], object]) -> float:
    """Seconds of one call, the host's launches included where the device waits for them."""
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(_REPEATS):
        call()
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / _REPEATS


def _on_host(call: Callable[[], object]) -> float:
    call()
    started = time.perf_counter()
    for _ in range(_REPEATS):
        call()
    return (time.perf_counter() - started) / _REPEATS


if __name__ == "__main__":
    main()
