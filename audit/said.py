"""What captions say and where their nouns look: the ``nouns`` table and its summary.

Means are over images, each the mean of its words: the words of one caption are not independent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from audit.looked import as_columns, looked
from audit.summary import wilson
from audit.tables.parts import read_parts
from audit.tables.schema import arrow_schema

__all__ = ["noun_table", "read_words", "words_summary"]

_READ = [
    "index",
    "caption",
    "class",
    "present",
    "region_area_fraction",
    "relevance_mass_accuracy",
    "other_region_mass",
]
_SCORES = ["relevance_mass_accuracy", "region_area_fraction", "other_region_mass"]


def read_words(parts: Path) -> pd.DataFrame:
    """The nouns of every part in the folder ``parts``, without their maps."""
    empty = pa.schema(arrow_schema("words").field(name) for name in _READ).empty_table()
    table = pa.concat_tables([empty, *(one for _, one in read_parts(parts, _READ))])
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    return frame


def noun_table(words: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """One row for each of ``classes``: how often it is named, rightly, and where its word looks."""
    rows = []
    for cls, label in enumerate(classes):
        mine = words[words["class"] == cls]
        said, truth = (mine[mine["caption"] == whose] for whose in ("pred", "true"))
        named, referred = set(said["index"]), set(truth["index"])
        rows.append(
            {
                "class": cls,
                "label": label,
                "said": len(named),
                "hallucinated": _hallucinated(said),
                "referred": len(referred),
                "missed": len(referred - named),
            }
            | _looked(said)
        )
    return pd.DataFrame(rows, columns=arrow_schema("nouns").names)


def words_summary(words: pd.DataFrame) -> dict[str, Any]:
    """The key ``words`` of ``summary.json``: hallucinated objects, and where the nouns look."""
    said = words[words["caption"] == "pred"].dropna(subset=["present"])
    pairs = said.drop_duplicates(["index", "class"])
    n, wrong = len(pairs), int((~pairs["present"].astype(bool)).sum())
    found = wilson(wrong, n) or dict.fromkeys(("value", "low", "high"))
    return {
        "said": n,
        "hallucinated": found | {"n": wrong},
        "attention": _attention(said),
    }


def _hallucinated(said: pd.DataFrame) -> int | None:
    """Images in which the word is there and the object is not; None where nothing is annotated."""
    known = said.dropna(subset=["present"])
    if known.empty:
        return None if len(said) else 0
    return int(known["index"][~known["present"].astype(bool)].nunique())


def _looked(said: pd.DataFrame) -> dict[str, float | None]:
    return as_columns(_attention(said))


def _attention(said: pd.DataFrame) -> dict[str, Any] | None:
    mass, area, other = (said[name] for name in _SCORES)
    return looked(mass, area, other, said["index"])
