"""One case of a comparison as the page shows it: strings to print, heat to colour, for each run."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from audit.comparison.cases import Case, Shot
from audit.comparison.words import points
from audit.errors import DataError
from audit.report.outline import outline
from audit.report.picture import kind_of
from audit.report.tables import Row
from audit.report.text import clean, percent, probability

__all__ = ["IMAGE_FOLDER", "Card", "Half", "card"]

IMAGE_FOLDER = "assets/images"
_NO_MAP = {
    "zero": "No positive evidence: the map is zero everywhere.",
    "nonfinite": "The map is not finite.",
    "degenerate": "The target layer's grid is 1×1: there is no map.",
}


@dataclass(frozen=True)
class Half:
    """One run's half of a card. A heat is base64 of h·w bytes; "" where there is no map."""

    src: str
    width: int  # of the picture, in pixels
    height: int
    outline: str  # SVG path, "" where there is no region
    tone: str  # right, wrong or open (no label)
    prediction: str
    surety: str  # probability of the prediction
    probability: str  # of the label
    mass: str  # heat on the object, label's class
    true: str  # heat for the label's class
    predicted: str  # heat for the predicted class
    note: str  # why there is no map for the label's class; "" where there is one


@dataclass(frozen=True)
class Card:
    """One case: its image's name and label, and what either run makes of it."""

    id: int
    bucket: str
    group: int  # index of the label's class; -1: none
    name: str
    label: str
    moved: str  # change of the heat on the object, in points
    agreement: str
    base: Half
    candidate: Half


def card(case: Case, number: int) -> Card:
    """The strings of ``case``. Raises DataError where a picture cannot be decoded."""
    row = case.row
    names = ("", "") if case.shared_view else ("-base", "-candidate")
    base, candidate = (
        _half(row, side, shot, f"{IMAGE_FOLDER}/{number}{suffix}{kind_of(shot.view).suffix}")
        for side, shot, suffix in zip(
            ("base", "candidate"), (case.base, case.candidate), names, strict=True
        )
    )
    return Card(
        id=number,
        bucket=row["bucket"],
        group=-1 if row["true_class"] is None else row["true_class"],
        name=clean(row["path"]) if row["path"] else f"image {row['base_index']}",
        label=clean(row["true_label"], 60),
        moved=points(row["delta_true_relevance_mass_accuracy"]),
        agreement=percent(row["map_agreement"], 0),
        base=base,
        candidate=candidate,
    )


def _half(row: Row, side: str, shot: Shot, src: str) -> Half:
    height, width = _raster(shot.view, "view", row).shape
    true, status = shot.maps["true"], shot.statuses["true"]
    usable = true is not None and status == "ok"
    return Half(
        src=src,
        width=width,
        height=height,
        outline="" if shot.region is None else outline(_raster(shot.region, "region", row)),
        tone={True: "right", False: "wrong", None: "open"}[row[f"{side}_correct"]],
        prediction=clean(row[f"{side}_pred_label"], 60),
        surety=probability(row[f"{side}_pred_probability"]),
        probability=probability(row[f"{side}_true_probability"]),
        mass=percent(row[f"{side}_true_relevance_mass_accuracy"]),
        true=_coded(true) if usable else "",
        predicted=_coded(shot.maps["pred"]) if shot.statuses["pred"] == "ok" else "",
        note="" if usable else _NO_MAP.get(status or "", "There is no map for the label."),
    )


def _coded(heat: bytes | None) -> str:
    return base64.b64encode(heat).decode() if heat else ""


def _raster(picture: bytes, what: str, row: Row) -> np.ndarray:
    raster = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    if raster is None:
        raise DataError(f"media: the {what} of {row['sample_id']} cannot be decoded")
    return raster
