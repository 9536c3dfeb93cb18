"""The run's distributions as places on a drawing: paths, dots and words; nothing is computed here.

Drawings are 400 units wide and 180 high below their axes; y grows downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.report.tables import Row
from audit.report.text import count, interval, percent

__all__ = ["charts"]

_WIDTH, _HEIGHT = 400.0, 180.0
_GROUPS = (("area", "Object’s share of the view"), ("right", "Right"), ("wrong", "Wrong"))
_LARGEST_DOT = 9.0
_LEAST_DOT = 2.5


def charts(found: Row | None) -> dict[str, Any]:
    """``found`` is ``distributions`` of the summary; runs of before have none."""
    found = found or {}
    return {"mass": _mass(found.get("mass")), "reliability": _reliability(found.get("reliability"))}


def _mass(mass: Row | None) -> dict[str, Any] | None:
    """One stepped curve a group, each as shares of its own images, on one scale."""
    if mass is None:
        return None
    groups = [(name, words, mass[name]) for name, words in _GROUPS if mass[name]["n"]]
    top = max(max(group["counts"]) / group["n"] for _, _, group in groups)
    return {
        "top": percent(top, 0),
        "groups": [
            {
                "name": name,
                "words": words,
                "n": count(group["n"]),
                "median": percent(group["median"]),
                "tick": _number(_WIDTH * group["median"]),
                "path": _steps([n / group["n"] / top for n in group["counts"]]),
            }
            for name, words, group in groups
        ],
    }


def _steps(heights: Sequence[float]) -> str:
    """The outline of a histogram whose bars have ``heights`` in [0, 1]."""
    wide = _WIDTH / len(heights)
    drawn = [
        f"V{_number(_HEIGHT * (1 - height))}H{_number((at + 1) * wide)}"
        for at, height in enumerate(heights)
    ]
    return f"M0 {_number(_HEIGHT)}{''.join(drawn)}V{_number(_HEIGHT)}"


def _reliability(found: Row | None) -> dict[str, Any] | None:
    if found is None:
        return None
    bins = [one for one in found["bins"] if one["n"]]
    most = max(one["n"] for one in bins)
    sure = "more" if found["confidence"] > found["accuracy"] else "less"
    return {
        "ece": percent(found["ece"]),
        "n": count(found["n"]),
        "said": f"On average it gives its answer {percent(found['confidence'])} and is right in"
        f" {percent(found['accuracy'])}: {sure} sure than right.",
        "dots": [_dot(one, most) for one in bins],
        "rows": [
            {
                "range": interval(one["from"], one["to"]),
                "n": count(one["n"]),
                "confidence": percent(one["confidence"]),
                "accuracy": percent(one["accuracy"]),
                "interval": interval(one["low"], one["high"]),
            }
            for one in bins
        ],
    }


def _dot(one: Row, most: int) -> dict[str, str]:
    """A bin on a square of 180: its area grows with its images, its line is the 95% interval."""
    radius = max(_LEAST_DOT, _LARGEST_DOT * (one["n"] / most) ** 0.5)
    return {
        "x": _number(_HEIGHT * one["confidence"]),
        "y": _number(_HEIGHT * (1 - one["accuracy"])),
        "low": _number(_HEIGHT * (1 - one["low"])),
        "high": _number(_HEIGHT * (1 - one["high"])),
        "r": _number(radius),
    }


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
