"""A class's verdict as a sentence that a person can act on, with the numbers it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.report.text import effect

__all__ = ["verdict_sentence"]

_LOCAL_GAPS = {
    None: "patches were not tested",
    "too_few_images": "patches were not tested: {s1_tested} sampled images are too few",
    "no_room": "patches were not tested: beside the objects of {s1_untestable} sampled images is "
    "no room for controls",
    "no_hosts": "patches were not tested: too few images are predicted otherwise to paste into",
}
_BACKGROUND_GAPS = {
    None: "backgrounds were not swapped",
    "too_few_objects": "backgrounds were not tested: {necessity_n} of its objects and "
    "{sufficiency_n} others are too few",
    "no_usable_regions": "backgrounds were not tested: too few objects can be lifted out of their "
    "picture, for want of a region or because it fills the frame",
    "check_failed": "backgrounds cannot be tested: only {background_check:.0%} of the swaps within "
    "the class leave the prediction alone",
}


def verdict_sentence(row: Mapping[str, Any]) -> str:
    """What the verdict on a class says; ``row`` holds the verdict columns of ``classes``.

    Empty where the class was not tested.
    """
    if row["verdict"] == "not_tested":
        return ""
    tell = {
        "spurious": _spurious,
        "clean": _nothing_found,
        "not_enough_images": _nothing_found,
    }[row["verdict"]]
    return f"class {row['label']!r}: {tell(row)}"


def _spurious(row: Mapping[str, Any]) -> str:
    if not row["background_passes"]:
        return _by_patch(row)
    if not row["local_passes"]:
        return f"decides by {_background(row)}"
    # A background is swapped with the patch on it: the second finding may be the first one again.
    return f"{_by_patch(row)}; moved with the patches on it, so does {_background(row)}"


def _by_patch(row: Mapping[str, Any]) -> str:
    outside = " outside the estimated region" if row["verdict_estimated"] else ""
    turned = row["s2_turned"] or 0.0
    return (
        f"decides by a patch {row['cue_place']}{outside} in {row['s1_holds']} of "
        f"{row['s1_tested']} tested images: covering it lowers the probability by "
        f"{effect(row['s1_drop'])} (controls {effect(row['s1_control_drop'])}); pasted into other "
        f"images it raises it by {effect(row['s2_effect'])} more than controls do and turns "
        f"{turned:.0%} of them into {row['label']!r}"
    )


def _background(row: Mapping[str, Any]) -> str:
    estimated = " (outside the estimated regions)" if row["verdict_estimated"] else ""
    return (
        f"the background{estimated}: its objects lose {effect(row['necessity_effect'])} of "
        f"probability on other backgrounds ({row['necessity_n']} objects); other objects gain "
        f"{effect(row['sufficiency_effect'])} on its backgrounds ({row['sufficiency_n']} objects)"
    )


def _nothing_found(row: Mapping[str, Any]) -> str:
    said = [_no_patch(row) if row["local_state"] == "tested" else _gap(row, "local")]
    swapped = row["background_state"] == "tested"
    said.append(_no_background(row) if swapped else _gap(row, "background"))
    return "; ".join(said)


def _no_patch(row: Mapping[str, Any]) -> str:
    return (
        f"no patch found to decide it: covering one matters in {row['s1_holds']} of "
        f"{row['s1_tested']} tested images (at most {row['s1_rate_high']:.0%} with 95% "
        f"confidence) and lowers the probability by {effect(row['s1_effect'])} more than controls "
        f"on average; pasting one raises it by {effect(row['s2_effect'])} more"
    )


def _no_background(row: Mapping[str, Any]) -> str:
    return (
        f"no background found to decide it: its objects lose {effect(row['necessity_effect'])} of "
        f"probability on other backgrounds, other objects gain "
        f"{effect(row['sufficiency_effect'])} on its own ({row['necessity_n']} and "
        f"{row['sufficiency_n']} objects)"
    )


def _gap(row: Mapping[str, Any], way: str) -> str:
    gaps = _LOCAL_GAPS if way == "local" else _BACKGROUND_GAPS
    return gaps[row[f"{way}_state"]].format_map(row)
