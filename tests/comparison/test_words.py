"""Differences carry their sign, and never a rounded zero."""

import pytest

from audit.comparison.words import p_value, points, points_interval, ratio, ratio_interval


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0425, "+4.3"),
        (-0.0425, "−4.3"),
        (0.787 - 0.9735, "−18.7"),  # 78.7 less 97.35, which reads 97.4
        (0.0, "0.0"),
        (0.0002, "<+0.1"),
        (-0.0002, ">−0.1"),
        (1.0, "+100.0"),
        (None, "not available"),
    ],
)
def test_points(value, said):
    assert points(value) == said


def test_intervals_and_ratios():
    assert points_interval(-0.021, 0.004) == "−2.1 to +0.4"
    assert points_interval(0.0, 0.0002) == "0.0 to 0.0"
    assert points_interval(None, 0.1) == "not available"
    assert ratio(-0.234) == "−0.23"
    assert ratio_interval(-0.25, 0.5) == "−0.25 to +0.50"


def test_a_small_p_has_a_bound():
    assert p_value(0.0004) == "p < 0.001"
    assert p_value(0.0116) == "p = 0.012"
    assert p_value(None) == "not available"
