import pandas as pd
import pytest

from audit import triage
from audit.tables.schema import FLAGS


def _raised(images):
    case = triage.flag(images).iloc[0]
    return {name for name in FLAGS if case[name] is not pd.NA and bool(case[name])}


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        ({}, set()),
        ({"correct": False, "pred_label": "bus", "true_probability": 0.1}, {"misclassified"}),
        ({"pred_mass_lift": 0.99}, {"off_object"}),
        ({"pred_mass_lift": 1.0}, set()),
        ({"pred_pointing_game_hit_guard": False}, {"off_object"}),
        ({"pred_mass_lift": 0.1, "pred_guard_area_fraction": 0.81}, set()),
        ({"pred_mass_lift": 0.1, "pred_guard_area_fraction": 0.8}, {"off_object"}),
        ({"pred_mass_lift": 0.1, "pred_region_visible_fraction": 0.24}, set()),
        ({"pred_mass_lift": 0.1, "pred_region_visible_fraction": 0.25}, {"off_object"}),
        ({"pred_cam_status": "zero", "pred_mass_lift": None}, {"no_evidence"}),
        ({"pred_cam_status": "nonfinite", "pred_mass_lift": None}, {"degenerate_cam"}),
        (
            {"n_regions": 0, "pred_region_area_fraction": None, "pred_mass_lift": None},
            {"no_region"},
        ),
        ({"correct": False, "pred_class": 2, "present_classes": [2]}, {"other_object"}),
        ({"correct": False, "pred_class": 2, "present_classes": [3]}, {"misclassified"}),
        ({"present_classes": []}, set()),
        ({"correct": None, "true_class": None}, set()),
        ("unreadable", {"unreadable"}),
    ],
)
def test_flags(make_images, change, flags):
    assert _raised(make_images(change)) == flags


def _reasons(images):
    return triage.reasons(images, triage.flag(images)).tolist()


def test_what_was_not_examined_is_null(make_images):
    case = triage.flag(make_images({})).iloc[0]
    for name in ("label_suspect", "other_object", "local_cause", "spurious_verified", "untestable"):
        assert case[name] is pd.NA


def test_reasons_hold_the_numbers(make_images):
    wrong = {
        "correct": False,
        "pred_label": "bus",
        "pred_probability": 0.8,
        "true_probability": 0.1,
    }
    off = {"pred_mass_lift": 0.5, "pred_relevance_mass_accuracy": 0.1}
    missed = off | {"pred_pointing_game_hit_guard": False}
    reasons = _reasons(make_images({}, wrong, off, missed, "unreadable"))
    assert reasons[0] == ""
    assert reasons[1] == "predicted 'bus' at 0.80, labelled 'car' (0.10)"
    assert reasons[2] == "10% of the map of 'car' on a region of 20% of the view (lift 0.50)"
    assert reasons[3].startswith("hottest point beside the region; 10%")
    assert reasons[4] == "could not be read: truncated"


def test_the_reason_tells_other_objects_from_background(make_images):
    also = {"correct": False, "pred_class": 2, "pred_label": "bus", "present_classes": [2]}
    off = {"pred_mass_lift": 0.5, "pred_relevance_mass_accuracy": 0.1, "other_region_mass": 0.6}
    reasons = _reasons(make_images(also, off))
    assert (
        reasons[0] == "predicted 'bus' at 0.90, which the image shows beside its label 'car' (0.90)"
    )
    assert reasons[1].endswith("(lift 0.50), 60% on other annotated objects")


def test_severity_is_the_larger_of_confidence_and_shortfall(make_images):
    wrong = {"correct": False, "pred_probability": 0.8}
    both = wrong | {"pred_mass_lift": 0.1}
    severity = triage.flag(make_images({}, wrong, {"pred_mass_lift": 0.7}, both, "unreadable"))[
        "severity"
    ]
    assert severity.tolist() == pytest.approx([0, 0.8, 0.3, 0.9, 1])
