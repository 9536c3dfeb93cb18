"""What do the scores cost beside the model? Regions and all scores as a share of an audit's time.

Usage: ``python benchmarks/scores.py [IMAGES]``. Audits generated photos with a box and a mask each
(untrained ResNet18, 224 px, CPU; random labels, so that nearly every image has a second map) three
times, and sums up the time inside the functions that make regions and scores. The CPU works through
each call before the next, so their sum is their share.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image

from audit import findings, rows
from audit.config import RunConfig
from audit.engine import audit_part
from audit.plan import make_plan
from audit.target_regions import AnnotatedBatch, Regions

__all__ = ["main"]

_RUNS = 3
_COSTS = {
    "regions on the device": (AnnotatedBatch, "of"),
    "regions of a target": (Regions, "of"),
    "scores of a map": (findings, "score_map"),
    "map boxes": (rows, "box_ious"),
}


def main(n: int) -> None:
    """Print a Markdown table: seconds and share of each cost, the median of three audits."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write_photos(root / "photos", n)
        config = RunConfig(
            dataset=f"table:{root / 'photos' / 'photos.csv'}",
            model="resnet18",
            checkpoint=_checkpoint(root),
            class_map=None,
            resize="256",
            crop="224",
            device="cpu",
            workers=0,
            part_size=n,
        )
        plan = make_plan(config)
        found = [_timed(lambda: audit_part(plan, root / "images", 0)) for _ in range(_RUNS)]
    median = sorted(found, key=lambda one: one["whole"])[_RUNS // 2]
    print("| | seconds | share |\n|---|---|---|")
    for name, seconds in median.items():
        print(f"| {name} | {seconds:.2f} | {seconds / median['whole']:.1%} |")
    costs = sum(seconds for name, seconds in median.items() if name in _COSTS)
    print(f"| **regions and scores** | {costs:.2f} | {costs / median['whole']:.1%} |")


def _timed(call: Callable[[], object]) -> dict[str, float]:
    """Seconds of ``call``, as a whole and inside each of _COSTS."""
    spent = dict.fromkeys(_COSTS, 0.0)

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def inner(*args: Any, **options: Any) -> Any:
            started = time.perf_counter()
            found = function(*args, **options)
            spent[name] += time.perf_counter() - started
            return found

        return inner

    patches = [
        mock.patch.object(owner, attribute, watched(name, getattr(owner, attribute)))
        for name, (owner, attribute) in _COSTS.items()
    ]
    for patch in patches:
        patch.start()
    started = time.perf_counter()
    call()
    whole = time.perf_counter() - started
    mock.patch.stopall()
    return {"whole": whole, **spent}


def _write_photos(folder: Path, n: int) -> None:
    """``n`` JPEGs of 320×256 pixels with one box each, of ten classes."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = ["path,label,x0,y0,x1,y1"]
    for i in range(n):
        coarse = rng.integers(0, 256, (8, 10, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((320, 256)).save(folder / f"{i:05d}.jpg")
        left, top = rng.integers(0, 200), rng.integers(0, 150)
        lines.append(f"{i:05d}.jpg,{i % 10},{left},{top},{left + 100},{top + 80}")
    (folder / "photos.csv").write_text("\n".join(lines))


def _checkpoint(root: Path) -> Path:
    """A ResNet18 with random weights for ten classes."""
    from torchvision.models import resnet18  # noqa: PLC0415 - only here

    torch.manual_seed(0)
    path = root / "resnet18.pt"
    torch.save(resnet18(num_classes=10).state_dict(), path)
    return path


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
