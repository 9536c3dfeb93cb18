"""The columns of every image that flags and tables are made of, as one frame.

All that a run holds of its whole dataset at once, so it is kept small: texts of which there are few
are categories, and a path is kept only of an image that the summary names.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.extensions import ExtensionDtype

from audit.summary import named
from audit.tables.parts import read_parts
from audit.triage import READ

__all__ = ["read_images"]

_FEW = ("status", "status_detail", "region_source", "true_label", "pred_label", "pred_cam_status")
_PANDAS = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.string(): pd.StringDtype(na_value=np.nan),  # else by way of Python's strings
}


def read_images(parts: Path) -> pd.DataFrame:
    """The columns READ of all ``parts``; nullable types where nulls occur.

    ``path`` is null but for the rows that ``audit.summary.named`` finds. One column after another,
    so that one alone is held both as Arrow and as pandas has it.
    """
    columns = {name: _series(name, _column(parts, name)) for name in READ if name != "path"}
    images = pd.DataFrame(columns, copy=False)
    images["path"] = _paths(parts, named(images).to_numpy())
    return images


def _paths(parts: Path, told: np.ndarray) -> pd.Series:
    """The paths of the images ``told``, null for the others."""
    kept, at = [], 0
    for _, part in read_parts(parts, ["path"]):
        mine = pa.array(told[at : at + len(part)])
        kept.append(pc.if_else(mine, part["path"].combine_chunks(), None).dictionary_encode())
        at += len(part)
    paths: pd.Series = pa.chunked_array(kept).unify_dictionaries().to_pandas()
    return paths


def _column(parts: Path, name: str) -> pa.ChunkedArray:
    return pa.concat_tables([part for _, part in read_parts(parts, [name])])[name]


def _series(name: str, column: pa.ChunkedArray) -> pd.Series:
    kept = column.dictionary_encode() if name in _FEW else column
    series: pd.Series = kept.to_pandas(types_mapper=_pandas_type)
    return series


def _pandas_type(kind: pa.DataType) -> ExtensionDtype | None:
    """What a column becomes that pandas would make floats or objects of."""
    return pd.ArrowDtype(kind) if pa.types.is_list(kind) else _PANDAS.get(kind)
