"""What a decoy dataset is made of: its size, seed and counts, and the shortcuts planted in it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from audit.data.decoy.outlines import OUTLINES
from audit.data.decoy.plants import PAINTERS, WHOLE_GROUND
from audit.errors import ConfigError, nearest

__all__ = ["CLASSES", "DEFAULT_PLANTS", "SPLITS", "VERSION", "DecoySpec", "Plant"]

#: Raised with every change to the generator that moves a byte of what it writes.
VERSION: Final = 1

#: Class names in label order.
CLASSES: Final = tuple(sorted(OUTLINES))

#: ``test`` carries plants as ``train`` does, ``test-decorrelated`` independently of the class.
SPLITS: Final = ("train", "test", "test-decorrelated")

_SMALLEST: Final = 32  # pixels a side: below it the patterns of the classes run together
_SCALES: Final = (0.5, 1.5)  # of a plant


def _check_known(what: str, name: str, known: Any) -> None:
    if name not in known:
        raise ConfigError(f"decoy has no {what} {name!r}; {nearest(str(name), known)}")


def _check_least(name: str, value: int, least: int, unit: str) -> None:
    if value < least:
        raise ConfigError(f"decoy {name} {value}: must be at least {least} {unit}".rstrip())


@dataclass(frozen=True)
class Plant:
    """One planted shortcut: ``rate`` of the class's pictures carry it, and no other class's.

    ``kind`` is a key of ``audit.data.decoy.plants.PAINTERS``, ``rate`` a share in (0, 1], ``scale``
    the plant's linear size relative to its kind's own, 0.5 to 1.5; what lies over the whole ground
    has no size and takes 1. Raises ConfigError for an unknown kind or class, or a number outside
    its range.
    """

    kind: str
    class_name: str
    rate: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        _check_known("kind of plant", self.kind, PAINTERS)
        _check_known("class", self.class_name, CLASSES)
        if not 0.0 < self.rate <= 1.0:
            raise ConfigError(
                f"decoy plant {self.kind!r} on {self.class_name!r}: rate {self.rate!r} is not a "
                "share of the class's images; give a number above 0 and up to 1, e.g. 0.95, or "
                "leave the plant out"
            )

        low, high = (1.0, 1.0) if self.kind in WHOLE_GROUND else _SCALES
        if not low <= self.scale <= high:
            raise ConfigError(
                f"decoy plant {self.kind!r} on {self.class_name!r}: scale {self.scale!r} is not "
                + (
                    f"from {low:g} to {high:g}"
                    if low < high
                    else "1: it lies over the whole ground"
                )
            )

    @property
    def label(self) -> int:
        """Index of the planted class in ``CLASSES``."""
        return CLASSES.index(self.class_name)


DEFAULT_PLANTS: Final = (
    Plant("watermark", "ring", 0.95),
    Plant("patch", "moon", 0.95),
    Plant("tint", "fish", 0.95),
)


@dataclass(frozen=True)
class DecoySpec:
    """A decoy dataset: ``train`` and ``test`` images (twice: biased, decorrelated), size×size RGB.

    The order of ``plants`` means nothing. Raises ConfigError for a size under 32, a negative seed,
    an empty split, or two plants on one class.
    """

    size: int = 96
    seed: int = 0
    train: int = 6000
    test: int = 2000
    plants: tuple[Plant, ...] = DEFAULT_PLANTS

    def __post_init__(self) -> None:
        _check_least("size", self.size, _SMALLEST, "pixels a side")
        _check_least("seed", self.seed, 0, "")
        _check_least("train", self.train, 1, "images")
        _check_least("test", self.test, 1, "images")
        planted = [plant.class_name for plant in self.plants]
        twice = sorted({name for name in planted if planted.count(name) > 1})
        if twice:
            free = ", ".join(name for name in CLASSES if name not in planted)
            raise ConfigError(
                f"decoy plants: class {twice[0]!r} has {planted.count(twice[0])} of them; a class "
                f"carries at most one (classes without: {free or 'none'})"
            )

    @property
    def key(self) -> str:
        """Twelve hex digits that differ for any two specs or generator versions."""
        canonical = json.dumps(self.as_json(), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def as_json(self) -> dict[str, Any]:
        """The spec and the generator's version in JSON's types, equal for equal content."""
        plants = [
            asdict(plant) | {"rate": float(plant.rate), "scale": float(plant.scale)}
            for plant in self.ordered_plants
        ]
        return asdict(self) | {"plants": plants, "version": VERSION}

    @property
    def ordered_plants(self) -> tuple[Plant, ...]:
        """The plants in the order of their classes."""
        return tuple(sorted(self.plants, key=lambda plant: plant.label))

    def count(self, split: str) -> int:
        """Number of images of a split; ConfigError if there is no such split."""
        _check_known("split", split, SPLITS)
        return self.train if split == "train" else self.test
