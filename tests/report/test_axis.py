"""Places on an axis."""

import pytest

from audit.report.axis import at, strip


@pytest.mark.parametrize(
    ("value", "place"),
    [(0.5, "50.00%"), (-0.2, "0.00%"), (1.5, "100.00%"), (0.12345, "12.35%"), (None, None)],
)
def test_a_place_stays_on_the_axis(value, place):
    assert at(value) == place


def test_a_strip_needs_all_three():
    assert strip(0.25, 0.75, 0.5) == {"low": "25.00%", "high": "75.00%", "dot": "50.00%"}
    assert strip(None, 0.75, 0.5) is None
