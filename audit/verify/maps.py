"""What the ``images`` table says of the predicted class of the images to be tested."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audit.tables.parts import fixed_lists, read_parts

__all__ = ["Maps", "read_maps"]

_COLUMNS = ["index", "sample_id", "pred_class", "pred_probability", "pred_cam"]


@dataclass(frozen=True)
class Maps:
    """Predicted class, its probability and its map, of n images."""

    index: np.ndarray  # int64[n], ascending
    sample_id: list[str]
    predicted: np.ndarray  # int64[n]
    probability: np.ndarray  # float32[n]
    cam: np.ndarray  # uint8 n×h×w

    def of(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Predicted class, map and probability of ``indices`` (int64[m])."""
        place = np.searchsorted(self.index, indices)
        return self.predicted[place], self.cam[place], self.probability[place]


def read_maps(images: Path, indices: np.ndarray, grid: tuple[int, int]) -> Maps:
    """The Maps of ``indices``, from the parts in the folder ``images``; grids are h×w cells."""
    wanted = pa.array(np.unique(indices))
    parts = [
        table.filter(pc.is_in(table["index"], value_set=wanted))
        for _, table in read_parts(images, _COLUMNS)
    ]
    table = pa.concat_tables(parts)
    table = table.take(pc.sort_indices(table, sort_keys=[("index", "ascending")]))
    return Maps(
        index=table["index"].to_numpy(),
        sample_id=table["sample_id"].to_pylist(),
        predicted=table["pred_class"].to_numpy().astype(np.int64),
        probability=table["pred_probability"].to_numpy(),
        cam=fixed_lists(table["pred_cam"], grid[0] * grid[1]).reshape(-1, *grid),
    )
