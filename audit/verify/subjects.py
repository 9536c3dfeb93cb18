"""The images that interventions start from, as the model sees them, with what is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from audit.data.loader import batches
from audit.engine import views_of
from audit.plan import Plan
from audit.records import Batch
from audit.scores import pointing
from audit.scores.grid import upsample
from audit.target_regions import AnnotatedBatch

__all__ = ["Subject", "read_subjects"]


@dataclass(frozen=True)
class Subject:
    """One image on the model's view of H×W pixels, and the region its predicted class is judged by.

    Everything is bool H×W but the picture and the heat.
    """

    index: int
    predicted: int
    probability: float  # of the predicted class
    picture: np.ndarray  # H×W×3 uint8
    heat: np.ndarray  # float32 H×W: the predicted class's map, upsampled; 0 to 1
    region: np.ndarray
    guard: np.ndarray  # the region grown by one cell of the map
    other: np.ndarray  # annotated objects outside the region
    ignore: np.ndarray

    @property
    def outside(self) -> np.ndarray:
        """Where a suspect patch may lie: beside the guard and what is to be ignored."""
        return np.asarray(~(self.guard | self.ignore))


def read_subjects(
    plan: Plan, indices: np.ndarray, predicted: np.ndarray, cams: np.ndarray, before: np.ndarray
) -> Iterator[Subject]:
    """The images ``indices`` in that order.

    For each: its predicted class (int64[n]), the map of it (n×h×w, any positive scale; the tables'
    bytes) and its probability (float[n]).
    """
    start = 0
    for batch in batches(views_of(plan), indices, plan.batch_size, plan.config.workers):
        mine = slice(start, start + len(batch))
        yield from _subjects(plan, batch, predicted[mine], cams[mine], before[mine])
        start = mine.stop


def _subjects(
    plan: Plan, batch: Batch, predicted: np.ndarray, cams: np.ndarray, before: np.ndarray
) -> Iterator[Subject]:
    annotated = AnnotatedBatch.of(batch, plan.size, plan.grid, torch.device("cpu"))
    group, _ = annotated.choose(torch.from_numpy(predicted), torch.from_numpy(batch.label))
    region = annotated.raster[group]
    cells = (-(-plan.size[0] // plan.grid[0]), -(-plan.size[1] // plan.grid[1]))
    guard = pointing.dilate(region, cells)
    other = annotated.others(group)[0] & ~region
    ignore = torch.zeros_like(region) if annotated.ignore is None else annotated.ignore
    heat = upsample(torch.from_numpy(cams).float() / 255, plan.size)
    pictures = batch.view_on(torch.device("cpu")).permute(0, 2, 3, 1)
    for i in range(len(batch)):
        yield Subject(
            index=int(batch.index[i]),
            predicted=int(predicted[i]),
            probability=float(before[i]),
            picture=np.ascontiguousarray(pictures[i].numpy()),
            heat=heat[i].numpy(),
            region=region[i].numpy(),
            guard=guard[i].numpy(),
            other=other[i].numpy(),
            ignore=ignore[i].numpy(),
        )
