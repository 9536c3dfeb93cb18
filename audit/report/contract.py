"""The keys and columns of a run folder that a report reads; docs/columns says what each means."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "CASES",
    "CLASSES",
    "CLASS_VERDICTS",
    "COMPLETE",
    "CUES",
    "FORMAT",
    "IMAGES",
    "INTERVENTIONS",
    "MANIFEST",
    "MEDIA",
    "PAIRS",
    "SLICES",
    "SUMMARY",
    "VERDICTS",
    "Sections",
]

FORMAT = "cam-audit-run/1"
COMPLETE = ("audited", "finished")  # statuses of a run whose tables are all written

Sections = Mapping[str, tuple[str, ...]]  # key → keys of the object below it, () for anything else

MANIFEST: Sections = {
    "name": (),
    "status": (),
    "dataset": ("name", "classes", "n"),
    "model": ("name", "target_layer", "grid"),
    "view": (),
    "method": (),
    "warnings": (),
}

# An object that may be null as a whole (no labels, no regions) is complete where it is there.
SUMMARY: Sections = {
    "counts": (
        "audited",
        "ok",
        "unreadable",
        "nonfinite",
        "unlabelled",
        "no_region",
        "duplicates",
        "degenerate_cam",
    ),
    "accuracy": ("value", "low", "high", "n"),
    "attention": (
        "median_mass",
        "median_lift",
        "median_area",
        "center_baseline",
        "permuted_baseline",
        "permuted_n",
        "n",
    ),
    "maps": ("median_entropy", "median_border_mass", "n", "median_agreement", "agreement_n"),
    "regions": ("sources", "aggregated"),
    "two_by_two": ("correct_on", "correct_off", "wrong_on", "wrong_off"),
    "flags": (),
    "galleries": (),
    "problems": (),
}

IMAGES = (
    "index",
    "sample_id",
    "path",
    "correct",
    "region_area_fraction",
    "cam_agreement",
    "slices",
    *(
        f"{side}_{name}"
        for side in ("true", "pred")
        for name in (
            "class",
            "label",
            "probability",
            "cam",
            "cam_status",
            "relevance_mass_accuracy",
            "mass_lift",
        )
    ),
)
# ``verdicts`` of the summary, where the run has them.
VERDICTS = (
    "version",
    "estimated_regions",
    "has_regions",
    "counts",
    "not_tested",
    "images_tested",
    "suspects_tested",
    "forwards",
    "budget",
    "fill",
    "fill_agreement",
    "whole_set",
)
MEDIA = ("index", "galleries", "view", "region")
CASES = ("index", "reason", "severity")
# What the tables of classes and of slices say of each group of images.
_GROUP = (
    "n",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "median_mass",
    "median_lift",
    "median_area",
    "median_center_baseline",
    "median_permuted_baseline",
    "off_object_rate",
)
SLICES = ("slice", "value", "n_images", *_GROUP)
PAIRS = ("true_class", "pred_class", "true_label", "pred_label", "n")
CLASSES = (
    "true_class",
    "label",
    *_GROUP,
    "n_correct",
    "n_scored",
    "worst_confusion",
    "worst_confusion_n",
    "verdict",
)
# Columns of ``classes`` beside the above, where the run has verdicts.
CLASS_VERDICTS = (
    "verdict_by",
    "verdict_sentence",
    "verdict_estimated",
    "q_value",
    "local_state",
    "local_passes",
    "background_state",
    "background_passes",
    "s1_tested",
    "s1_holds",
    "s1_rate_high",
    "s1_drop",
    "s1_control_drop",
    "s1_null_p",
    "s2_turned",
    *(
        f"{test}_{name}"
        for test in ("s1", "s2", "necessity", "sufficiency")
        for name in ("n", "effect", "low", "high")
    ),
)
INTERVENTIONS = (
    "index",
    "role",
    "watched_class",
    "watched_label",
    "test",
    "kind",
    "attempt",
    "fill",
    "other_index",
    "x0",
    "y0",
    "x1",
    "y1",
    "area_fraction",
    "on_other_object",
    "p_before",
    "p_after",
    "pred_after",
)
# Tables that only some datasets have: of types of question, of captions' nouns, of their words.
QUESTIONS = (
    "question_type",
    "questions",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "mass",
    "area",
    "other_mass",
    "tested",
    "unchanged",
    "drop",
    "control_drop",
    "asked_elsewhere",
    "same_elsewhere",
    "q_value",
    "verdict",
    "verdict_sentence",
)
NOUNS = (
    "label",
    "said",
    "hallucinated",
    "referred",
    "missed",
    "mass",
    "mass_low",
    "mass_high",
    "area",
    "other_mass",
)
WORDS = ("index", "caption", "position", "word", "present", "cam", "relevance_mass_accuracy")
SWAPS = (
    "watched_class",
    "watched_label",
    "test",
    "index",
    "label",
    "p_before",
    "picture",
    "same_index",
    "same_p",
    "same_picture",
    "other_index",
    "other_label",
    "other_p",
    "other_picture",
)
CUES = ("pred_class", "cue", "n", "x0", "y0", "x1", "y1", "drop", "picture", "examples")
