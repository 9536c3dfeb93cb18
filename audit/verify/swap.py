"""B: does the background decide? Objects and backgrounds are swapped between images.

Objects are lifted by their region and put, at their own place, on backgrounds whose own object was
filled first (after ImageNet-9's Mixed-Same and Mixed-Rand, Xiao et al. 2021, arXiv 2006.09994). For
a class c, *necessity* puts objects predicted c on backgrounds of c and of other classes;
*sufficiency* puts objects predicted otherwise on the same two kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from audit.verify.changes import Change
from audit.verify.fills import cover
from audit.verify.subjects import Subject

__all__ = [
    "FORWARDS",
    "NECESSITY",
    "SUFFICIENCY",
    "SWAPS",
    "Background",
    "backgrounds",
    "edge",
    "put_on",
    "swaps",
]

NECESSITY = "B-necessity"
SUFFICIENCY = "B-sufficiency"
#: Backgrounds of each kind that an object is put on.
SWAPS = 2
#: Pictures that one object gives rise to in one of the two tests.
FORWARDS = 2 * SWAPS
_LARGEST = 0.6  # of the frame: a larger region leaves no background
_RIM = 0.03  # of the frame's longer side: what is filled round a region, for masks are drawn tight
_FILLED = 0.8  # of the frame: with more of it filled, nothing is left of a background
_EDGE = 0.7  # pixels: σ of the blur that softens a lifted object's edge


@dataclass(frozen=True)
class Background:
    """An image with its own object filled: H×W×3 uint8."""

    index: int
    picture: np.ndarray


def backgrounds(subjects: Sequence[Subject], fill: str, seed: int) -> list[Background]:
    """The backgrounds of the images whose region can be filled.

    Filled is the region with a rim around it, so that no edge of the object is left, and what is to
    be ignored, where more of them may be. ``fill`` is a key of ``audit.verify.fills.FILLS``.
    """
    return [
        Background(
            one.index,
            cover(one.picture, hole, fill, np.random.default_rng([seed, one.index])),
        )
        for one in subjects
        if _can_be_lifted(one) and (hole := _hole(one)).mean() <= _FILLED
    ]


def _hole(subject: Subject) -> np.ndarray:
    reach = 2 * round(_RIM * max(subject.region.shape)) + 1
    grown = cv2.dilate(subject.region.astype(np.uint8), np.ones((reach, reach), np.uint8))
    return np.asarray((grown > 0) | subject.ignore)


def swaps(
    subject: Subject,
    watched: tuple[int, float],
    test: str,
    donors: Mapping[str, Sequence[Background]],
    seed: int,
) -> Iterator[Change]:
    """The object of one image on backgrounds of each kind (``donors``: same, other).

    ``watched`` is the class whose probability is watched, and what it is in the unchanged image.
    """
    rng = np.random.default_rng([seed, subject.index, watched[0]])
    base = {"index": subject.index, "role": "sample", "cls": watched[0], "test": test}
    usable = {
        kind: [one for one in given if one.index != subject.index] for kind, given in donors.items()
    }
    if not _can_be_lifted(subject) or not all(usable.values()):
        yield Change(kind="untestable", attempt=0, **base)  # type: ignore[arg-type]
        return
    alpha = edge(subject)
    for kind, given in usable.items():
        for place in rng.choice(len(given), size=min(SWAPS, len(given)), replace=False):
            yield Change(
                kind=kind,
                attempt=0,
                other_index=given[place].index,
                p_before=watched[1],
                picture=put_on(subject, alpha, given[place]),
                **base,  # type: ignore[arg-type]
            )


def edge(subject: Subject) -> np.ndarray:
    """How much of each pixel is the object's, float32 H×W×1: its region with a soft edge."""
    return cv2.GaussianBlur(subject.region.astype(np.float32), (0, 0), _EDGE)[:, :, None]


def put_on(subject: Subject, alpha: np.ndarray, background: Background) -> np.ndarray:
    """The object, cut out by its ``edge``, at its own place on ``background``: H×W×3 uint8."""
    mixed = background.picture + (subject.picture - background.picture.astype(float)) * alpha
    return np.asarray(np.rint(mixed), dtype=np.uint8)


def _can_be_lifted(subject: Subject) -> bool:
    return 0 < float(subject.region.mean()) <= _LARGEST
