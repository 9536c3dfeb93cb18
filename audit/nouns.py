"""The nouns of a batch's captions: a map each, scored against the objects of their class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from audit.answers import Answered
from audit.cells import lists, numbers, words
from audit.explain.forward import class_map
from audit.map_scores import CAM_STATUS, score_map
from audit.records import UNCLASSED, Batch
from audit.tables.schema import arrow_schema
from audit.target_regions import AnnotatedBatch, Regions
from audit.tasks.nouns import Noun

__all__ = ["noun_columns", "noun_rows"]

_SCORES = ("relevance_mass_accuracy", "mass_lift", "pointing_game_hit", "other_mass")


def noun_columns(
    found: Answered, nouns: Sequence[Noun], annotated: AnnotatedBatch, method: str
) -> dict[str, Tensor]:
    """The figures of each of ``nouns``, in their order; the forward's graph is kept.

    One gradient serves the first noun of every image, one the second, and so on.
    """
    probability = found.answers.log_probability.exp()
    classed = annotated.classed()
    device = probability.device
    parts: list[dict[str, Tensor]] = []
    order: list[int] = []
    for group in _in_turn(nouns):
        rows = torch.tensor([nouns[i].said.image for i in group], device=device)
        columns = torch.tensor([nouns[i].said.column for i in group], device=device)
        cls = torch.tensor([nouns[i].cls for i in group], device=device)
        chosen = torch.zeros(len(probability), dtype=torch.int64, device=device)
        chosen[rows] = columns
        maps = class_map(found.ran, chosen, method, last=False)[rows]
        with torch.no_grad():
            regions = Regions.of(classed.take(rows), cls, cls)
            scores = score_map(maps, regions)
            parts.append(
                {name: scores[name] for name in (*_SCORES, "cam", "cam_status")}
                | {
                    "present": regions.has,
                    "area": torch.where(regions.has, regions.area, torch.nan),
                }
                | {"probability": probability[rows, columns]}
            )
        order += group
    back = torch.tensor(np.argsort(order, kind="stable"), device=device)
    return {name: torch.cat([part[name] for part in parts])[back] for name in parts[0]}


def noun_rows(
    batch: Batch,
    found: dict[str, np.ndarray],
    nouns: Sequence[Noun],
    classes: tuple[str, ...],
    cells: int,
) -> pa.Table:
    """The rows of the ``words`` table, given the nouns' figures on the host."""
    image = np.array([noun.said.image for noun in nouns], dtype=np.int64)
    keep = np.flatnonzero(batch.readable[image]) if len(nouns) else image
    known = _classed(batch)[image]
    kept = [nouns[i] for i in keep]
    figures = {name: value[keep] for name, value in found.items()}
    every, ok = np.ones(len(kept), dtype=bool), figures["cam_status"] == 0
    columns: dict[str, object] = {
        "index": batch.index[image[keep]],
        "caption": [noun.said.caption for noun in kept],
        "position": [noun.said.position for noun in kept],
        "word": [noun.said.word for noun in kept],
        "class": [noun.cls for noun in kept],
        "label": [classes[noun.cls] for noun in kept],
        "probability": numbers(figures["probability"], every),
        "present": pa.array(figures["present"] > 0, mask=~known[keep]),
        "region_area_fraction": numbers(figures["area"], every),
        "cam": lists(np.rint(figures["cam"] * 255), ok, np.uint8),
        "cam_status": words(figures["cam_status"], CAM_STATUS, every),
        "other_region_mass": numbers(figures["other_mass"], every),
        "relevance_mass_accuracy": numbers(figures["relevance_mass_accuracy"], every),
        "mass_lift": numbers(figures["mass_lift"], every),
        "pointing_game_hit": pa.array(
            figures["pointing_game_hit"] > 0, mask=np.isnan(figures["pointing_game_hit"])
        ),
    }
    schema = arrow_schema("words", cells)
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def _classed(batch: Batch) -> np.ndarray:
    """In which images an object has a class: where none has, nothing says what is not there."""
    found = np.zeros(len(batch), dtype=bool)
    if batch.groups is not None:
        found[batch.groups.image[batch.groups.label != UNCLASSED]] = True
    return found


def _in_turn(nouns: Sequence[Noun]) -> list[list[int]]:
    """The places of the first noun of every image, of the second, …"""
    seen: dict[int, int] = {}
    groups: list[list[int]] = []
    for place, noun in enumerate(nouns):
        turn = seen.get(noun.said.image, 0)
        seen[noun.said.image] = turn + 1
        if turn == len(groups):
            groups.append([])
        groups[turn].append(place)
    return groups
