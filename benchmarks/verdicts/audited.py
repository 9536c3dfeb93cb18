"""Each cell's own decoy dataset as ``--dataset benchmarks.verdicts.audited:CELL``.

CELL is a cell's name; the images are those of its ``test`` split, with the objects' exact masks.
With ``_bare`` behind the name they come without masks, so that regions must be estimated.
They lie below the folder that the environment variable ``VERDICTS_DATA`` names, ``data`` without.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from audit.data.stl10 import BinarySource
from audit.records import Sample
from benchmarks.verdicts.designs import Cell, designs
from benchmarks.verdicts.models import source_of

__all__ = ["DATA_VARIABLE", "SPLIT", "CellImages", "dataset_name"]

#: Environment variable that names the folder of the datasets; worker processes see it too.
DATA_VARIABLE: Final = "VERDICTS_DATA"
#: The split that is audited: its plants go with the classes, as those of ``train`` do.
SPLIT: Final = "test"
_BARE: Final = "_bare"


class CellImages:
    """A map-style dataset over one split of a cell; items are ``audit.records.Sample``."""

    def __init__(self, source: BinarySource, bare: bool) -> None:
        self._source, self._bare = source, bare
        self.classes = source.classes
        self.targets = source.listing.labels

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Sample:
        masks = None if self._bare else self._source.masks
        return Sample(
            image=np.ascontiguousarray(self._source.images[index].transpose(1, 2, 0)),
            label=int(self.targets[index]),
            mask=None if masks is None else np.ascontiguousarray(masks[index], dtype=bool),
        )


def dataset_name(cell: Cell, bare: bool = False) -> str:
    """What ``--dataset`` must say for a cell's images; ``bare`` leaves their masks out."""
    return f"{__name__}:{cell.name}" + (_BARE if bare else "")


def __getattr__(name: str) -> Callable[[], CellImages]:
    """The function that ``package.module:function`` looks up: one for each cell."""
    for cell in (*designs("smoke"), *designs()):
        if cell.name == name.removesuffix(_BARE):
            return partial(_images, cell, name.endswith(_BARE))
    raise AttributeError(f"module {__name__} has no cell {name!r}")


def _images(cell: Cell, bare: bool) -> CellImages:
    root = Path(os.environ.get(DATA_VARIABLE, "data"))
    return CellImages(source_of(cell, root, SPLIT), bare)
