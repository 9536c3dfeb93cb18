"""The keys and columns of a run folder that a report reads; docs/columns says what each means."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "CASES",
    "CLASSES",
    "COMPLETE",
    "FORMAT",
    "IMAGES",
    "MANIFEST",
    "MEDIA",
    "PAIRS",
    "SUMMARY",
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
MEDIA = ("index", "galleries", "view", "region")
CASES = ("index", "reason", "severity")
PAIRS = ("true_class", "pred_class", "true_label", "pred_label", "n")
CLASSES = (
    "true_class",
    "label",
    "n",
    "n_correct",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "n_scored",
    "median_mass",
    "median_lift",
    "median_area",
    "median_center_baseline",
    "median_permuted_baseline",
    "off_object_rate",
    "worst_confusion",
    "worst_confusion_n",
    "verdict",
)
