import pytest

from audit.gates.judge import judge
from audit.gates.measures import Pairs, Plain, Recorded, Share
from audit.gates.policy import Gate

RATE = Recorded("x", 0.5, 0.4, 0.6)


def _judged(measure, side, limit, prove="kept", **more):
    return judge(Gate("x", side, limit, prove=prove, **more), measure, 0.95, "")


@pytest.mark.parametrize(
    ("side", "limit", "kept", "not_broken"),
    [
        ("min", 0.35, True, True),
        ("min", 0.4, True, True),  # the bound itself keeps to it
        ("min", 0.45, False, True),  # between the lower bound and the value
        ("min", 0.55, False, True),  # between the value and the upper bound
        ("min", 0.65, False, False),
        ("max", 0.65, True, True),
        ("max", 0.6, True, True),
        ("max", 0.55, False, True),
        ("max", 0.45, False, True),
        ("max", 0.35, False, False),
    ],
)
def test_keeping_is_shown_by_the_bad_bound_and_breaking_by_the_good_one(
    side, limit, kept, not_broken
):
    assert _judged(RATE, side, limit).passed is kept
    assert _judged(RATE, side, limit, "broken").passed is not_broken


@pytest.mark.parametrize(
    ("limit", "prove", "said"),
    [
        (0.3, "kept", "shown to be at least 0.3"),
        (0.45, "kept", "not shown to be at least 0.45, since its lower bound is 0.4"),
        (0.55, "kept", "below the limit of 0.55"),
        (0.45, "broken", "at least 0.45"),
        (0.55, "broken", "not shown to be below the limit of 0.55"),
        (0.65, "broken", "shown to be below the limit of 0.65"),
    ],
)
def test_the_sentence_says_no_more_than_was_shown(limit, prove, said):
    assert _judged(RATE, "min", limit, prove).said == f"is 0.5 (95% interval 0.4 to 0.6): {said}"


def test_a_figure_without_interval_is_tested_itself():
    assert _judged(Plain(0), "max", 0).passed
    found = _judged(Plain(3), "max", 0)
    assert not found.passed
    assert found.level is None
    assert found.said == "is 3: above the limit of 0"
    assert found.margin == -3


def test_a_sum_of_floats_is_not_failed_by_its_last_digit():
    assert _judged(Plain(0.1 + 0.2), "max", 0.3).passed


def test_a_share_says_its_counts():
    # 187 of 200, z = 1.96: (187 + 1.9207 ± 1.96·√(187·13/200 + .9604)) / 203.8415 = .8920, .9616
    said = _judged(Share(187, 200), "min", 0.95).said
    assert said == ("is 0.935 (187 of 200; 95% interval 0.892 to 0.9616): below the limit of 0.95")


def test_a_change_has_its_sign():
    said = _judged(Pairs(400, 12, 29), "min", 0, change=True).said
    assert said.startswith("changed by +0.0425 (95% interval +0.01059 to +0.07399): shown to be")
    said = _judged(Pairs(400, 12, 29), "min", 0.03, change=True).said
    assert said.endswith("not shown to be at least 0.03, since its lower bound is +0.01059")


def test_what_does_not_exist_is_not_passed_and_says_why():
    gate = Gate("x", "max", 0)
    found = judge(gate, Plain(None), 0.95, "nothing was tested")
    assert not found.passed
    assert found.said == "has no value: nothing was tested; that is not passed"
    bare = judge(gate, Recorded("x", 0.5, None, None), 0.95, "")
    assert not bare.passed
    assert bare.said == "has no interval; that is not passed"
