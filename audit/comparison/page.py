"""What a comparison's templates print: plain strings, numbers and lists, and no HTML."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.comparison.answer import Reason
from audit.comparison.buckets import BUCKETS, MOVED_AGREEMENT, MOVED_MASS
from audit.comparison.cards import Card
from audit.comparison.cases import SHELVES
from audit.comparison.content import Comparison
from audit.comparison.examined import examined
from audit.comparison.page_tables import (
    class_rows,
    class_target,
    flows,
    score_rows,
    slice_link,
    slice_rows,
    span,
    verdict_rows,
)
from audit.comparison.words import p_value, points, points_interval
from audit.gates.policy import Policy
from audit.gates.verdict import Verdict
from audit.report.ruling import ruling
from audit.report.slice_table import slice_words
from audit.report.tables import Row
from audit.report.text import clean, count, interval, percent

__all__ = ["FIRST", "TITLES", "Gates", "page"]

FIRST = 18  # cards of a shelf in index.html; the page adds the others when asked
_MOST_REASONS = 6
_TARGETS = {
    "accuracy": "#regressed",
    "attention": "#attention_moved",
    "slice_accuracy": "#slices",
    "verdict": "#verdicts",
}

TITLES = {
    "regressed": ("Regressed", "The base is right, the candidate wrong; the surest errors first."),
    "attention_moved": (
        "Attention moved",
        "Both give the same answer, and the heat for the label lies elsewhere: less than half of it"
        " in the same place, or a quarter of it gone from the object or come to it. Off the object"
        " first.",
    ),
    "fixed": ("Fixed", "The base is wrong, the candidate right; the surest errors of old first."),
    "still_wrong": ("Changed, but still wrong", "Both are wrong, and give different answers."),
    "unchanged": (
        "Unchanged, at random",
        "The same answer and about the same attention: what an ordinary image looks like.",
    ),
}


@dataclass(frozen=True)
class Gates:
    """A policy, and what came of it."""

    policy: Policy
    verdict: Verdict


def page(
    found: Comparison, cards: Sequence[Card], slices: Collection[str], gates: Gates | None
) -> dict[str, object]:
    """Everything ``compare.html.j2`` prints, by the names that it uses.

    ``slices`` are the values of further columns that a case has.
    """
    summary, base, candidate = found.summary, found.base, found.candidate
    shelves = {name: [card for card in cards if card.bucket == name] for name in SHELVES}
    groups = {card.group for card in cards}
    return {
        "title": f"{clean(base.name, 50)} → {clean(candidate.name, 50)}",
        "about": _about(found),
        "base": clean(base.name, 50),
        "candidate": clean(candidate.name, 50),
        "ruling": None if gates is None else _ruling(found, gates, groups, slices),
        "differences": [_difference(one) for one in summary["differences"]],
        "notes": [_difference(one) for one in summary["notes"]],
        "answer": _answer(found, groups, slices),
        "unharmed": examined(found).sentence,
        "accuracy": _accuracy(summary["accuracy"]),
        "attention": score_rows(summary["attention"]),
        "quad": _quad(found.images, shelves),
        "counts": _counts(summary["counts"]),
        "verdicts": verdict_rows(found, groups),
        "types": bool(summary["questions"]),
        "classes": class_rows(found.classes, groups),
        "slices": slice_rows(found.slices, slices),
        "flows": flows(found.images, groups),
        "galleries": [_gallery(name, shelves[name], summary["counts"]) for name in SHELVES],
        "groups": _groups(cards),
        "values": list(slices),
        "sides": [_side(found, side) for side in ("base", "candidate")],
        "buckets": [(name.replace("_", " "), BUCKETS[name]) for name in BUCKETS],
        "thresholds": (percent(MOVED_AGREEMENT, 0), points(MOVED_MASS).lstrip("+")),
        "json": json.dumps(summary, indent=2, ensure_ascii=False),
    }


def _about(found: Comparison) -> str:
    dataset, counts = found.base.manifest["dataset"], found.summary["counts"]
    split = f", {clean(dataset['split'], 40)} split" if dataset.get("split") else ""
    models = [clean(side.manifest["model"]["name"], 60) for side in (found.base, found.candidate)]
    names = f" of {models[0]}" if models[0] == models[1] else f", {models[0]} and {models[1]},"
    return (
        f"Two checkpoints{names} on {clean(dataset['name'], 60)}{split}:"
        f" {count(counts['shared'])} images that both were audited on"
    )


def _ruling(
    found: Comparison, gates: Gates, groups: set[int], slices: Collection[str]
) -> dict[str, Any]:
    """The policy's table, whose offenders lead to their cases."""
    rows = found.candidate.slices
    words = {at: slice_words((row["slice"], row["value"])) for at, row in enumerate(rows)}
    places = {
        "class": {one: f"class={one}" for one in groups},
        "slice": {at: slice_link(one) for at, one in words.items() if one in slices},
    }
    sections = {"overview", "classes", "slices"} if found.slices else {"overview", "classes"}
    return ruling(gates.policy, gates.verdict, places, sections)


def _answer(found: Comparison, groups: set[int], slices: Collection[str]) -> dict[str, Any]:
    said = found.answer
    return {
        "state": said.state,
        "headline": said.headline,
        "worse": [_reason(one, groups, slices) for one in said.worse[:_MOST_REASONS]],
        "better": [_reason(one, groups, slices) for one in said.better[:_MOST_REASONS]],
        "more_worse": count(max(0, len(said.worse) - _MOST_REASONS)),
        "more_better": count(max(0, len(said.better) - _MOST_REASONS)),
    }


def _reason(one: Reason, groups: set[int], slices: Collection[str]) -> dict[str, str]:
    """A reason, and where on the page its evidence is."""
    target = class_target(one.true_class, groups) or _TARGETS.get(one.kind, "#classes")
    if one.kind == "slice_accuracy" and one.subject in slices:
        target = f"#{slice_link(one.subject)}"
    return {
        "subject": clean(one.subject, 60),
        "sentence": clean(one.sentence, 900),
        "target": target,
    }


def _accuracy(accuracy: Row | None) -> dict[str, Any] | None:
    if accuracy is None:
        return None
    shares = ("base", "candidate", "negative_flips", "positive_flips", "churn")
    return {
        **{name: _share(accuracy[name]) for name in shares},
        "n": count(accuracy["n"]),
        "delta": points(accuracy["delta"]),
        "interval": points_interval(accuracy["low"], accuracy["high"]),
        "method": accuracy["interval"],
        "exact": p_value(accuracy["mcnemar_exact_p"]),
        "mid": p_value(accuracy["mcnemar_mid_p"]),
        "strip": span(accuracy["low"], accuracy["high"], accuracy["delta"]),
    }


def _share(share: Row) -> dict[str, str]:
    return {
        "n": count(share["count"]),
        "value": percent(share["value"]),
        "interval": interval(share["low"], share["high"]),
    }


def _quad(images: pd.DataFrame, shelves: Mapping[str, Sequence[Card]]) -> dict[str, Any] | None:
    """Right and wrong, before and after: the four cells, each leading to its images."""
    both = images[images["base_correct"].notna() & images["candidate_correct"].notna()]
    both = both[both["bucket"] != "not_judged"]
    if both.empty:
        return None
    before = both["base_correct"].to_numpy(dtype=bool)
    after = both["candidate_correct"].to_numpy(dtype=bool)
    cells = {
        "kept": (before & after, ""),
        "lost": (before & ~after, "regressed"),
        "won": (~before & after, "fixed"),
        "missed": (~before & ~after, ""),  # of these only changed answers have a shelf
    }
    return {
        name: {
            "n": count(int(where.sum())),
            "share": percent(float(where.mean())),
            "target": shelf if shelf and shelves[shelf] else "",
        }
        for name, (where, shelf) in cells.items()
    }


def _counts(counts: Row) -> dict[str, str]:
    plain = {name: count(value) for name, value in counts.items() if name != "buckets"}
    return plain | {name: count(value) for name, value in counts["buckets"].items()}


def _gallery(name: str, cards: Sequence[Card], counts: Row) -> dict[str, Any]:
    title, lead = TITLES[name]
    return {
        "id": name,
        "title": title,
        "lead": lead,
        "cards": cards[:FIRST],
        "shown": count(min(FIRST, len(cards))),
        "kept": count(len(cards)),
        "total": count(counts["buckets"][name]),
        "any": counts["buckets"][name] > 0,
        "more": len(cards) > FIRST,
    }


def _groups(cards: Sequence[Card]) -> list[tuple[int, str]]:
    """The classes that the cases can be narrowed to."""
    return sorted({(card.group, card.label) for card in cards if card.group >= 0})


def _difference(one: Row) -> str:
    return clean(f"{one['what']}: {one['base']} against {one['candidate']}", 300)


def _side(found: Comparison, name: str) -> tuple[str, list[tuple[str, str]]]:
    """What a run was made with, as terms and values."""
    side = found.base if name == "base" else found.candidate
    manifest, model = side.manifest, side.manifest["model"]
    facts = {
        "Run": side.name,
        "Model": model["name"],
        "Weights": model.get("weights_hash"),
        "Target layer": model.get("target_layer"),
        "Method": manifest["method"],
        "Map’s grid": "×".join(str(cells) for cells in model["grid"]),
        "Started": manifest.get("started"),
        "Fingerprint": manifest.get("fingerprint_id"),
    }
    told = [(term, clean(value, 200)) for term, value in facts.items() if value is not None]
    return name.capitalize(), told
