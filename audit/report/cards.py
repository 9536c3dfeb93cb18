"""One case as the page shows it: strings to print, an outline to draw, heat to colour."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from audit.errors import DataError
from audit.report.evidence import Box
from audit.report.load import TEXT, Case, SaidWord, Target
from audit.report.outline import outline
from audit.report.picture import kind_of
from audit.report.text import capital, clean, percent, probability, times

__all__ = [
    "CUE_FOLDER",
    "FLAG_WORDS",
    "IMAGE_FOLDER",
    "SWAP_FOLDER",
    "Card",
    "Slot",
    "card",
    "decodable",
]

IMAGE_FOLDER = "assets/images"
CUE_FOLDER = "assets/cues"
SWAP_FOLDER = "assets/swaps"
_REASON = 400  # characters
_WORDS = 6  # maps of words that a card shows

# ``misclassified`` is not among them: a card names both classes.
_TAGS = {
    "label_suspect": "label in doubt",
    "other_object": "another object",
    "off_object": "off object",
    "local_cause": "local cause",
    "spurious_verified": "spurious, verified",
    "spurious_class": "of a spurious class",
    "untestable": "untestable",
    "no_evidence": "no evidence",
    "degenerate_cam": "no usable map",
    "unreadable": "unreadable",
    "no_region": "no region",
}
#: Flag → its words, as the case table's filter shows them.
FLAG_WORDS = {"misclassified": "misclassified", **_TAGS}
# With estimated regions a verdict is a warning at most.
_ESTIMATED = {
    "spurious_verified": "warning: cause outside the estimated region",
    "spurious_class": "of a class with a warning",
}
_NO_MAP = {
    "zero": "No positive evidence: the map is zero everywhere.",
    "nonfinite": "The map is not finite.",
    "degenerate": "The target layer's grid is 1×1: there is no map.",
}


@dataclass(frozen=True)
class Slot:
    """One explained class of a case. ``heat`` is base64 of h·w bytes; "" where there is no map."""

    role: str
    index: int  # of the class
    name: str
    probability: str
    mass: str
    lift: str
    heat: str
    note: str  # why there is no map; "" where there is one


@dataclass(frozen=True)
class WordMap:
    """A noun of the model's caption; ``heat`` and ``note`` as a Slot's."""

    name: str
    said: str  # whether its object is there, and how much of the heat is on it
    heat: str
    note: str


@dataclass(frozen=True)
class Card:
    """One case. ``true`` is None where there is no label, ``predicted`` where it says the same."""

    id: int
    src: str  # relative to index.html
    width: int  # of the picture, in pixels
    height: int
    outline: str  # SVG path, "" where there is no region
    patch: tuple[str, ...]  # x, y, width, height of the patch that was covered; () for none
    covered: str  # picture with the patch covered, as src; "" for none
    change: str  # the prediction's probability before → after covering; "" for none
    name: str
    is_path: bool  # whether the name is the path as the tables have it
    sample: str
    tone: str  # right, wrong or open (no label)
    tags: tuple[str, ...]
    flags: tuple[str, ...]
    severity: float
    area: str
    agreement: str  # of the two maps, in words; "" where there are not two
    reason: str
    true: Slot | None
    predicted: Slot | None
    question: str  # what is asked; "" for nothing
    words: tuple[WordMap, ...]  # none where the answer is no caption


def card(case: Case, *, estimated: bool = False) -> Card:
    """The strings of ``case``, its region's outline and its patch's box.

    ``estimated``: the run's verdicts rest on estimated regions. Raises DataError where a picture or
    the region of the case cannot be decoded.
    """
    if case.covered is not None:
        decodable(case.covered, f"media: the covered view of image {case.index}")
    tags = _TAGS | (_ESTIMATED if estimated else {})
    height, width = _decoded(case.view, "view", case.index).shape
    true, predicted = _slots(case)
    return Card(
        id=case.index,
        src=f"{IMAGE_FOLDER}/{case.index}{kind_of(case.view).suffix}",
        width=width,
        height=height,
        outline=_outline(case),
        patch=() if case.patch is None else _rectangle(case.patch.box, width, height),
        covered=_covered(case),
        change=_change(case),
        name=clean(case.path) if case.path else f"image {case.index}",
        is_path=case.path is not None and clean(case.path) == case.path,
        sample=clean(case.sample_id, 40),
        tone={True: "right", False: "wrong", None: "open"}[case.correct],
        tags=tuple(tags[flag] for flag in case.flags if flag in tags),
        flags=case.flags,
        severity=round(case.severity, 4),
        area=percent(case.area),
        agreement=_agreement(case),
        reason=capital(clean(case.reason, _REASON)) if case.reason else "",
        true=true,
        predicted=predicted,
        question=clean(case.question, 200) if case.question else "",
        words=tuple(_word(one) for one in case.words[:_WORDS]),
    )


def _slots(case: Case) -> tuple[Slot | None, Slot | None]:
    true, predicted = case.true, case.predicted
    if true is None:
        return None, None if predicted is None else _slot("Prediction", predicted)
    if predicted is None:
        return _slot("Label", true), None
    if case.correct and true.index == predicted.index:
        return _slot("Label and prediction", true), None
    return _slot("Label", true), _slot("Prediction", predicted)


def _word(one: SaidWord) -> WordMap:
    on = "in the image" if one.mass is None else f"{percent(one.mass)} on it"
    there = {True: on, False: "not in the image", None: ""}
    return WordMap(
        name=clean(one.word, 40),
        said=there[one.present],
        heat=base64.b64encode(one.cam).decode() if one.cam else "",
        note="" if one.cam else "There is no map.",
    )


def _slot(role: str, target: Target) -> Slot:
    usable = target.cam is not None and target.cam_status == "ok"
    return Slot(
        role=role,
        index=target.index,
        name=clean(target.label, 160 if target.index == TEXT else 60),
        probability=probability(target.probability),
        mass=percent(target.mass),
        lift=times(target.lift),
        heat=base64.b64encode(target.cam).decode() if usable and target.cam else "",
        note="" if usable else _NO_MAP.get(target.cam_status or "", "There is no map."),
    )


def _covered(case: Case) -> str:
    if case.covered is None:
        return ""
    return f"{IMAGE_FOLDER}/{case.index}-covered{kind_of(case.covered).suffix}"


def _agreement(case: Case) -> str:
    """Only where there are two maps: of one and the same class it would always be 1."""
    if case.agreement is None or case.correct is not False:
        return ""
    return f"maps agree {percent(case.agreement, 0)}"


def _change(case: Case) -> str:
    if case.patch is None:
        return ""
    return f"{probability(case.patch.before)} → {probability(case.patch.after)}"


def _rectangle(box: Box, width: int, height: int) -> tuple[str, ...]:
    """``box`` on a picture of that size, in the outline's coordinates: pixel centres are whole."""
    sides = box.x * width - 0.5, box.y * height - 0.5, box.width * width, box.height * height
    return tuple(f"{side:.1f}" for side in sides)


def _outline(case: Case) -> str:
    if case.region is None:
        return ""
    return outline(_decoded(case.region, "region", case.index))


def decodable(picture: bytes, what: str) -> bytes:
    """``picture`` as it is. Raises DataError, with ``what``, where it cannot be decoded."""
    _raster(picture, what)
    return picture


def _decoded(picture: bytes, what: str, index: int) -> np.ndarray:
    return _raster(picture, f"media: the {what} of image {index}")


def _raster(picture: bytes, what: str) -> np.ndarray:
    raster = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    if raster is None:
        raise DataError(f"{what} is no picture that can be decoded")
    return raster
