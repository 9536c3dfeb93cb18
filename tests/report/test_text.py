"""Figures and names as they are printed."""

import pytest

from audit.report.text import (
    NOT_AVAILABLE,
    clean,
    count,
    effect,
    interval,
    percent,
    probability,
    share,
    times,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.0%"),
        (1.0, "100.0%"),
        (0.9053, "90.5%"),
        (0.0004, "<0.1%"),
        (0.9996, ">99.9%"),
        (None, NOT_AVAILABLE),
    ],
)
def test_percent_never_rounds_to_an_end_that_was_not_reached(value, shown):
    assert percent(value) == shown


def test_percent_without_decimals():
    assert percent(0.523, 0) == "52%"
    assert percent(0.997, 0) == ">99%"
    assert percent(0.003, 0) == "<1%"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.500"), (0.0001, "<0.001"), (0.99996, ">0.999"), (1.0, "1.000"), (0.0, "0.000")],
)
def test_probability(value, shown):
    assert probability(value) == shown


def test_nulls_are_words_and_never_zeros():
    assert {count(None), times(None), probability(None), clean(None)} == {NOT_AVAILABLE}
    assert {interval(None, 0.5), interval(0.5, None), share(None, 3)} == {NOT_AVAILABLE}


def test_a_share_of_nothing_is_not_available():
    assert share(0, 0) == NOT_AVAILABLE
    assert share(0, 4) == "0.0%"
    assert share(1, 4) == "25.0%"


def test_counts_and_lifts():
    assert count(1234567) == "1,234,567"
    assert times(2.613) == "2.61×"
    assert interval(0.8986, 0.9116) == "89.9–91.2%"


def test_clean_makes_control_characters_visible():
    assert clean("a\nb\x00\x7f\x9b") == "a␊b␀␡\N{REPLACEMENT CHARACTER}"


def test_clean_drops_what_turns_the_reading_direction():
    assert clean("photo\u202egpj.exe") == "photogpj.exe"


def test_clean_survives_a_lone_surrogate():
    assert clean("caf\udce9") == "caf?"


def test_clean_keeps_both_ends_of_a_long_name():
    shown = clean("a" * 100 + "z" * 100, 11)
    assert shown == "aaaaa…zzzzz"
    assert len(shown) == 11


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.254, "0.25"), (-0.014, "−0.01"), (-0.004, "0.00"), (1.0, "1.00"), (None, NOT_AVAILABLE)],
)
def test_effects_have_a_true_minus_and_no_negative_zero(value, shown):
    assert effect(value) == shown
