"""One of the two runs: its manifest, its verdicts, and one row an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from audit.gates.runs import read_run
from audit.report.tables import Row, parts_of, read, require

__all__ = ["IMAGES", "SCORES", "Side", "read_side"]

#: Scores of a map against the region that are compared, without the target's prefix.
SCORES = ("relevance_mass_accuracy", "mass_lift", "mass_excess")

#: Columns of ``images`` that a comparison reads; maps are read apart, part by part.
IMAGES = (
    "index",
    "sample_id",
    "path",
    "status",
    "region_source",
    "region_visible_fraction",
    "pred_region_visible_fraction",
    "true_class",
    "true_label",
    "pred_class",
    "pred_label",
    "correct",
    "true_probability",
    "pred_probability",
    *(f"{target}_{score}" for target in ("true", "pred") for score in SCORES),
)
_CLASSES = ("true_class", "label", "verdict")
_MANIFEST = ("model", "view", "method")


@dataclass(frozen=True)
class Side:
    """A finished run: what a comparison reads of it."""

    root: Path
    name: str
    manifest: Row
    verdicts: Row  # of summary.json; empty for a run that has none
    classes: tuple[Row, ...]  # of classes.parquet
    images: pa.Table  # IMAGES, parts in order
    slices: tuple[Row, ...] = ()  # of slices.parquet; none where the dataset has no further column
    questions: tuple[Row, ...] = ()  # of questions.parquet; none where the dataset asks none

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the maps, in cells."""
        height, width = self.manifest["model"]["grid"]
        return int(height), int(width)


def read_side(run: Path) -> Side:
    """Read the run folder ``run``; raises DataError where it is not one, or not finished."""
    found = read_run(run)
    manifest, where = found.manifest, str(found.root / "manifest.json")
    require(_MANIFEST, manifest, where, "key")
    require(("name", "classes"), manifest["dataset"], f"{where}: dataset", "key")
    require(("name", "grid"), manifest["model"], f"{where}: model", "key")
    require(_CLASSES, found.classes[0] if found.classes else _CLASSES, "classes.parquet", "column")
    return Side(
        root=found.root,
        name=found.name,
        manifest=manifest,
        verdicts=found.summary.get("verdicts") or {},
        classes=found.classes,
        images=read(parts_of(found.root / "images"), IMAGES),
        slices=found.slices,
        questions=found.questions,
    )
