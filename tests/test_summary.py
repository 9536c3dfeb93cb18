import pandas as pd
import pytest

from audit import summary, triage

WRONG = {"correct": False, "pred_class": 2, "pred_label": "bus", "pred_probability": 0.8}
OFF = {"pred_mass_lift": 0.5}


def _summary(images):
    return summary.summarise(images, triage.flag(images), {"control": len(images)})


def test_accuracy_has_wilsons_interval(make_images):
    # 8 of 10, z = 1.96: (8 + z²/2 ± z·√(8·2/10 + z²/4)) / (10 + z²) = .4902, .9433
    found = _summary(make_images(*[{}] * 8, WRONG, WRONG))["accuracy"]
    assert found["value"] == 0.8
    assert found["n"] == 10
    assert found["low"] == pytest.approx(0.4902, abs=1e-4)
    assert found["high"] == pytest.approx(0.9433, abs=1e-4)


def test_two_by_two_counts_judged_images_only(make_images):
    unjudged = {"pred_guard_area_fraction": 0.9}
    unlabelled = {"correct": None, "true_class": None}
    images = make_images(
        *({}, {}, OFF, WRONG, WRONG | OFF, WRONG | OFF),
        *(WRONG | unjudged, unlabelled, "unreadable"),
    )
    found = _summary(images)
    assert found["two_by_two"] == {"correct_on": 2, "correct_off": 1, "wrong_on": 1, "wrong_off": 2}
    assert found["counts"]["judged"] == 7
    assert found["counts"]["unreadable"] == 1
    assert found["accuracy"]["n"] == 7


def test_what_does_not_exist_is_none_and_not_zero(make_images):
    bare = {
        "n_regions": 0,
        "region_source": "none",
        "true_cam_entropy": None,
        "pred_region_area_fraction": None,
        "region_area_fraction": None,
        "region_visible_fraction": None,
        "true_relevance_mass_accuracy": None,
        "pred_mass_lift": None,
        "correct": None,
        "true_class": None,
    }
    found = _summary(make_images(bare, bare))
    assert found["accuracy"] is None
    assert found["attention"] is None
    assert found["two_by_two"] is None
    assert found["maps"] is None
    assert found["regions"] == {"sources": {"none": 2}, "aggregated": []}
    assert found["counts"]["unlabelled"] == 2
    assert found["counts"]["no_region"] == 2
    assert "local_cause" not in found["flags"]


def test_medians_leave_out_regions_that_the_crop_cut_away(make_images):
    seen = [{"true_relevance_mass_accuracy": share} for share in (0.2, 0.4, 0.9)]
    cut = {"true_relevance_mass_accuracy": 0.0, "region_visible_fraction": 0.1}
    found = _summary(make_images(*seen, cut))["attention"]
    assert found["median_mass"] == pytest.approx(0.4)
    assert found["n"] == 3


def test_estimated_regions_never_mix_with_annotations(make_images):
    estimated = {"region_source": "pseudo:grabcut", "true_relevance_mass_accuracy": 0.9}
    both = make_images({}, estimated, estimated | WRONG | OFF)
    found = _summary(both)
    assert found["attention"]["n"] == 1
    assert found["attention"]["median_mass"] == 0.5
    assert sum(found["two_by_two"].values()) == 1
    assert found["regions"] == {
        "sources": {"pseudo:grabcut": 2, "annotation": 1},
        "aggregated": ["annotation"],
    }
    table = summary.class_table(both, triage.flag(both), ("plane", "car"))
    assert table["n_scored"].tolist() == [0, 1]
    alone = _summary(make_images(estimated, estimated))
    assert alone["attention"]["n"] == 2
    assert alone["regions"]["aggregated"] == ["pseudo:grabcut"]


def test_what_maps_say_without_regions(make_images):
    two_maps = {"pred_class": 2, "cam_agreement": 0.3, "true_border_mass": 0.6}
    found = _summary(make_images({}, {}, two_maps))["maps"]
    assert found == {
        "median_entropy": pytest.approx(0.8),
        "median_border_mass": pytest.approx(0.3),
        "n": 3,
        "median_agreement": pytest.approx(0.3),  # an image with one map agrees with itself
        "agreement_n": 1,
    }


def test_class_table_by_hand(make_images):
    other = {"true_class": 2, "true_label": "bus", "pred_class": 2, "pred_label": "bus"}
    lorry = WRONG | {"pred_class": 5, "pred_label": "lorry"}
    images = make_images({}, OFF, WRONG, WRONG, lorry, other)
    table = summary.class_table(images, triage.flag(images), ("plane", "car", "bus"))
    plane, car, bus = (table.iloc[i] for i in range(3))
    assert (plane["n"], plane["n_scored"]) == (0, 0)
    assert pd.isna(plane["accuracy"])
    assert pd.isna(plane["median_mass"])
    assert (car["n"], car["n_correct"], car["accuracy"]) == (5, 2, 0.4)
    assert car["off_object_rate"] == pytest.approx(0.2)
    assert (car["worst_confusion"], car["worst_confusion_n"]) == ("bus", 2)
    assert bus["accuracy"] == 1
    assert pd.isna(bus["worst_confusion"])
    assert set(table["verdict"]) == {"not_tested"}


def test_pairs_count_every_answer_most_frequent_first(make_images):
    pairs = summary.pair_table(make_images({}, WRONG, {}, "unreadable"))
    assert pairs[["true_label", "pred_label", "n"]].to_numpy().tolist() == [
        ["car", "car", 2],
        ["car", "bus", 1],
    ]


def test_problems_name_their_first_examples(make_images):
    copies = {"sample_id": "00#2", "path": None}
    images = make_images({}, "unreadable", copies, {"status_detail": "first of 3 frames"})
    found = {one["kind"]: one for one in summary.problems(images)}
    assert set(found) == {"unreadable", "duplicate", "note"}
    assert found["unreadable"]["examples"] == ["a.jpg: truncated"]
    assert found["duplicate"]["examples"] == ["index 2"]
    assert found["note"]["count"] == 1


def test_notes_are_counted_by_what_they_say(make_images):
    notes = ["mask of 3×4", "turned", "mask of 5×6", "mask of 3×4"]
    rows = [{"path": f"{i}.jpg", "status_detail": note} for i, note in enumerate(notes)]
    (found,) = summary.problems(make_images(*rows))
    assert found["count"] == 4
    assert found["examples"] == ["3 × 0.jpg: mask of 3×4", "1.jpg: turned"]
