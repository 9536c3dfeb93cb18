"""A class's verdict as a sentence that a person can act on, with the numbers it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    said = [
        tell(row)
        for way, tell in (("local", _by_patch), ("background", _by_background))
        if row[f"{way}_passes"]
    ]
    return "; it also ".join(said)


def _by_patch(row: Mapping[str, Any]) -> str:
    outside = " outside the estimated region" if row["verdict_estimated"] else ""
    turned = row["s2_turned"] or 0.0
    return (
        f"decides by a patch {row['cue_place']}{outside} in {row['s1_holds']} of "
        f"{row['s1_tested']} tested images: covering it lowers the probability by "
        f"{row['s1_drop']:z.2f} (controls {row['s1_control_drop']:z.2f}); pasted into other images "
        f"it raises it by {row['s2_effect']:z.2f} more than controls do and turns {turned:.0%} of "
        f"them into {row['label']!r}"
    )


def _by_background(row: Mapping[str, Any]) -> str:
    estimated = " (outside the estimated regions)" if row["verdict_estimated"] else ""
    return (
        f"decides by the background{estimated}: its objects lose {row['necessity_effect']:z.2f} of "
        f"probability on other backgrounds ({row['necessity_n']} objects); other objects gain "
        f"{row['sufficiency_effect']:z.2f} on its backgrounds ({row['sufficiency_n']} objects)"
    )


def _nothing_found(row: Mapping[str, Any]) -> str:
    said = [_no_patch(row) if row["local_state"] == "tested" else _gap(row, "local")]
    swapped = row["background_state"] == "tested"
    said.append(_no_background(row) if swapped else _gap(row, "background"))
    return "; ".join(said)


def _no_patch(row: Mapping[str, Any]) -> str:
    return (
        f"no patch found to decide it: covering one matters in {row['s1_holds']} of "
        f"{row['s1_tested']} tested images (at most {row['s1_rate_high']:.0%}, 95%) and lowers the "
        f"probability by {row['s1_effect']:z.2f} more than controls on average; pasting one raises "
        f"it by {row['s2_effect']:z.2f} more"
    )


def _no_background(row: Mapping[str, Any]) -> str:
    return (
        f"no background found to decide it: its objects lose {row['necessity_effect']:z.2f} of "
        f"probability on other backgrounds, other objects gain {row['sufficiency_effect']:z.2f} on "
        f"its own ({row['necessity_n']} and {row['sufficiency_n']} objects)"
    )


def _gap(row: Mapping[str, Any], way: str) -> str:
    gaps = _LOCAL_GAPS if way == "local" else _BACKGROUND_GAPS
    return gaps[row[f"{way}_state"]].format_map(row)
