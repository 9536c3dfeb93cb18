"""The sanity checks of the maps, in sentences: what the method section and the overview print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.report.text import clean, count, percent

__all__ = ["sanity"]

Row = Mapping[str, Any]

_UNCHECKED = "These maps were not checked (--no-sanity)."
_COPIES = (
    "These maps hardly change when the model’s weights are replaced by random ones ({found}): they"
    " show the image rather than what the model has learned. Nothing on this page that is read from"
    " a map speaks for or against the model."
)
_ARBITRARY = (
    "Covering the hottest cells of these maps changes the prediction no more than covering cells at"
    " random: they do not point at what the prediction rests on."
)


def sanity(found: Row | None) -> dict[str, list[str]]:
    """``lines`` for the method section, ``failed`` for the overview (empty where nothing did).

    ``found`` is ``sanity`` of ``summary.json``; None: the run was not asked for it.
    """
    if found is None:
        return {"lines": [_UNCHECKED], "failed": []}
    if found["unavailable"]:
        return {"lines": [f"Not available: {clean(found['unavailable'], 300)}."], "failed": []}
    lines = [_randomised(found), _covered(found)]
    return {"lines": [line for line in lines if line], "failed": _failed(found)}


def _randomised(found: Row) -> str:
    """How the maps fell with the head's weights, and with all of them."""
    if not found["randomisation"]:
        return ""
    first, last = found["randomisation"][0], found["randomisation"][-1]
    kept = "stayed at" if found["depends"] is False else "fell to"
    of_all = (
        "" if last is first else f"; with those of all {count(last['modules'])} layers random, "
    )
    missing = max(stage["without_map"] for stage in found["randomisation"])
    return (
        f"Do they depend on the model? On {count(found['n'])} images these maps {kept}"
        f" {_r(first['spearman'])} when the head ({clean(first['stage'], 60)}) was randomised"
        f"{of_all}{_r(last['spearman']) if of_all else ''}. r is Spearman’s rank correlation with"
        " the model’s own map, with its 95% interval; 1 would be no change."
        + (f" Up to {count(missing)} maps became zero and are not counted." if missing else "")
    )


def _covered(found: Row) -> str:
    """What covering and uncovering the cells in the maps' order does."""
    deletion, insertion = found["deletion"], found["insertion"]
    if deletion is None or insertion is None:
        return ""
    return (
        "Do their cells matter to it? While cells are covered, hottest first, the prediction keeps"
        f" {percent(deletion['auc'], 0)} of probability on average, and"
        f" {percent(deletion['random_auc'], 0)} in a random order (difference"
        f" {_points(deletion['difference'])}); while they are uncovered, hottest first, it has"
        f" {percent(insertion['auc'], 0)} against {percent(insertion['random_auc'], 0)}"
        f" ({_points(insertion['difference'])})."
    )


def _failed(found: Row) -> list[str]:
    failed = []
    if found["depends"] is False:
        stages = (found["randomisation"][0], found["randomisation"][-1])
        most = max(
            (one["spearman"] for one in stages if one["spearman"]), key=lambda one: one["value"]
        )
        failed.append(_COPIES.format(found=_r(most)))
    if _no_better(found["deletion"], -1) and _no_better(found["insertion"], 1):
        failed.append(_ARBITRARY)
    return failed


def _no_better(curve: Row | None, sign: int) -> bool:
    """Whether the interval of the difference does not lie on the good side, ``sign``, of 0."""
    if curve is None or curve["difference"]["low"] is None:
        return False
    return bool(min(sign * curve["difference"][end] for end in ("low", "high")) <= 0)


def _r(estimate: Row | None) -> str:
    if estimate is None:
        return "r = not available"
    return f"r = {_signed(estimate['value'])}{_between(estimate, 1)}"


def _points(estimate: Row) -> str:
    return f"{_signed(100 * estimate['value'], 0)} points{_between(estimate, 100)}"


def _between(estimate: Row, scale: float) -> str:
    if estimate["low"] is None:
        return ""
    digits = 2 if scale == 1 else 0
    low, high = (_signed(scale * estimate[end], digits) for end in ("low", "high"))
    return f" ({low} to {high})"


def _signed(value: float, digits: int = 2) -> str:
    """A number with a true minus sign; what rounds to 0 has none."""
    shown = f"{value:.{digits}f}"
    return shown.replace("-", "−") if float(shown) else shown.lstrip("-")
