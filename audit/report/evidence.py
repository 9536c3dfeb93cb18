"""What the interventions left of single images and of classes: covered patches, and cues."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from audit.report import contract
from audit.report.tables import Row, parts_of, read, rows_of
from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.local import per_image

__all__ = ["Box", "Cue", "Patch", "read_cues", "read_patches"]


@dataclass(frozen=True)
class Box:
    """A box in the model's view, each value a share of the view's width or height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Patch:
    """The patch that was covered, and the probability of the predicted class before and after."""

    box: Box
    before: float
    after: float


@dataclass(frozen=True)
class Cue:
    """What the hot patches of a class's verified cases have in common."""

    pred_class: int
    n: int  # images
    box: Box  # the mean one
    drop: float  # the mean fall of the probability where it is covered
    picture: bytes | None  # PNG, the mean crop
    examples: tuple[int, ...]  # positions of images


def read_cues(run: Path, view: tuple[int, int]) -> tuple[Cue, ...]:
    """The run's cues, the strongest of a class first; none where the run wrote none.

    ``view`` is the model's input (H, W). Raises DataError where the table cannot be read.
    """
    path = run / "cues.parquet"
    if not path.exists():
        return ()
    rows = sorted(rows_of(read([path], contract.CUES)), key=lambda r: (r["pred_class"], r["cue"]))
    return tuple(
        Cue(
            pred_class=row["pred_class"],
            n=row["n"],
            box=_box(row, view),
            drop=row["drop"],
            picture=row["picture"],
            examples=tuple(row["examples"] or ()),
        )
        for row in rows
    )


def read_patches(
    run: Path, indices: Collection[int], view: tuple[int, int], fill: str
) -> dict[int, Patch]:
    """The patch that tells most of each of the images ``indices`` whose patch was covered.

    Of the tries the one that the verdict rests on, covered with ``fill``. Raises DataError where
    ``interventions`` cannot be read.
    """
    parts = parts_of(run / "interventions")
    if not parts or not indices:
        return {}
    wanted = (pc.field("test") == "S1") & pc.field("index").isin(pa.array(sorted(indices)))
    rows = read(parts, contract.INTERVENTIONS, wanted).to_pandas()
    best = per_image(rows, fill, Cutoffs())[["index", "attempt"]].dropna()
    best = best.astype("int64")
    covered = rows[(rows["kind"] == "cover") & (rows["fill"] == fill)]
    found = covered.merge(best, on=["index", "attempt"])
    return {
        int(row["index"]): Patch(_box(row, view), float(row["p_before"]), float(row["p_after"]))
        for row in found.to_dict("records")
    }


def _box(row: Row, view: tuple[int, int]) -> Box:
    height, width = view
    return Box(
        row["x0"] / width,
        row["y0"] / height,
        (row["x1"] - row["x0"]) / width,
        (row["y1"] - row["y0"]) / height,
    )
