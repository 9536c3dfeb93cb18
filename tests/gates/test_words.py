import math

import pytest

from audit.gates.measures import Bounds
from audit.gates.words import between, label, number, percent, plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.9775, "0.9775"),
        (0.0, "0"),
        (-0.0, "0"),
        (1200.0, "1,200"),
        (-0.01, "−0.01"),
        (2 / 3, "0.6667"),
        (0.99999, "0.99999"),  # never rounded onto 1
        (0.1 + 0.2, "0.3"),
        (999_999_999_999_999.0, "999,999,999,999,999"),
        (1e15, "1e+15"),
        (-1.5e308, "−1.5e+308"),
        (math.inf, "inf"),  # an open end
    ],
)
def test_numbers_are_short_and_never_become_whole_ones(value, shown):
    assert number(value) == shown


def test_a_change_above_0_has_its_plus():
    assert [number(one, signed=True) for one in (0.5, 0, -0.5)] == ["+0.5", "0", "−0.5"]
    assert between(Bounds(-0.01, 0.02), signed=True) == "−0.01 to +0.02"
    assert between(Bounds(0.01, 0.02)) == "0.01 to 0.02"


def test_a_bound_is_told_apart_from_the_limit_that_it_misses():
    assert number(0.949996, unlike=0.95) == "0.949996"


def test_names_are_one_visible_line(hostile):
    shown = label(hostile)
    assert shown.isprintable() or "\ufffe" in shown
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_nothing_is_left_that_xml_forbids():
    assert plain("a\ufffe\uffff\ud800\x00b", 99) == "a\ufffd\ufffd?␀b"


@pytest.mark.parametrize(
    ("level", "shown"),
    [(0.95, "95%"), (1 - 0.05 / 3, "98.33%"), (1 - 0.05 / 1000, "99.995%")],
)
def test_a_level_is_never_rounded_to_certainty(level, shown):
    assert percent(level) == shown
