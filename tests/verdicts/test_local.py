import math

import pandas as pd
import pytest

from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.local import per_image


def _one(table, fill="blur"):
    found = per_image(table.frame(), fill, Cutoffs())
    assert len(found) == 1
    return found.iloc[0]


def test_a_drop_beyond_every_control_holds(table):
    # median of 0, .1, .1, .3 is .1; .5 - .1 = .4 >= .2 and .5 > .3
    row = _one(table.s1(7, 0.5, (0.0, 0.1, 0.1, 0.3)))
    assert (row["index"], row["state"], row["attempt"]) == (7, "tested", 1)
    assert row["drop"] == pytest.approx(0.5)
    assert row["control_median"] == pytest.approx(0.1)
    assert row["control_max"] == pytest.approx(0.3)
    assert row["difference_1"] == pytest.approx(0.4)
    assert math.isnan(row["difference_2"])
    assert row["holds"]


def test_a_drop_that_a_control_reaches_does_not_hold(table):
    assert not _one(table.s1(7, 0.5, (0.0, 0.0, 0.0, 0.5)))["holds"]


def test_a_difference_under_the_cutoff_does_not_hold(table):
    assert not _one(table.s1(7, 0.19))["holds"]


def test_two_tries_are_held_against_the_controls_of_both(table):
    # the small patch's .5 beats its own controls, not the larger patch's .75
    table.s1(7, 0.5, attempt=1).s1(7, 0.25, (0.0, 0.0, 0.25, 0.75), attempt=2)
    row = _one(table)
    assert row["control_max"] == pytest.approx(0.75)
    assert not row["holds"]
    assert row["difference_1"] == pytest.approx(0.5)
    assert row["difference_2"] == pytest.approx(0.25 - 0.125)


def test_the_try_on_which_s1_holds_is_the_best(table):
    table.s1(7, 0.75, attempt=1, on_other_object=True).s1(7, 0.5, attempt=2, x0=40)
    row = _one(table)
    assert row["holds"]
    assert (row["attempt"], row["x0"]) == (2, 40)
    assert math.isnan(row["difference_1"])


def test_a_patch_on_another_object_matters_but_is_not_spurious(table):
    row = _one(table.s1(7, 0.75, on_other_object=True).s2(7, [(0.5, 0.0)]))
    assert (row["matters"], row["on_other_object"], row["holds"]) == (True, True, False)
    assert math.isnan(row["difference_1"])
    assert math.isnan(row["gain_1"])
    assert row["hosts_1"] == 0


def test_nothing_outside_is_a_difference_of_zero(table):
    table.add("S1", "nothing_outside", 7).add("S1", "nothing_outside", 7, attempt=2)
    row = _one(table)
    assert (row["state"], row["holds"]) == ("nothing_outside", False)
    names = [f"{name}_{attempt}" for name in ("difference", "gain", "null") for attempt in (1, 2)]
    assert (row[names] == 0).all()


def test_without_room_for_controls_an_image_is_untestable(table):
    row = _one(table.add("S1", "untestable", 7).add("S1", "untestable", 7, attempt=2))
    assert (row["state"], row["holds"]) == ("untestable", False)
    assert math.isnan(row["difference_1"])


def test_one_testable_try_is_enough(table):
    row = _one(table.s1(7, 0.5).add("S1", "untestable", 7, attempt=2))
    assert (row["state"], row["holds"]) == ("tested", True)


def test_only_the_asked_fill_counts(table):
    table.s1(7, 0.5).s1(7, 0.1, fill="inpaint")
    assert _one(table)["holds"]
    assert not _one(table, "inpaint")["holds"]
    assert _one(table, "mean")["state"] == "untestable"


def test_probabilities_that_are_not_finite_say_nothing(table):
    row = _one(table.s1(7, float("nan")))
    assert (row["state"], row["holds"]) == ("untestable", False)


def test_pastes_are_compared_host_by_host(table):
    # (.5 - .1 + .3 - .3) / 2 = .2; a host without a control is left out
    table.s1(7, 0.5).s2(7, [(0.5, 0.1), (0.3, 0.3)], turned=1)
    table.add("S2", "paste", 7, other_index=990, p_before=0.0, p_after=1.0, pred_after=0)
    row = _one(table)
    assert row["gain_1"] == pytest.approx(0.2)
    assert (row["hosts_1"], row["turned_1"]) == (2, 1)
    assert (row["hosts_2"], row["turned_2"]) == (0, 0)


def test_the_null_patch_is_compared_with_the_same_controls(table):
    table.s1(7, 0.5, (0.1,) * 4)
    table.add("S1-null", "cover", 7, fill="blur", p_before=1.0, p_after=0.75, other_index=8)
    assert _one(table)["null_1"] == pytest.approx(0.25 - 0.1)


def test_no_rows_give_no_images(table):
    assert per_image(table.frame(), "blur", Cutoffs()).empty


def test_images_come_by_rising_index(table):
    found = per_image(table.s1(9, 0.5).s1(2, 0.1, role="suspect").frame(), "blur", Cutoffs())
    expected = pd.Series({2: "suspect", 9: "sample"})
    assert found.set_index("index")["role"].to_dict() == expected.to_dict()
