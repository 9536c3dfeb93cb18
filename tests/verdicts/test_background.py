import pytest

from audit.verdicts.background import background_evidence, swap_differences
from audit.verdicts.cutoffs import Cutoffs

FEW = Cutoffs(min_images=2)


def _swapped(table, n=3, kept=True):
    for index in range(n):
        table.swap("necessity", index, 0.9, 0.4, kept=kept)
        table.swap("sufficiency", 100 + index, 0.6, 0.2)
    return table


def _evidence(table, cutoffs=FEW):
    return background_evidence(table.frame(), cutoffs)


def test_differences_are_paired_over_objects(table):
    # object 1: (.9 + .7)/2 - .2 = .6; object 2 has no other background
    table.swap("necessity", 1, 0.9, 0.2).add("B-necessity", "same", 1, p_after=0.7)
    table.add("B-necessity", "same", 2, p_after=0.7)
    found = swap_differences(table.frame(), "B-necessity")
    assert found["index"].tolist() == [1]
    assert found["difference"].tolist() == pytest.approx([0.6])


def test_an_object_counts_once_for_each_watched_class(table):
    table.swap("sufficiency", 1, 0.9, 0.2).swap("sufficiency", 1, 0.5, 0.4, watched_class=1)
    found = swap_differences(table.frame(), "B-sufficiency")
    assert found["watched_class"].tolist() == [0, 1]
    assert found["difference"].tolist() == pytest.approx([0.7, 0.1])


def test_suspects_bias_no_class_test(table):
    table.swap("necessity", 1, 0.9, 0.2, role="suspect")
    assert swap_differences(table.frame(), "B-necessity").empty


def test_evidence_takes_the_larger_p(table):
    # five positive objects: 1/32; four of them in sufficiency: 1/16
    _swapped(table, 4).swap("necessity", 50, 0.9, 0.3)
    found = _evidence(table)
    assert found["background_state"] == "tested"
    assert found["necessity_p"] == pytest.approx(1 / 32, abs=0.01)
    assert found["background_p"] == found["sufficiency_p"] > found["necessity_p"]
    assert found["necessity_effect"] == pytest.approx((4 * 0.5 + 0.6) / 5)
    assert found["sufficiency_effect"] == pytest.approx(0.4)
    assert found["background_check"] == 1.0


def test_swaps_that_disturb_the_model_say_nothing(table):
    found = _evidence(_swapped(table, kept=False))
    assert found["background_check"] == 0.0
    assert found["background_state"] == "check_failed"
    assert found["background_p"] is None


def test_half_of_the_swaps_kept_is_enough(table):
    _swapped(_swapped(table, 2), 2, kept=False)
    found = _evidence(table)
    assert found["background_check"] == 0.5
    assert found["background_state"] == "tested"


def test_objects_that_cannot_be_lifted_are_named(table):
    _swapped(table, 1).add("B-necessity", "untestable", 8).add("B-necessity", "untestable", 9)
    assert _evidence(table)["background_state"] == "no_usable_regions"


def test_too_few_objects(table):
    found = _evidence(_swapped(table, 1))
    assert (found["background_state"], found["background_p"]) == ("too_few_objects", None)
    assert found["necessity_n"] == 1


def test_without_swaps_nothing_is_said(table):
    found = _evidence(table)
    assert found["background_state"] is None
    assert found["background_check"] is None
    assert found["necessity_effect"] is None
