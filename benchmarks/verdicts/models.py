"""The planted benchmark's models: one short fit a cell, kept as a checkpoint with its sidecar.

    checkpoint = fit_cell(cell, Path("data"))
    cam-audit run --dataset benchmarks.verdicts.audited:CELL --checkpoint CHECKPOINT

A checkpoint of the plain network wants ``--model benchmarks.verdicts.models:plain_cnn`` beside it:
a sidecar names only what the audit builds itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audit.data.decoy import CLASSES, prepare
from audit.data.stl10 import BinarySource
from audit.models.preprocessing import normalise
from audit.models.reference import SmallResNet
from audit.models.sidecar import Sidecar, write_checkpoint
from audit.records import Preprocessing
from benchmarks.verdicts.designs import Cell, spec_of

__all__ = [
    "PLAIN_CNN",
    "PlainCnn",
    "accuracy_of",
    "checkpoint_of",
    "fit_cell",
    "load_cell",
    "model_name",
    "plain_cnn",
    "probabilities",
    "source_of",
]

#: ``--model`` of the plain network's checkpoints.
PLAIN_CNN: Final = "benchmarks.verdicts.models:plain_cnn"

_PREPROCESSING: Final = Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
_LAYERS: Final = {"small_resnet": "layer3", "plain_cnn": "features"}
_EPOCHS, _BATCH, _RATE = 10, 64, 1e-2
_FORWARD: Final = 250  # images a forward


class PlainCnn(nn.Module):
    """A convolutional network without residuals, after VGG (Simonyan and Zisserman 2015).

    Three groups of two 3×3 convolutions with batch normalisation, 24 to 64 channels, the first of
    stride 2, a maximum over 2×2 between the groups; then global average pooling and one linear
    layer. 64×64 pixels give 8×8 cells in ``features``.

    ``forward`` takes float B×3×H×W and returns logits B×``num_classes``.
    """

    def __init__(self, num_classes: int = len(CLASSES)) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_convolution(3, 24, stride=2),
            *_convolution(24, 32),
            nn.MaxPool2d(2),
            *_convolution(32, 48),
            *_convolution(48, 48),
            nn.MaxPool2d(2),
            *_convolution(48, 64),
            *_convolution(64, 64),
        )
        self.fc = nn.Linear(64, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits B×num_classes of images B×3×H×W."""
        logits: Tensor = self.fc(self.features(images).mean(dim=(2, 3)))
        return logits


def _convolution(inputs: int, channels: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, channels, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


def plain_cnn() -> PlainCnn:
    """A ``PlainCnn`` with random weights, for ``--model``."""
    return PlainCnn()


def model_name(cell: Cell) -> str | None:
    """What ``--model`` must say beside a cell's checkpoint; None where its sidecar says it."""
    return PLAIN_CNN if cell.architecture == "plain_cnn" else None


def checkpoint_of(cell: Cell, data_root: Path) -> Path:
    """Where a cell's weights lie."""
    return data_root / "verdicts" / f"{cell.name}.safetensors"


def source_of(cell: Cell, data_root: Path, split: str) -> BinarySource:
    """A split of a cell's own decoy dataset, memory-mapped; made below ``data_root`` at first."""
    spec = spec_of(cell)
    folder = prepare(data_root, spec)
    return BinarySource(
        images_file=folder / f"{split}_X.bin",
        labels_file=folder / f"{split}_y.bin",
        masks_file=folder / f"{split}_mask.bin",
        classes=CLASSES,
        side=spec.size,
    )


def fit_cell(cell: Cell, data_root: Path) -> Path:
    """Fit a cell's model on its ``train`` split, unless it is there; returns the checkpoint.

    AdamW with a one-cycle rate, ten passes, no augmentation, as ``cam-audit fit`` does; bfloat16
    halves its time on processors that know the type.
    """
    target = checkpoint_of(cell, data_root)
    if not target.exists():
        source = source_of(cell, data_root, "train")
        module = _fitted(cell, source)
        write_checkpoint(target, module, _sidecar(cell))
    return target


def _fitted(cell: Cell, source: BinarySource) -> nn.Module:
    images = torch.from_numpy(np.ascontiguousarray(source.images))
    labels = torch.from_numpy(source.listing.labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(cell.seed)
        module = _built(cell).to(memory_format=torch.channels_last).train()
        steps = _EPOCHS * -(-len(labels) // _BATCH)
        optimiser = torch.optim.AdamW(module.parameters(), lr=_RATE, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=_RATE, total_steps=steps)
        for _ in range(_EPOCHS):
            order = torch.randperm(len(labels))
            for start in range(0, len(labels), _BATCH):
                chosen = order[start : start + _BATCH]
                with torch.autocast("cpu", torch.bfloat16):
                    logits = module(_inputs(images[chosen]))
                optimiser.zero_grad()
                torch.autograd.backward(F.cross_entropy(logits.float(), labels[chosen]))
                optimiser.step()
                schedule.step()
    return module.eval()


def _built(cell: Cell) -> nn.Module:
    return plain_cnn() if cell.architecture == "plain_cnn" else SmallResNet(len(CLASSES))


def _inputs(pixels: Tensor) -> Tensor:
    """uint8 B×3×H×W as the networks take it."""
    return normalise(pixels, _PREPROCESSING).contiguous(memory_format=torch.channels_last)


def _sidecar(cell: Cell) -> Sidecar:
    builtin = cell.architecture == "small_resnet"
    return Sidecar(
        architecture=cell.architecture if builtin else None,
        classes=CLASSES,
        preprocessing=_PREPROCESSING,
        target_layer=_LAYERS[cell.architecture],
        trained_on=f"decoy {spec_of(cell).key} train, {_EPOCHS} epochs, seed {cell.seed}",
    )


def load_cell(cell: Cell, data_root: Path) -> nn.Module:
    """A fitted cell's network, ready to classify: on the CPU, in evaluation mode."""
    from safetensors.torch import load_file  # noqa: PLC0415 - only needed where models are read

    module = _built(cell)
    module.load_state_dict(load_file(checkpoint_of(cell, data_root)))
    return module.to(memory_format=torch.channels_last).eval().requires_grad_(requires_grad=False)


def probabilities(module: nn.Module, pixels: np.ndarray) -> np.ndarray:
    """Class probabilities float32 N×K of images N×3×H×W uint8."""
    with torch.inference_mode():
        parts = [
            module(_inputs(torch.from_numpy(np.ascontiguousarray(pixels[i : i + _FORWARD]))))
            for i in range(0, len(pixels), _FORWARD)
        ]
    return torch.cat(parts).softmax(dim=1).numpy()


def accuracy_of(module: nn.Module, source: BinarySource) -> float:
    """Share of a source's images that are classified right."""
    predicted = probabilities(module, source.images).argmax(axis=1)
    return float((predicted == source.listing.labels).mean())
