"""The tested classes: of those found the effects, the cues and the strongest cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.report.axis import strip
from audit.report.banner import bare_sentence, gaps, names, of, tested
from audit.report.cards import Card
from audit.report.cues import shown_cues
from audit.report.load import Case, RunFolder
from audit.report.swaps import shown_swaps
from audit.report.tables import Row
from audit.report.text import capital, clean, count, effect, percent, probability
from audit.report.trust import facts

__all__ = ["MAX_BLOCKS", "MAX_CLEAN", "examples", "links", "suspicions"]

MAX_BLOCKS = 20  # classes with a block of their own
MAX_CLEAN = 50  # rows of the table of clean classes
_EXAMPLES = 3
_WAYS = {
    "local": (
        "A patch beside the object",
        (
            ("s1", "Covering it costs, beyond covering elsewhere", "images"),
            ("s2", "Pasting it elsewhere adds, beyond pasting a control", "images"),
        ),
    ),
    "background": (
        "The background",
        (
            ("necessity", "Its objects lose on other backgrounds", "objects"),
            ("sufficiency", "Other objects gain on its backgrounds", "objects"),
        ),
    ),
}
_GAPS = {
    None: "not tested",
    "too_few_images": "not tested: too few images",
    "no_room": "not tested: no room for controls beside the objects",
    "no_hosts": "not tested: too few images predicted otherwise",
    "too_few_objects": "not tested: too few objects",
    "no_usable_regions": "not tested: too few objects can be lifted out of their picture",
    "check_failed": "cannot be tested: swapping within the class changes the prediction",
}
_FLOORS = {"q", "s1_rate", "necessity", "sufficiency"}  # among the summary's cutoffs


def links(run: RunFolder) -> dict[int, str]:
    """true_class → the block's fragment, of the classes with a block."""
    return {row["true_class"]: f"verdict-{row['true_class']}" for row in _found(run)[:MAX_BLOCKS]}


def examples(run: RunFolder) -> dict[str, list[int]]:
    """Fragment of a block's cases → positions of its images, the strongest first."""
    return {
        f"verdict-{row['true_class']}-cases": [case.index for case in _strongest(run.cases, row)]
        for row in _found(run)[:MAX_BLOCKS]
    }


def suspicions(run: RunFolder, cards: Mapping[int, Card]) -> dict[str, Any] | None:
    """The section of the tested classes; None where no class has a verdict."""
    verdicts = run.summary.get("verdicts")
    if verdicts is None or not tested(verdicts) or run.questions:
        return None
    return {
        "estimated": verdicts["estimated_regions"],
        "blocks": [_block(run, row, cards) for row in _found(run)[:MAX_BLOCKS]],
        "left": names([row["label"] for row in _found(run)[MAX_BLOCKS:]], 40),
        "clean": _clean(run.classes, verdicts.get("cutoffs")),
        "gaps": gaps(verdicts, run.classes),
        "facts": facts(verdicts),
    }


def _found(run: RunFolder) -> list[Row]:
    """The classes found so, the largest effect first."""
    if run.summary.get("verdicts") is None:
        return []
    rows = [row for row in run.classes if row["verdict"] == "spurious"]
    return sorted(rows, key=lambda row: (-_largest(row), row["true_class"]))


def _largest(row: Row) -> float:
    """The smaller of the two effects that a way needs; of the ways that pass, the larger one."""
    effects = [
        min(row[f"{test}_effect"] for test, _, _ in tests)
        for way, (_, tests) in _WAYS.items()
        if row[f"{way}_passes"]
    ]
    return max(effects, default=0.0)


def _strongest(cases: Sequence[Case], row: Row) -> list[Case]:
    """The verified cases of the class; of a class found by its background alone, any."""
    mine = [c for c in cases if c.predicted and c.predicted.index == row["true_class"]]
    if row["local_passes"]:
        mine = [case for case in mine if "spurious_verified" in case.flags]
    return sorted(mine, key=lambda case: (-case.severity, case.index))[:_EXAMPLES]


def _block(run: RunFolder, row: Row, cards: Mapping[int, Card]) -> dict[str, Any]:
    return {
        "id": f"verdict-{row['true_class']}",
        "name": clean(row["label"], 60),
        "sentence": capital(bare_sentence(row)),
        "q": _relation(probability(row["q_value"])),
        "ways": [_way(row, way) for way in _WAYS],
        "cues": shown_cues(run, row["true_class"]),
        "swaps": shown_swaps(run, row["true_class"]),
        "verified": bool(row["local_passes"]),
        "cards": [cards[case.index] for case in _strongest(run.cases, row)],
    }


def _relation(shown: str) -> str:
    """``= 0.012`` or ``< 0.001``."""
    return f"< {shown[1:]}" if shown.startswith("<") else f"= {shown}"


def _way(row: Row, way: str) -> dict[str, Any]:
    title, tests = _WAYS[way]
    state, passes = row[f"{way}_state"], bool(row[f"{way}_passes"])
    if state != "tested":
        return {"title": title, "passes": False, "said": _GAPS.get(state, "not tested"), "rows": []}
    return {
        "title": title,
        "passes": passes,
        "said": "decides the class" if passes else "not found to decide the class",
        "rows": [_test(row, *one) for one in tests],
    }


def _test(row: Row, test: str, words: str, counted: str) -> dict[str, Any]:
    low, high = row[f"{test}_low"], row[f"{test}_high"]
    return {
        "words": words,
        "effect": effect(row[f"{test}_effect"]),
        "interval": "" if low is None or high is None else f"{effect(low)} to {effect(high)}",
        "strip": strip(low, high, row[f"{test}_effect"]),
        "n": of(row[f"{test}_n"] or 0, counted.removesuffix("s"), counted),
        "note": _note(row, test),
    }


def _note(row: Row, test: str) -> str:
    if test == "s1":
        said = f"matters in {count(row['s1_holds'])} of {count(row['s1_tested'])}"
        if row["s1_drop"] is None:
            return said
        drops = f"{effect(row['s1_drop'])}, controls {effect(row['s1_control_drop'])}"
        return f"{said}; there it costs {drops}"
    if test == "s2":
        return f"turns {percent(row['s2_turned'], 0)} of them into the class"
    return ""


def _clean(classes: Sequence[Row], cutoffs: Row | None) -> dict[str, Any]:
    rows = [row for row in classes if row["verdict"] == "clean"]
    rows.sort(key=lambda row: (row["q_value"], row["true_class"]))
    return {
        "rows": [_clean_row(row) for row in rows[:MAX_CLEAN]],
        "total": count(len(rows)),
        "below": _below(rows, cutoffs),
        "rest": names([row["label"] for row in rows[MAX_CLEAN:]]),
    }


def _below(rows: Sequence[Row], cutoffs: Row | None) -> str:
    """Why a class with a small q may be clean; "" where there is none, or other rules judged."""
    if cutoffs is None or not cutoffs.keys() >= _FLOORS:
        return ""
    if not any(row["q_value"] <= cutoffs["q"] for row in rows):
        return ""
    return (
        f"A class with q of at most {cutoffs['q']:g} stands here where an effect is real but"
        f" small: a patch must matter in {percent(cutoffs['s1_rate'], 0)} of the images; other"
        f" backgrounds must take {effect(cutoffs['necessity'])} of probability from its objects,"
        f" and its own give {effect(cutoffs['sufficiency'])} to others."
    )


def _clean_row(row: Row) -> dict[str, Any]:
    local, background = (row[f"{way}_state"] == "tested" for way in _WAYS)
    held = f"{count(row['s1_holds'])} of {count(row['s1_tested'])}"
    return {
        "name": clean(row["label"], 60),
        "held": f"{held} (at most {percent(row['s1_rate_high'], 0)})" if local else "",
        "local": _GAPS.get(row["local_state"], "not tested"),
        "patch": [effect(row["s1_effect"]), effect(row["s2_effect"])] if local else [],
        "ground": (
            [effect(row["necessity_effect"]), effect(row["sufficiency_effect"])]
            if background
            else []
        ),
        "background": _GAPS.get(row["background_state"], "not tested"),
        "q": probability(row["q_value"]),
    }
