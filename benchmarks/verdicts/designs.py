"""The planted benchmark's experimental design: which models are fitted, on which plants.

A cell is one model on one decoy dataset. Planted cells come in pairs that share the eight kinds of
plant among them, four a model, so that every kind is met equally often at every rate and with both
architectures; which class carries which kind is drawn from the cell's seed. The other six classes
of a planted cell, and all ten of a clean one, carry nothing. Cells of the development half, on
which rules and thresholds may be chosen, and of the reported half have no seed in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from audit.data.decoy import CLASSES, DecoySpec, Plant
from audit.data.decoy.plants import PAINTERS, WHOLE_GROUND

__all__ = [
    "ARCHITECTURES",
    "DEVELOPMENT",
    "HALVES",
    "RATES",
    "REPORTED",
    "SCALES",
    "Architecture",
    "Cell",
    "Kind",
    "designs",
    "spec_of",
]

Architecture = Literal["small_resnet", "plain_cnn"]
Kind = Literal["full", "smoke"]

ARCHITECTURES: Final[tuple[Architecture, ...]] = ("small_resnet", "plain_cnn")

#: Share of a planted class's images that carry its plant, in a cell.
RATES: Final = (0.6, 0.8, 0.95, 1.0)

#: Linear sizes of the plants that have one, in turn from pair to pair.
SCALES: Final = (1.0, 0.7, 1.4)

#: First seeds of the halves; a cell's seed is its half's plus the cell's place in it.
DEVELOPMENT: Final = 1_000
REPORTED: Final = 30_000
HALVES: Final = {"development": DEVELOPMENT, "reported": REPORTED}

_SMOKE: Final = 500  # first seed of the smoke cells: in neither half
_KINDS: Final = tuple(PAINTERS)
_PER_MODEL: Final = 4  # plants
_TRAIN, _TEST = 3_000, 1_000  # images
# Pairs of cells an architecture for each rate, and clean cells an architecture:
_PAIRS: Final = {
    "development": {0.6: 1, 0.8: 1, 0.95: 1, 1.0: 1},
    "reported": {0.6: 1, 0.8: 1, 0.95: 6, 1.0: 4},
}
_CLEAN: Final = {"development": 2, "reported": 6}


@dataclass(frozen=True)
class Cell:
    """One model of the design, and the dataset that it is fitted on and audited with.

    ``plants`` are (kind, class name) pairs, none for a clean model, whose ``rate`` is 0; ``seed``
    keys the images, the plants' classes and the fit; ``size`` is the images' side in pixels,
    ``scale`` that of the plants which have a size, relative to their kind's own.
    """

    seed: int
    rate: float
    size: int = 64
    scale: float = 1.0
    plants: tuple[tuple[str, str], ...] = ()
    architecture: Architecture = "small_resnet"

    @property
    def name(self) -> str:
        """The cell's name, a Python identifier and file stem, such as ``c30003_r95_plain_cnn``."""
        return f"c{self.seed:05d}_r{round(self.rate * 100)}_{self.architecture}"

    @property
    def planted(self) -> dict[str, str]:
        """Kind of plant by the name of the class that carries it."""
        return {class_name: kind for kind, class_name in self.plants}


def spec_of(cell: Cell) -> DecoySpec:
    """The decoy dataset of a cell: 3000 images to fit on, 1000 of either kind to audit."""
    plants = tuple(
        Plant(kind, name, cell.rate, 1.0 if kind in WHOLE_GROUND else cell.scale)
        for kind, name in cell.plants
    )
    return DecoySpec(cell.size, cell.seed, train=_TRAIN, test=_TEST, plants=plants)


def designs(kind: Kind = "full") -> tuple[Cell, ...]:
    """The cells of the benchmark, development half first, or of its three-model rehearsal.

    ``smoke`` holds both cells of a pair at rate .95, one an architecture, and a clean cell. Every
    planted cell carries four kinds; the seeds of the halves are those of ``HALVES``.
    """
    if kind == "smoke":
        return (
            _planted(_SMOKE, 0.95, 1.0, 0, "small_resnet"),
            _planted(_SMOKE + 1, 0.95, 1.0, 1, "plain_cnn"),
            Cell(_SMOKE + 2, 0.0, architecture="small_resnet"),
        )
    return (*_half("development"), *_half("reported"))


def _half(name: str) -> tuple[Cell, ...]:
    """All cells of a half, numbered from the half's first seed."""
    wanted = [
        (rate, member, architecture)
        for rate, pairs in _PAIRS[name].items()
        for architecture in ARCHITECTURES
        for _ in range(pairs)
        for member in (0, 1)
    ]
    first = HALVES[name]
    planted = [
        _planted(first + place, rate, SCALES[place // 2 % len(SCALES)], member, architecture)
        for place, (rate, member, architecture) in enumerate(wanted)
    ]
    clean = [
        Cell(first + len(wanted) + place, 0.0, architecture=ARCHITECTURES[place % 2])
        for place in range(_CLEAN[name] * len(ARCHITECTURES))
    ]
    return (*planted, *clean)


def _planted(seed: int, rate: float, scale: float, member: int, architecture: Architecture) -> Cell:
    """One cell of a pair: the members of a pair split the eight kinds between them.

    Which kinds meet in one model is drawn from the pair, on which class each falls from the cell.
    """
    kinds = np.random.default_rng((seed - member, 0)).permutation(_KINDS)
    classes = np.random.default_rng((seed, 1)).permutation(CLASSES)[:_PER_MODEL]
    mine = kinds[member * _PER_MODEL : (member + 1) * _PER_MODEL]
    plants = tuple((str(k), str(c)) for k, c in zip(mine, classes, strict=True))
    return Cell(seed, rate, scale=scale, plants=plants, architecture=architecture)
