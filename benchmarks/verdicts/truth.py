"""What a model really does with the plants: the same images classified with and without them.

The generator renders an image again without its plant, equal bit for bit elsewhere. The drop in
the predicted class's probability says whether that image was decided by its plant, and the mean
drop of a class whether the model uses it: a plant that is there but ignored is no shortcut.

Usage: ``python -m benchmarks.verdicts.truth [DATA_ROOT]`` fits the three smoke cells and prints a
table of their classes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from torch import nn

from audit.data.decoy import CLASSES, render
from benchmarks.verdicts.designs import Cell, designs, spec_of
from benchmarks.verdicts.models import (
    accuracy_of,
    fit_cell,
    load_cell,
    probabilities,
    source_of,
)

__all__ = [
    "CASE_DROP",
    "CLASS_DROP",
    "CaseTruth",
    "ClassTruth",
    "Truth",
    "box_iou",
    "class_truths",
    "main",
    "truth_of",
]

#: Least drop in the predicted class's probability that makes one image's decision spurious.
CASE_DROP: Final = 0.2
#: Least mean drop, over the images that are predicted as a class, that makes the class spurious.
CLASS_DROP: Final = 0.1


@dataclass(frozen=True)
class CaseTruth:
    """What is known of one image.

    ``drop`` is p(predicted) with the plant less the same without it, 0 where there is none;
    ``kind`` is the plant it carries, ``area`` the share of the frame that it covers.
    """

    index: int
    label: int
    predicted: int
    drop: float
    kind: str | None
    area: float
    plant: np.ndarray  # H×W bool

    @property
    def is_spurious(self) -> bool:
        """Whether the plant decided the prediction."""
        return self.drop >= CASE_DROP


@dataclass(frozen=True)
class ClassTruth:
    """What is known of one class of one model, over the images predicted as it.

    ``kind`` is the plant that its images carry, None for a clean class; ``reliance`` is the mean
    drop, NaN where nothing is predicted as it; ``reliance_where_planted`` the same over those of
    its images that carry a plant.
    """

    name: str
    kind: str | None
    n: int
    n_planted: int
    reliance: float
    reliance_where_planted: float

    @property
    def is_spurious(self) -> bool:
        """Whether the model decides for this class by the plant."""
        return self.reliance >= CLASS_DROP

    @property
    def is_ignored(self) -> bool:
        """Whether the class is planted, but the model does not use the plant: reported apart."""
        return self.kind is not None and not self.is_spurious


@dataclass(frozen=True)
class Truth:
    """The truth about one model: every image of a split, and every class."""

    cell: Cell
    cases: tuple[CaseTruth, ...]
    classes: tuple[ClassTruth, ...]

    @property
    def accuracy(self) -> float:
        """Share of the images, as they are, that are classified right."""
        return float(np.mean([case.predicted == case.label for case in self.cases]))


def truth_of(
    cell: Cell, module: nn.Module, split: str = "test", indices: Sequence[int] | None = None
) -> Truth:
    """Classify the images of a cell's ``split`` (all, or ``indices``) as they are and unplanted.

    Raises ConfigError for an unknown split, IndexError for an index outside it.
    """
    spec = spec_of(cell)
    chosen = range(spec.count(split)) if indices is None else indices
    scenes = [render(spec, split, index) for index in chosen]
    before = probabilities(module, _stacked([scene.pixels for scene in scenes]))
    bare = [place for place, scene in enumerate(scenes) if scene.plant is not None]
    after = before.copy()
    if bare:
        again = [render(spec, split, chosen[place], planted=False).pixels for place in bare]
        after[bare] = probabilities(module, _stacked(again))
    predicted = before.argmax(axis=1)
    rows = np.arange(len(scenes))
    drops = before[rows, predicted] - after[rows, predicted]
    cases = tuple(
        CaseTruth(
            index=int(index),
            label=scene.label,
            predicted=int(guess),
            drop=float(drop),
            kind=scene.plant.kind if scene.plant else None,
            area=float(scene.plant_mask.mean()),
            plant=scene.plant_mask,
        )
        for index, scene, guess, drop in zip(chosen, scenes, predicted, drops, strict=True)
    )
    return Truth(cell, cases, class_truths(cell, cases))


def _stacked(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures H×W×3 as N×3×H×W."""
    return np.stack(pictures).transpose(0, 3, 1, 2)


def class_truths(cell: Cell, cases: Sequence[CaseTruth]) -> tuple[ClassTruth, ...]:
    """The truth about each class, in label order, from that about the images."""
    return tuple(
        _class_truth(name, cell.planted.get(name), [c for c in cases if c.predicted == label])
        for label, name in enumerate(CLASSES)
    )


def _class_truth(name: str, kind: str | None, cases: Sequence[CaseTruth]) -> ClassTruth:
    planted = [case.drop for case in cases if case.kind is not None]
    return ClassTruth(
        name=name,
        kind=kind,
        n=len(cases),
        n_planted=len(planted),
        reliance=_mean([case.drop for case in cases]),
        reliance_where_planted=_mean(planted),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def box_iou(box: tuple[int, int, int, int], plant: np.ndarray) -> float:
    """Intersection over union of a box's pixels and a plant's mask (H×W bool).

    ``box`` is (x0, y0, x1, y1), half-open, in pixels of the frame; 0.0 where both are empty.
    """
    x0, y0, x1, y1 = box
    inside = np.zeros_like(plant)
    inside[y0:y1, x0:x1] = True
    union = int((inside | plant).sum())
    return int((inside & plant).sum()) / union if union else 0.0


def main(data_root: Path) -> None:
    """Fit the smoke cells and print a Markdown table: which plants are learnt, how well."""
    print("| cell | kind | class | rate | n | drop | where planted | test | decorrelated |")
    print("|---" * 9 + "|")
    for cell in designs("smoke"):
        fit_cell(cell, data_root)
        module = load_cell(cell, data_root)
        truth = truth_of(cell, module)
        apart = accuracy_of(module, source_of(cell, data_root, "test-decorrelated"))
        for row in truth.classes:
            print(
                f"| {cell.name} | {row.kind or '–'} | {row.name} | {cell.rate} | {row.n} "
                f"| {row.reliance:.2f} | {row.reliance_where_planted:.2f} "
                f"| {truth.accuracy:.3f} | {apart:.3f} |"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data"))
