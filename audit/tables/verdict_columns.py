"""The columns of ``interventions``, and those of ``classes`` that hold verdicts."""

from __future__ import annotations

import pyarrow as pa

from audit.tables.column import Column, accuracy_columns, looked_columns, number

__all__ = [
    "TESTED",
    "UNTESTED",
    "cue_columns",
    "intervention_columns",
    "question_columns",
    "swap_columns",
    "verdict_columns",
]

#: What ``verdict`` says where a class, or a type of question, was tested, and where it was not.
TESTED = ("spurious", "clean")
UNTESTED = ("not_enough_images", "not_tested")


def verdict_columns() -> list[Column]:
    """What ``classes`` says of interventions; null where nothing was tested."""
    text = pa.string()
    return [
        Column(
            "verdict",
            text,
            "",
            "spurious, clean, not_enough_images, or not_tested: no intervention was made",
        ),
        Column("verdict_by", text, "", "local, background, or local and background; null: neither"),
        Column("verdict_sentence", text, "", "the verdict with its numbers; empty: not tested"),
        Column("verdict_estimated", pa.bool_(), "", "the regions are estimated: a warning at most"),
        number("p_value", "2·min(local_p, background_p), at most 1", "probability"),
        number("q_value", "Benjamini–Hochberg over the tested classes", "probability"),
        *_local_columns(),
        *_background_columns(),
    ]


def _local_columns() -> list[Column]:
    whole, unit = pa.int64(), "probability"
    return [
        Column(
            "local_state",
            pa.string(),
            "",
            "tested, too_few_images, no_room (for controls), or no_hosts (to paste into)",
        ),
        Column("local_passes", pa.bool_(), "", "a patch decides the class; null: not tested"),
        number("local_p", "the larger of s1_p and s2_p", unit),
        Column("s1_tested", whole, "images", "sampled, with a patch to suspect or none outside"),
        Column("s1_untestable", whole, "images", "sampled, without room for four controls"),
        Column("s1_holds", whole, "images", "of s1_tested: S1 holds"),
        number("s1_rate", "s1_holds / s1_tested"),
        number("s1_rate_low", "one-sided 95% Clopper–Pearson bound from below"),
        number("s1_rate_high", "the same from above"),
        *_try_columns("s1", "drop from covering the patch − median of its controls"),
        number("s1_drop", "mean drop from covering, where S1 holds", unit),
        number("s1_control_drop", "mean of the controls' median drop there", unit),
        number("s1_null_effect", "as s1_effect, of patches that another image's map chose", unit),
        number("s1_null_p", "as s1_p, of the same", unit),
        *_try_columns("s2", "gain from pasting the patch − gain from pasting a control"),
        number("s2_turned", "share of the hosts that the patch turned into the class"),
        Column("cue_place", pa.string(), "", "where the patch lies where S1 holds, in words"),
    ]


def _try_columns(test: str, difference: str) -> list[Column]:
    return [
        Column(f"{test}_attempt", pa.int8(), "", "the try with the smaller p: 1 or 2"),
        *_mean_columns(test, "images", difference),
        number(f"{test}_p", "one-sided signed-rank test, doubled for the two tries", "probability"),
    ]


def _mean_columns(prefix: str, counted: str, difference: str) -> list[Column]:
    return [
        Column(f"{prefix}_n", pa.int64(), counted, "in the test"),
        number(f"{prefix}_effect", f"mean of: {difference}", "probability"),
        number(f"{prefix}_low", "lower end of its 95% t interval", "probability"),
        number(f"{prefix}_high", "upper end of its 95% t interval", "probability"),
    ]


def _background_columns() -> list[Column]:
    swaps = {
        "necessity": "p of the class's objects on its backgrounds − on other backgrounds",
        "sufficiency": "p of the class with other objects on its backgrounds − on others",
    }
    columns = [
        Column(
            "background_state",
            pa.string(),
            "",
            "tested, too_few_objects, no_usable_regions, or check_failed (background_check < .5)",
        ),
        Column("background_passes", pa.bool_(), "", "the background decides; null: not tested"),
        number("background_p", "the larger of necessity_p and sufficiency_p", "probability"),
        number("background_check", "share of swaps within the class that leave the prediction"),
    ]
    for name, difference in swaps.items():
        columns += _mean_columns(name, "objects", difference)
        columns.append(number(f"{name}_p", "one-sided signed-rank test", "probability"))
    return columns


def intervention_columns(_cells: int) -> list[Column]:
    """The ``interventions`` table: one row a changed picture, or a reason why there is none."""
    text, pixel = pa.string(), pa.int32()
    return [
        Column("index", pa.int64(), "", "image under test, as in images; in B the object's image"),
        Column("sample_id", text, "", "as in images"),
        Column(
            "role",
            text,
            "",
            "sample (drawn evenly within the predicted class) or suspect (case evidence only)",
        ),
        Column("watched_class", pa.int32(), "", "class whose probability is watched"),
        Column("watched_label", text, "", "its name"),
        Column("test", text, "", "S1, S1-null, S2, B-necessity, B-sufficiency, or look"),
        Column(
            "kind",
            text,
            "",
            "S1: cover, control, untestable, nothing_outside; S2: paste, control; "
            "B: same, other, untestable; look: cover, control, other_image",
        ),
        Column("attempt", pa.int8(), "", "1: patch of ≤ 4% of the frame, 2: ≤ 12%; 0: no patch"),
        Column("fill", text, "", "blur, inpaint or mean; null: pasted or swapped"),
        Column(
            "other_index",
            pa.int64(),
            "",
            "S2: the host; S1-null: whose map chose the patch; B: whose background; look: the "
            "image that the question was asked of; null: none",
        ),
        *(
            Column(name, pixel, "px", "box round the changed patch in the view; null: none")
            for name in ("x0", "y0", "x1", "y1")
        ),
        number("area_fraction", "of the frame that the patch covers"),
        Column("on_other_object", pa.bool_(), "", "half of the patch lies on another object"),
        number("p_before", "of the watched class in the unchanged image or host", "probability"),
        number("p_after", "the same in the changed picture", "probability"),
        Column("pred_after", pa.int32(), "", "predicted class of the changed picture"),
    ]


def question_columns(_cells: int) -> list[Column]:
    """The ``questions`` table: one row a type of question, where a dataset asks any."""
    text, whole = pa.string(), pa.int64()
    return [
        Column("question_type", text, "", "as the dataset names it"),
        Column("questions", whole, "questions", "of the type"),
        Column("n", whole, "questions", "of these, with a label and an answer"),
        Column("n_correct", whole, "questions", "of these, answered as labelled"),
        *accuracy_columns(),
        *looked_columns(
            "mean of the true answer's mass on the asked objects, over images",
            "mean of the asked objects' share of the view",
            "mean of the true answer's mass on the other objects",
        ),
        Column("tested", whole, "questions", "sampled evenly, with the asked object covered"),
        Column("unchanged", whole, "questions", "of tested: the answer stays"),
        number("unchanged_low", "one-sided 95% Clopper–Pearson bound of that share from below"),
        number("drop", "mean fall of the answer's probability when covered", "probability"),
        number("drop_low", "lower end of its 95% t interval", "probability"),
        number("drop_high", "upper end of its 95% t interval", "probability"),
        number("control_unchanged", "share of the answers that stay when a control is covered"),
        number("control_drop", "mean fall of the probability then", "probability"),
        Column("asked_elsewhere", whole, "questions", "asked of another image as well"),
        Column("same_elsewhere", whole, "questions", "of these, with the same answer"),
        number("p_value", "larger p of: answers stay in half or less; drop ≥ .2", "probability"),
        number("q_value", "Benjamini–Hochberg over the tested types", "probability"),
        Column(
            "verdict",
            text,
            "",
            "spurious (answered without looking), clean, not_enough_images, or not_tested",
        ),
        Column("verdict_sentence", text, "", "the verdict with its numbers; empty: not tested"),
    ]


def cue_columns(_cells: int) -> list[Column]:
    """The ``cues`` table: one row a cluster of a class's verified patches."""
    return [
        Column("pred_class", pa.int32(), "", "class that a patch decides"),
        Column("label", pa.string(), "", "its name"),
        Column("cue", pa.int16(), "", "number of the cluster within the class; 1: the largest"),
        Column("n", pa.int64(), "images", "tested images in the cluster"),
        *(
            number(name, "mean box round the patch in the view", "px")
            for name in ("x0", "y0", "x1", "y1")
        ),
        number("spread", "larger standard deviation of the patches' centres, of the frame"),
        number("drop", "mean fall of the probability when the patch is covered", "probability"),
        Column("picture", pa.binary(), "PNG", "mean of the patches and what is round them"),
        Column("examples", pa.list_(pa.int64()), "", "index of its images, strongest first"),
    ]


def swap_columns(_cells: int) -> list[Column]:
    """The ``swaps`` table: one row an object on two other backgrounds, of what decides a class."""
    text, whole, picture = pa.string(), pa.int64(), pa.binary()
    return [
        Column("watched_class", pa.int32(), "", "class that the background decides"),
        Column("watched_label", text, "", "its name"),
        Column("test", text, "", "B-necessity: its objects; B-sufficiency: other objects"),
        Column("index", whole, "", "image whose object is moved"),
        Column("label", text, "", "class that it is predicted as"),
        number("p_before", "probability of the watched class in that image", "probability"),
        Column("picture", picture, "WebP", "that image"),
        Column("same_index", whole, "", "image of the class whose background it is put on"),
        number("same_p", "probability of the watched class there", "probability"),
        Column("same_picture", picture, "WebP", "the object on that background"),
        Column("other_index", whole, "", "image of another class whose background it is put on"),
        Column("other_label", text, "", "class that that image is predicted as"),
        number("other_p", "probability of the watched class there", "probability"),
        Column("other_picture", picture, "WebP", "the object on that background"),
    ]
