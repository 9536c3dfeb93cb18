"""Where the regions came from and what they are worth: what the first screen says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.report.text import clean, count, percent

__all__ = ["maps", "regions"]

Row = Mapping[str, Any]

_ESTIMATED = "pseudo:"
_SETS = {"decoy": "images of the built-in decoy set", "photos": "objects in real photos"}
_BORDER_AREA = 7 / 16  # of the view: an eighth at each edge
_METHODS = {
    "grabcut": "GrabCut from the picture’s centre",
    "maskrcnn_resnet50_fpn": "Mask R-CNN trained on COCO",
}


def regions(found: Row) -> dict[str, Any]:
    """``notice`` for the overview (None where annotations were used), ``line`` for the method.

    ``found`` is ``regions`` of ``summary.json``.
    """
    estimated = [name for name in found["aggregated"] if name.startswith(_ESTIMATED)]
    return {
        "estimated": bool(estimated),
        "line": _line(found["sources"]),
        "worth": [_worth(name, (found.get("quality") or {}).get(name)) for name in estimated],
    }


def maps(found: Row | None) -> list[tuple[str, str]]:
    """What the maps say without any region, as terms and values; none where there is no map."""
    if found is None:
        return []
    return [
        ("Evenness of the maps (1: flat)", _two(found["median_entropy"])),
        (
            f"Heat in the outer eighth of the view ({percent(_BORDER_AREA, 0)} of its area)",
            percent(found["median_border_mass"], 0),
        ),
        (
            f"Agreement of the label’s and the prediction’s maps ({count(found['agreement_n'])}"
            " images, predicted otherwise)",
            percent(found["median_agreement"], 0),
        ),
    ]


def _line(sources: Row) -> str:
    told = [f"{_name(name)}: {count(n)} images" for name, n in sources.items()]
    return "; ".join(told)


def _name(source: str) -> str:
    if source == "annotation":
        return "annotated"
    if source == "none":
        return "no region"
    method = source.removeprefix(_ESTIMATED)
    return f"estimated by {_METHODS.get(method, clean(method, 60))}"


def _worth(source: str, quality: Row | None) -> str:
    """One sentence on how well an estimate meets exact masks."""
    method = _METHODS.get(source.removeprefix(_ESTIMATED), clean(source, 60))
    if quality is None:
        return f"{method}: how well it meets exact masks was not measured."
    told = [
        f"{_two(quality[name]['mean'])} [{_two(quality[name]['low'])}, "
        f"{_two(quality[name]['high'])}] on {count(quality[name]['n'])} {words} (a centred box:"
        f" {_two(quality[name]['centre_box'])})"
        for name, words in _SETS.items()
        if name in quality
    ]
    return (
        f"{method} overlaps exact masks with a mean IoU of {' and '.join(told)}; 95% intervals,"
        " measured beforehand on images that are not yours."
    )


def _two(value: float | None) -> str:
    return "not available" if value is None else f"{value:.2f}"
