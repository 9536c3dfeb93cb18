"""Small synthetic subjects, and a data set and model whose shortcut is known."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from audit import triage
from audit.config import RunConfig
from audit.engine import audit_part
from audit.plan import Plan, make_plan
from audit.records import Sample
from audit.results import Interventions
from audit.verify.stage import intervene
from audit.verify.subjects import Subject


@pytest.fixture
def make_subject() -> Callable[..., Subject]:
    """A subject of 20×20 pixels: region at rows and columns 8 to 11, one hot block at 0 to 1."""

    def make(index: int = 0, predicted: int = 1, **changes: Any) -> Subject:
        shape = changes["picture"].shape[:2] if "picture" in changes else (20, 20)
        rng = np.random.default_rng([7, index])
        held = {
            "probability": 0.75,
            "picture": rng.integers(0, 256, (*shape, 3), dtype=np.uint8),
            "heat": block(shape, slice(0, 2), slice(0, 2)).astype(np.float32),
            "region": block(shape, slice(8, 12), slice(8, 12)),
            "guard": block(shape, slice(6, 14), slice(6, 14)),
            "other": np.zeros(shape, dtype=bool),
            "ignore": np.zeros(shape, dtype=bool),
        }
        return Subject(index=index, predicted=predicted, **(held | changes))

    return make


def block(shape: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    found = np.zeros(shape, dtype=bool)
    found[rows, columns] = True
    return found


class _Cued:
    """36 pictures of noise, whose corner alone says the class: red, green or blue."""

    classes = ("red", "green", "blue")
    targets = tuple(k % 3 for k in range(36))

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng([3, index])
        image = rng.integers(90, 110, (32, 32, 3), dtype=np.uint8)
        image[:4, :4] = 0
        image[:4, :4, self.targets[index]] = 255
        return Sample(
            image, self.targets[index], mask=block((32, 32), slice(14, 22), slice(14, 22))
        )


class _CornerNet(torch.nn.Module):
    """Looks at the corner alone: the logit of a class is 8 × that colour's level there."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torch.nn.Conv2d(3, 3, 4, stride=4, bias=False)
        with torch.no_grad():
            self.features.weight.copy_(torch.eye(3)[:, :, None, None].expand(3, 3, 4, 4) / 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 8 * self.features(x)[:, :, 0, 0]


@pytest.fixture
def cued_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunConfig:
    """An audit of pictures whose cue is outside of their object, with a model that uses it."""
    module = ModuleType("cued_module")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "cued_module", module)
    vars(module).update(data=_Cued, net=_CornerNet)
    return RunConfig(
        dataset="cued_module:data",
        model="cued_module:net",
        target_layer="features",
        runs_dir=tmp_path / "runs",
        device="cpu",
        batch_size=4,
        workers=0,
        sanity=False,
    )


@pytest.fixture
def intervened(cued_config: RunConfig, tmp_path: Path) -> tuple[Plan, Path, Interventions]:
    """The cued audit's plan, the folder of its parts, and its interventions."""
    plan = make_plan(cued_config)
    audit_part(plan, tmp_path / "images", 0)
    images = pd.read_parquet(tmp_path / "images")
    return plan, tmp_path / "images", intervene(plan, tmp_path, images, triage.flag(images))
