"""A comparison's content: everything that its files, its summary and its report are made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from audit.comparison import differences, overall
from audit.comparison.answer import NOTABLE_MASS, Answer, answer
from audit.comparison.buckets import MOVED_AGREEMENT, MOVED_MASS
from audit.comparison.classes import class_table
from audit.comparison.joined import joined
from audit.comparison.questions import question_changes
from audit.comparison.sides import Side
from audit.comparison.slices import slice_table
from audit.errors import DataError
from audit.report.banner import bare_sentence
from audit.report.tables import Row
from audit.tables.sliced import Sliced, read_slices

__all__ = ["FORMAT", "Comparison", "compared"]

FORMAT = "cam-audit-comparison/1"


@dataclass(frozen=True)
class Comparison:
    """Two runs compared: both tables, and the content of ``comparison.json``."""

    base: Side
    candidate: Side
    images: pd.DataFrame
    classes: tuple[Row, ...]  # plain values, None for nulls; slices likewise
    class_table: pd.DataFrame
    slices: tuple[Row, ...]
    slice_table: pd.DataFrame
    sliced: tuple[Sliced, ...]  # the base's further columns, in the order of its images
    answer: Answer
    summary: dict[str, Any]


def compared(
    base: Side, candidate: Side, *, force: bool, seed: int, say: Callable[[str], object]
) -> Comparison:
    """Compare two runs. Raises ConfigError where they differ in more than the model, unforced.

    ``say`` is told what takes long, and what differs. Raises DataError where no image is in both.
    """
    found, noted = differences.differences(base, candidate), differences.notes(base, candidate)
    if not force:
        differences.refuse(found)
    for one in (*found, *noted):
        say(f"note: the runs differ in {one}")
    images = joined(base, candidate)
    counts = overall.counts(images)
    if not counts["shared"]:
        raise DataError(
            f"{base.name} and {candidate.name} share no image (no sample_id is in both)"
        )
    rng = np.random.default_rng(seed)
    accuracy, attention = overall.accuracy(images, rng), overall.attention(images, rng)
    table = class_table(images, base, candidate, rng)
    classes = tuple(_plain(row) for row in table.to_dict("records"))
    columns = read_slices(base.root / "images").columns
    sliced = slice_table(images, columns)
    slices = tuple(_plain(row) for row in sliced.to_dict("records"))
    asked = question_changes(base, candidate)
    sentences = _sentences(classes, base, candidate)
    said = answer(accuracy, attention, classes, sentences, slices, questions=asked)
    summary = {
        "format": FORMAT,
        "base": _about(base),
        "candidate": _about(candidate),
        "forced": bool(found),
        "differences": [asdict(one) for one in found],
        "notes": [asdict(one) for one in noted],
        "thresholds": {
            "moved_agreement": MOVED_AGREEMENT,
            "moved_mass": MOVED_MASS,
            "notable_mass": NOTABLE_MASS,
        },
        "seed": seed,
        "answer": asdict(said),
        "counts": counts,
        "accuracy": accuracy,
        "attention": attention,
        "classes": _class_summary(classes),
        "slices": {"n": len(slices), "compared": sum(bool(row["n"]) for row in slices)},
        "questions": [asdict(one) for one in asked],
    }
    return Comparison(
        base, candidate, images, classes, table, slices, sliced, columns, said, summary
    )


def _about(side: Side) -> dict[str, Any]:
    manifest = side.manifest
    return {
        "name": side.name,
        "model": manifest["model"]["name"],
        "weights_hash": manifest["model"].get("weights_hash"),
        "fingerprint_id": manifest.get("fingerprint_id"),
        "started": manifest.get("started"),
    }


def _sentences(classes: tuple[Row, ...], base: Side, candidate: Side) -> dict[int, str]:
    """What a class was found to decide by: of the run that found it, the candidate's first."""
    told = {}
    for side in (base, candidate):
        found = {(row["true_class"], row["label"]): row for row in side.classes}
        for row in classes:
            theirs = found.get((row["true_class"], row["label"]))
            if theirs and theirs["verdict"] == "spurious" and theirs.get("verdict_sentence"):
                told[row["true_class"]] = bare_sentence(theirs)
    return told


def _class_summary(classes: tuple[Row, ...]) -> dict[str, Any]:
    """Names of the classes that changed; the table has their figures."""
    changes: dict[str, list[str]] = {}
    for row in classes:
        if row["verdict_change"]:
            changes.setdefault(row["verdict_change"], []).append(row["label"])
    return {"n": len(classes), "compared": sum(bool(row["n"]) for row in classes), **changes}


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value
