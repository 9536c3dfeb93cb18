"""Class by class: flips, heat, Holm's correction, and what became of the verdicts."""

import numpy as np
import pytest

from audit.comparison.classes import class_table, verdict_change
from audit.comparison.joined import joined
from audit.comparison.sides import read_side


@pytest.mark.parametrize(
    ("base", "candidate", "change"),
    [
        ("clean", "spurious", "newly_spurious"),
        ("spurious", "spurious", "still_spurious"),
        ("not_tested", "spurious", "spurious_untested_before"),
        ("not_enough_images", "spurious", "spurious_untested_before"),
        (None, "spurious", "spurious_untested_before"),
        ("spurious", "clean", "cured"),
        ("spurious", "not_tested", "untested_now"),
        ("clean", "clean", None),
        ("clean", "not_tested", None),
    ],
)
def test_only_tested_classes_are_new_or_cured(base, candidate, change):
    assert verdict_change(base, candidate) == change


def test_the_table_by_hand(base, candidate):
    old, new = read_side(base), read_side(candidate)
    table = class_table(joined(old, new), old, new, np.random.default_rng(0))
    cat, dog, other = table.to_dict("records")
    # cat: a and b, b lost; dog: c, d and e, c won
    assert (cat["n"], cat["negative_flips"], cat["positive_flips"]) == (2, 1, 0)
    assert (cat["base_accuracy"], cat["candidate_accuracy"]) == (1, 0.5)
    assert cat["delta_accuracy"] == -0.5
    assert (dog["n"], dog["negative_flips"], dog["positive_flips"]) == (3, 0, 1)
    # one flip alone: exact p 1, mid-p ½
    assert (cat["mcnemar_p"], cat["mcnemar_holm_p"]) == (1, 1)
    assert cat["mcnemar_mid_p"] == pytest.approx(0.5)
    # heat: a 0, b −.1, mean −.05; c +.2, d 0, e −.4, mean −.2/3
    assert cat["delta_mass"] == pytest.approx(-0.05)
    assert dog["delta_mass"] == pytest.approx(-0.2 / 3)
    # flipping −.1 alone: p 1; +.2 and −.4: |sum| .2 is reached by all four patterns
    assert (cat["delta_mass_p"], dog["delta_mass_p"]) == (1, 1)
    assert (cat["attention_moved"], dog["attention_moved"]) == (0, 1)
    assert [row["verdict_change"] for row in (cat, dog, other)] == [
        "newly_spurious",
        "cured",
        "spurious_untested_before",
    ]
    assert other["n"] == 0
    assert np.isnan(other["delta_accuracy"])
    assert np.isnan(other["mcnemar_holm_p"])
