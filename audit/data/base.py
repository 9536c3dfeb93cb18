"""What every dataset offers the loader; two shapes of it, by how the pixels are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from audit.records import Listing, Reading

__all__ = ["ArraySource", "Source"]


class Source(Protocol):
    """A labelled dataset whose images are read one by one (any size, any format)."""

    @property
    def listing(self) -> Listing:
        """What the dataset holds, known without decoding an image."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of the dataset before trusting its audit."""
        ...

    def read(self, index: int) -> Reading:
        """Read image ``index``. Never raises for a bad image: the Reading says what is wrong."""
        ...

    def slices(self, index: int) -> Mapping[str, str]:
        """Further attributes of image ``index`` to group by; empty for most datasets."""
        ...


@runtime_checkable
class ArraySource(Protocol):
    """A labelled dataset of equal-sized images, memory-mapped: batches are slices of it."""

    @property
    def listing(self) -> Listing:
        """What the dataset holds, known without decoding an image."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of the dataset before trusting its audit."""
        ...

    @property
    def images(self) -> np.ndarray:
        """N×3×H×W uint8 RGB."""
        ...

    @property
    def masks(self) -> np.ndarray | None:
        """N×H×W uint8, 1 on the object; None where the dataset has no masks."""
        ...
