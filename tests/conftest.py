"""Tiny seeded inputs that several tests share."""

from pathlib import Path

import numpy as np
import pytest
import torch

from audit.config import RunConfig
from audit.models.reference import SmallResNet
from audit.models.sidecar import Sidecar, write_checkpoint

STL10_CLASSES = (
    "airplane",
    "bird",
    "car",
    "cat",
    "deer",
    "dog",
    "horse",
    "monkey",
    "ship",
    "truck",
)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own CAM_AUDIT_ variables must not change what is tested."""
    import os

    for name in list(os.environ):
        if name.startswith("CAM_AUDIT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def stl10_root(tmp_path: Path) -> Path:
    """A data root with a test split of 24 images in STL10's binary format."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "stl10_binary"
    folder.mkdir(parents=True)
    rng.integers(0, 256, (24, 3, 96, 96), dtype=np.uint8).tofile(folder / "test_X.bin")
    (np.arange(24, dtype=np.uint8) % 10 + 1).tofile(folder / "test_y.bin")
    return tmp_path / "data"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A small residual network with seeded random weights for STL10's ten classes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = SmallResNet(10).eval()
    path = tmp_path / "random.safetensors"
    sidecar = Sidecar("small_resnet", STL10_CLASSES, target_layer="layer3")
    write_checkpoint(path, module, sidecar)
    return path


@pytest.fixture
def run_config(stl10_root: Path, checkpoint: Path, tmp_path: Path) -> RunConfig:
    """An audit of those 24 images with that checkpoint: three parts of ten rows at most."""
    return RunConfig(
        dataset="stl10",
        data_root=stl10_root,
        checkpoint=checkpoint,
        runs_dir=tmp_path / "runs",
        batch_size=4,
        part_size=10,
    )
