"""What a class's hot patches show: their mean picture, and where they lie in the view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from audit.report.banner import of
from audit.report.cards import CUE_FOLDER, decodable
from audit.report.evidence import Box, Cue
from audit.report.load import RunFolder
from audit.report.text import effect
from audit.verdicts.place import place

__all__ = ["MAX_CUES", "cue_pictures", "shown_cues"]

MAX_CUES = 6  # of a class


def shown_cues(run: RunFolder, index: int) -> list[dict[str, Any]]:
    """The cues of the class ``index`` as plain strings, the strongest first.

    Their place is that of the examples among the run's cases, each drawn as a box of its own, so
    that a cue that moves is seen to move; the mean box where no example is at hand.
    """
    height, width = run.manifest["view"]
    known = {case.index: case.patch.box for case in run.cases if case.patch is not None}
    shown = []
    for at, cue in enumerate(_cues(run, index)):
        boxes = [known[one] for one in cue.examples if one in known] or [cue.box]
        sides = [_scaled(box, height, width) for box in boxes]
        shown.append(
            {
                "src": "" if cue.picture is None else _src(index, at),
                "where": place(_corners(sides), (height, width)),
                "n": of(cue.n, "image", "images"),
                "drop": effect(cue.drop),
                "frame": f"0 0 {width} {height}",
                "boxes": [tuple(f"{side:.1f}" for side in box) for box in sides],
            }
        )
    return shown


def cue_pictures(run: RunFolder, classes: Iterable[int]) -> dict[str, bytes]:
    """Where the page has the picture of each cue of ``classes`` → the picture.

    Raises DataError where one cannot be decoded.
    """
    return {
        _src(index, at): decodable(cue.picture, f"cues: picture {at + 1} of class {index}")
        for index in classes
        for at, cue in enumerate(_cues(run, index))
        if cue.picture is not None
    }


def _cues(run: RunFolder, index: int) -> list[Cue]:
    return [cue for cue in run.cues if cue.pred_class == index][:MAX_CUES]


def _src(index: int, at: int) -> str:
    return f"{CUE_FOLDER}/{index}-{at}.png"


def _scaled(box: Box, height: int, width: int) -> tuple[float, float, float, float]:
    return box.x * width, box.y * height, box.width * width, box.height * height


def _corners(sides: Sequence[tuple[float, float, float, float]]) -> np.ndarray:
    return np.array([[x, y, x + width, y + height] for x, y, width, height in sides])
