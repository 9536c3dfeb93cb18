"""Any image of a decoy dataset, rendered alone: which class, which plant, which pixels.

Every random number comes from a stream keyed by (seed, split, index, purpose). An image therefore
needs no other image, any number of processes gives the same bytes, and the picture knows nothing of
the plant's draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np

from audit.data.decoy.drawing import quantise
from audit.data.decoy.plants import plant_over
from audit.data.decoy.plants_common import Look
from audit.data.decoy.scene import draw_picture
from audit.data.decoy.spec import CLASSES, SPLITS, DecoySpec, Plant
from audit.data.decoy.streams import stream

__all__ = ["Scene", "draw_labels", "render"]


class _Purpose(IntEnum):
    PICTURE = 0
    PLANT = 1
    LABELS = 2


@dataclass(frozen=True)
class Scene:
    """One rendered image with everything that is known of it."""

    pixels: np.ndarray  # H×W×3 uint8 RGB
    mask: np.ndarray  # H×W bool: the object
    plant_mask: np.ndarray  # H×W bool: exactly where the plant was painted; disjoint from mask
    label: int  # index in CLASSES
    plant: Plant | None  # the shortcut that the image carries


def render(spec: DecoySpec, split: str, index: int, planted: bool = True) -> Scene:
    """Render image ``index`` of ``split`` (``train``, ``test`` or ``test-decorrelated``).

    ``planted=False`` gives the counterfactual: the same picture without its plant, equal bit for
    bit outside ``plant_mask``. Raises ConfigError for an unknown split, IndexError for an index
    outside it.
    """
    label = int(draw_labels(spec, split)[_checked(spec, split, index)])
    picture = draw_picture(_stream(spec, split, index, _Purpose.PICTURE), spec.size, CLASSES[label])
    rng = _stream(spec, split, index, _Purpose.PLANT)
    plant = _draw_plant(rng, spec, split, label) if planted else None
    pixels, where = picture.pixels, np.zeros_like(picture.mask)
    if plant is not None:
        pixels, where = plant_over(
            plant.kind, pixels, picture.mask, Look(plant.label, plant.scale), rng
        )
    return Scene(quantise(pixels), picture.mask, where, label, plant)


def draw_labels(spec: DecoySpec, split: str) -> np.ndarray:
    """Labels of a split in its order, int64[N]: balanced to within one image, shuffled."""
    count = spec.count(split)  # refuses an unknown split
    return _shuffled_labels(spec.seed, SPLITS.index(split), count)


@lru_cache(maxsize=8)
def _shuffled_labels(seed: int, split: int, count: int) -> np.ndarray:
    rng = stream(seed, split, 0, _Purpose.LABELS)
    labels = rng.permutation(np.arange(count) % len(CLASSES))
    labels.flags.writeable = False  # shared by every caller
    return labels


def _checked(spec: DecoySpec, split: str, index: int) -> int:
    if not 0 <= index < spec.count(split):
        raise IndexError(f"decoy {split} has images 0 to {spec.count(split) - 1}, not {index}")
    return index


def _stream(spec: DecoySpec, split: str, index: int, purpose: _Purpose) -> np.random.Generator:
    return stream(spec.seed, SPLITS.index(split), index, purpose)


def _draw_plant(rng: np.random.Generator, spec: DecoySpec, split: str, label: int) -> Plant | None:
    """Decide which plant an image carries.

    Decorrelated, each plant falls on every class alike, as often in all as in the biased splits.
    """
    ticket = rng.uniform()
    for plant in spec.ordered_plants:
        chance = plant.rate * (plant.label == label)
        if split == "test-decorrelated":
            chance = plant.rate / len(CLASSES)
        if ticket < chance:
            return plant
        ticket -= chance
    return None
