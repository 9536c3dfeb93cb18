"""Do pictures of guided backpropagation depend on the model? The table of docs/sanity.md.

Usage: ``python benchmarks/guided_sanity.py [DATA_ROOT]``. Runs the cascading randomisation of
``cam-audit run`` on 64 images of the decoy set, with its reference classifier (fitted on first
use), for Grad-CAM and for both pictures that are only for looking.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from audit.answers import asked
from audit.config import RunConfig
from audit.data.loader import batches
from audit.engine import views_of
from audit.explain.forward import class_map, forward
from audit.explain.guided import guided_backpropagation, guided_grad_cam
from audit.models.preprocessing import normalise
from audit.plan import Plan, make_plan
from audit.sanity.check import Maps, Sample, maps_of, randomisation
from audit.sanity.estimate import Estimate
from audit.sanity.record import Stage
from audit.tasks.base import Asked

__all__ = ["main"]

_IMAGES = 64
_GROUP = 8


def grad_cam(plan: Plan, module: nn.Module, view: Tensor, asking: Asked) -> Tensor:
    """The run's own raw maps B×h×w."""
    inputs = normalise(view, plan.classifier.preprocessing)
    ran = forward(module, plan.classifier.target_layers, inputs, plan.space.scores)
    return class_map(ran, asking.label, "grad-cam", last=True)


def guided(plan: Plan, module: nn.Module, view: Tensor, asking: Asked) -> Tensor:
    """Guided backpropagation's magnitude, B×H×W."""
    inputs = normalise(view, plan.classifier.preprocessing)
    target, scores = asking.label, plan.space.scores
    return guided_backpropagation(module, inputs, target, scores).abs().sum(dim=1)


def guided_cam(plan: Plan, module: nn.Module, view: Tensor, asking: Asked) -> Tensor:
    """Guided Grad-CAM's magnitude, B×H×W."""
    fine = guided(plan, module, view, asking)[:, None]
    return guided_grad_cam(fine, grad_cam(plan, module, view, asking))[:, 0]


def main(data_root: Path) -> None:
    """Print a Markdown table: how alike each kind of map is before and after each stage."""
    plan = make_plan(RunConfig(data_root=data_root), lambda line: print(line, file=sys.stderr))
    sample = _sample(plan)
    kinds = {"Grad-CAM": grad_cam, "guided backpropagation": guided, "Guided Grad-CAM": guided_cam}
    found = {name: _stages(plan, sample, partial(maps, plan)) for name, maps in kinds.items()}
    print("| random down to | " + " | ".join(found) + " |")
    print("|---" * (len(found) + 1) + "|")
    for each in zip(*found.values(), strict=True):
        cells = [f"{_shown(one.spearman)} / {_shown(one.ssim)}" for one in each]
        print(f"| `{each[0].stage}` | " + " | ".join(cells) + " |")


def _sample(plan: Plan) -> Sample:
    rng = np.random.default_rng(plan.config.seed)
    index = np.sort(rng.choice(plan.indices, size=_IMAGES, replace=False))
    read = list(batches(views_of(plan), index, _GROUP, plan.config.workers))
    views = tuple(batch.view_on(plan.device) for batch in read)
    with torch.no_grad():
        inputs = [normalise(view, plan.classifier.preprocessing) for view in views]
        scores = [plan.space.scores(plan.classifier.module(one)) for one in inputs]
    asking = [asked(view, None, each.argmax(1)) for view, each in zip(views, scores, strict=True)]
    return Sample(tuple(batch.index for batch in read), views, tuple(asking))


def _stages(plan: Plan, sample: Sample, maps: Maps) -> tuple[Stage, ...]:
    module, seed = plan.classifier.module, plan.config.seed
    to_input = partial(normalise, preprocessing=plan.classifier.preprocessing)
    before = maps_of(maps, module, sample)
    return randomisation(before, maps, module, to_input, sample, seed=seed)


def _shown(estimate: Estimate | None) -> str:
    return "–" if estimate is None else f"{estimate.value:.2f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("data"))
