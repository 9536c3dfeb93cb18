import pytest

from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.local import per_image
from audit.verdicts.local_class import local_evidence

FEW = Cutoffs(min_images=5)
DROPS = (0.31, 0.32, 0.33, 0.34, 0.35)


def _evidence(table, cutoffs=FEW):
    return local_evidence(per_image(table.frame(), "blur", cutoffs), (90, 90), cutoffs)


def _cue(table, drops=DROPS, **more):
    for index, drop in enumerate(drops):
        table.s1(index, drop, **more).s2(index, [(drop, 0.0), (drop, 0.0)], turned=1, **more)
    return table


def test_p_is_doubled_for_the_two_tries(table):
    found = _evidence(_cue(table))
    assert found["local_state"] == "tested"
    assert found["s1_p"] == found["s2_p"] == found["local_p"] == 2 / 32
    assert found["s1_effect"] == pytest.approx(0.33)
    assert found["s2_effect"] == pytest.approx(0.33)
    assert found["s2_turned"] == 0.5


def test_the_tries_of_s1_and_s2_are_chosen_apart(table):
    # try 1 drops and does not carry over, try 2 the reverse
    for index, drop in enumerate(DROPS):
        table.s1(index, drop, attempt=1).s2(index, [(0.0, drop)], attempt=1)
        table.s1(index, 0.0, (drop,) * 4, attempt=2).s2(index, [(drop, 0.0)], attempt=2)
    found = _evidence(table)
    assert (found["s1_attempt"], found["s2_attempt"]) == (1, 2)
    assert found["s1_p"] == found["s2_p"] == 2 / 32


def test_the_larger_of_both_tests_p_counts(table):
    for index, drop in enumerate(DROPS):
        table.s1(index, drop).s2(index, [(0.0, 0.0)])
    found = _evidence(table)
    assert (found["s1_p"], found["s2_p"], found["local_p"]) == (2 / 32, 1.0, 1.0)


def test_images_with_nothing_outside_are_tested_zeros(table):
    for index in range(5):
        table.add("S1", "nothing_outside", index)
    found = _evidence(table)
    assert (found["local_state"], found["local_p"], found["s1_n"]) == ("tested", 1.0, 5)
    assert (found["s1_rate"], found["cue_place"]) == (0.0, None)


def test_the_rate_counts_holding_images_among_the_tested(table):
    # 1 of 4 tested: the one on another object and the untestable one are not among them
    table.s1(0, 0.5).s1(1, 0.1).s1(2, 0.0).add("S1", "nothing_outside", 3)
    table.s1(4, 0.9, on_other_object=True).add("S1", "untestable", 5)
    found = _evidence(table)
    assert (found["s1_holds"], found["s1_tested"], found["s1_rate"]) == (1, 4, 0.25)
    assert found["s1_untestable"] == 1
    # 1 - L solves (1 - L)^4 = .95: at least one of four
    assert found["s1_rate_low"] == pytest.approx(1 - 0.95 ** (1 / 4))


def test_suspects_are_left_out(table):
    found = _evidence(_cue(table).s1(50, 0.9, role="suspect"))
    assert (found["s1_n"], found["s1_holds"]) == (5, 5)


def test_the_cue_is_told_from_the_images_on_which_s1_holds(table):
    _cue(table, x0=80, y0=80, x1=90, y1=90).s1(60, 0.0, (0.5,) * 4, x0=0, y0=0, x1=9, y1=9)
    found = _evidence(table)
    assert found["cue_place"] == "at the bottom right"
    assert found["s1_drop"] == pytest.approx(0.33)
    assert found["s1_control_drop"] == 0.0


def test_the_null_has_an_effect_and_a_p_of_its_own(table):
    _cue(table)
    for index in range(5):
        table.add("S1-null", "cover", index, fill="blur", p_before=1.0, p_after=1.0)
    found = _evidence(table)
    assert (found["s1_null_effect"], found["s1_null_p"]) == (0.0, 1.0)


def test_too_few_images(table):
    found = _evidence(_cue(table, DROPS[:4]))
    assert (found["local_state"], found["local_p"], found["s1_n"]) == ("too_few_images", None, 4)


def test_no_room_for_controls(table):
    _cue(table, DROPS[:4]).add("S1", "untestable", 9)
    assert _evidence(table)["local_state"] == "no_room"


def test_no_hosts_to_paste_into(table):
    for index, drop in enumerate(DROPS):
        table.s1(index, drop)
    found = _evidence(table)
    assert (found["local_state"], found["s2_p"], found["s2_turned"]) == ("no_hosts", None, None)


def test_a_class_without_rows_was_not_tried(table):
    assert _evidence(table)["local_state"] is None
