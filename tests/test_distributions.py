"""Histograms and calibration, counted by hand."""

import pytest

from audit.distributions import BINS, distributions

WRONG = {"correct": False, "pred_class": 2, "pred_label": "bus"}


def test_heat_is_counted_in_bins_for_right_and_wrong(make_images):
    images = make_images(
        {"pred_relevance_mass_accuracy": 0.02},
        {"pred_relevance_mass_accuracy": 1.0},
        {"pred_relevance_mass_accuracy": 0.12},
        WRONG | {"pred_relevance_mass_accuracy": 0.51},
        WRONG | {"pred_relevance_mass_accuracy": None},
    )
    mass = distributions(images)["mass"]
    # bins of 0.05: 0.02 is in the first, 0.12 in the third, 1 in the last; 0.51 in the eleventh
    assert [at for at, n in enumerate(mass["right"]["counts"]) if n] == [0, 2, BINS - 1]
    assert [at for at, n in enumerate(mass["wrong"]["counts"]) if n] == [10]
    assert (mass["right"]["n"], mass["wrong"]["n"], mass["area"]["n"]) == (3, 1, 4)
    assert mass["right"]["median"] == pytest.approx(0.12)


def test_calibration_weighs_each_bins_gap(make_images):
    images = make_images(
        *[{"pred_probability": 0.9}] * 3,
        WRONG | {"pred_probability": 0.9},
        WRONG | {"pred_probability": 0.5},
        "unreadable",
    )
    found = distributions(images)["reliability"]
    # 0.9 · 15 = 13.5: bin 13, right in 3 of 4, gap .15; 0.5 · 15 = 7.5: bin 7, in 0 of 1, gap .5
    assert found["ece"] == pytest.approx((4 * 0.15 + 1 * 0.5) / 5)
    assert found["n"] == 5
    full = {at: one["n"] for at, one in enumerate(found["bins"]) if one["n"]}
    assert full == {7: 1, 13: 4}
    assert found["bins"][13]["accuracy"] == 0.75
    assert found["bins"][0]["accuracy"] is None


def test_without_labels_there_is_neither(make_images):
    assert distributions(make_images({"correct": None, "true_class": None})) == {
        "mass": None,
        "reliability": None,
    }


def test_the_size_does_not_follow_the_images(make_images):
    few, many = (distributions(make_images(*[{}] * n)) for n in (3, 300))
    assert len(str(many)) < len(str(few)) + 200
