"""The same audit written with its peers: grad-cam, torchcam and captum as their docs advise.

Usage: ``python -m benchmarks.peers [IMAGES]``. Each contestant takes the same synthetic images in
memory through the same ResNet18 at 224 px, in batches of 64: prediction, Grad-CAM of the true and
of the predicted class at the view's size, the share of each map inside the image's mask, one
Parquet file. Ours is ``audit_part``, which also makes every other score. Each runs in a process of
its own; rounds alternate. Memory is the peak of the resident set above what the process held before
its first forward, less what a bare forward of the same batch adds.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor, nn

from audit.engine import audit_part
from audit.models.preprocessing import normalise
from audit.plan import Plan
from benchmarks.machine import machine
from benchmarks.main_pass import plan_of

__all__ = ["main"]

_MODEL, _SIDE, _BATCH, _ROUNDS = "resnet18", 224, 64, 3
_COLUMNS = ("true_class", "pred_class", "true_mass", "pred_mass")
#: Two maps B×H×W of the classes true and predicted, and the predictions, of an input batch.
Explain = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def main(n: int) -> None:
    """Print a Markdown table: images a second and memory of every contestant, beside ours."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in _CONTESTANTS}
    for k in range(_ROUNDS):
        for name in sorted(found, reverse=bool(k % 2)):
            command = [sys.executable, "-m", "benchmarks.peers", "--only", name, str(n)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    rate = {name: median(one["rate"] for one in rounds) for name, rounds in found.items()}
    memory = {name: median(one["memory"] for one in rounds) for name, rounds in found.items()}
    print(f"{machine()}\n")
    print(f"{_MODEL}, {_SIDE} px, {n} images, batches of {_BATCH}, float32; median of {_ROUNDS}.\n")
    print("| | img/s | cam-audit is | memory above a bare forward, MiB | cam-audit takes |")
    print("|---|---|---|---|---|")
    ours, own = rate["cam-audit"], memory["cam-audit"] - memory["bare"]
    for name in _CONTESTANTS:
        above = memory[name] - memory["bare"]
        times = f"{ours / rate[name]:.2f}× as fast"
        share = f"{own / above:.2f} of it" if above > 0 else "–"
        print(f"| {name} | {rate[name]:.1f} | {times} | {above:.0f} | {share} |")


def _only(name: str, n: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plan = plan_of(_MODEL, _SIDE, n, Path(folder), batch_size=_BATCH)
        plan.source.images.sum()  # in memory before anything is measured
        plan.source.masks.sum()  # type: ignore[union-attr]
        before = _peak()
        started = time.perf_counter()
        _CONTESTANTS[name](plan, Path(folder) / "out")
        seconds = time.perf_counter() - started
    print(json.dumps({"rate": n / seconds, "memory": _peak() - before}))


def _peak() -> float:
    """The largest resident set so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ours(plan: Plan, folder: Path) -> None:
    audit_part(plan, folder, 0)


def _bare(plan: Plan, _folder: Path) -> None:
    with torch.inference_mode():
        for inputs, *_ in _batches(plan):
            plan.classifier.module(inputs).argmax(dim=1)


def _grad_cam(plan: Plan, folder: Path) -> None:
    from pytorch_grad_cam import GradCAM  # noqa: PLC0415
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: PLC0415

    module = plan.classifier.module.requires_grad_(requires_grad=True)
    with GradCAM(model=module, target_layers=[module.layer4[-1]]) as cam:

        def explain(inputs: Tensor, true: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            first = cam(inputs, [ClassifierOutputTarget(c) for c in true.tolist()])
            predicted = cam.outputs.argmax(dim=1)
            second = cam(inputs, [ClassifierOutputTarget(c) for c in predicted.tolist()])
            return torch.from_numpy(first), torch.from_numpy(second), predicted

        _audit(plan, folder, explain)


def _torchcam(plan: Plan, folder: Path) -> None:
    from torchcam.methods import GradCAM  # noqa: PLC0415

    module = plan.classifier.module.requires_grad_(requires_grad=True)
    with GradCAM(module, module.layer4) as cam:

        def explain(inputs: Tensor, true: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            output = module(inputs)
            predicted = output.argmax(dim=1)
            first = cam(true.tolist(), output, retain_graph=True)[0]
            second = cam(predicted.tolist(), output)[0]
            return _upsampled(first), _upsampled(second), predicted

        _audit(plan, folder, explain)


def _captum(plan: Plan, folder: Path) -> None:
    from captum.attr import LayerGradCam  # noqa: PLC0415

    module: nn.Module = plan.classifier.module.requires_grad_(requires_grad=True)
    cam = LayerGradCam(module, module.layer4)

    def explain(inputs: Tensor, true: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with torch.no_grad():
            predicted = module(inputs).argmax(dim=1)
        first, second = (
            cam.attribute(inputs, target=target, relu_attributions=True)[:, 0].detach()
            for target in (true, predicted)
        )
        return _upsampled(first), _upsampled(second), predicted

    _audit(plan, folder, explain)


def _audit(plan: Plan, folder: Path, explain: Explain) -> None:
    """The audit that a person would write round a CAM library."""
    rows: list[dict[str, Any]] = []
    for inputs, label, mask in _batches(plan):
        true, pred, predicted = explain(inputs, label)
        inside = [(cam * mask).flatten(1).sum(1) / cam.flatten(1).sum(1) for cam in (true, pred)]
        columns = [column.tolist() for column in (label, predicted, *inside)]
        rows += [dict(zip(_COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")


def _batches(plan: Plan) -> Any:
    source = plan.source
    for start in range(0, len(plan.indices), _BATCH):
        rows = slice(start, start + _BATCH)
        pixels = torch.from_numpy(np.ascontiguousarray(source.images[rows]))
        inputs = normalise(pixels, plan.classifier.preprocessing)
        yield (
            inputs,
            torch.from_numpy(source.listing.labels[rows]),
            torch.from_numpy(source.masks[rows]),
        )


def _upsampled(cam: Tensor) -> Tensor:
    return nn.functional.interpolate(
        cam[:, None].float(), size=(_SIDE, _SIDE), mode="bilinear", align_corners=False
    )[:, 0]


_CONTESTANTS: dict[str, Callable[[Plan, Path], None]] = {
    "cam-audit": _ours,
    "bare": _bare,
    "grad-cam": _grad_cam,
    "torchcam": _torchcam,
    "captum": _captum,
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--only"]:
        _only(sys.argv[2], int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
