"""What estimated regions are worth: their overlap with exact masks, measured beforehand."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

__all__ = ["measured_quality"]


def measured_quality() -> dict[str, dict[str, dict[str, Any]]]:
    """Intersection over union with exact masks, by ``region_source`` and set of pictures.

    For each: ``mean``, its 95% bootstrap interval ``low`` to ``high``, the number of pictures
    ``n``, and ``centre_box``, the mean of a centred box of half the picture's area on the same
    pictures. Sets: ``decoy`` (synthetic, one object) and ``photos`` (crops of cluttered photos). A
    source that was not measured is absent. Made by ``benchmarks/pseudo_regions.py``.
    """
    text = files("audit.regions.pseudo").joinpath("quality.json").read_text("utf-8")
    held: dict[str, dict[str, dict[str, Any]]] = json.loads(text)
    return held
