import pytest

from audit.sanity.estimate import Estimate
from audit.sanity.record import Stage, depends


def _stages(*bounds):
    return [Stage("m", 1, 0, None if b is None else Estimate(0.0, *b, 9), None) for b in bounds]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([(-0.1, 0.2), (0.0, 0.1)], True),
        ([(0.4, 0.9), (0.0, 0.1)], True),  # not surely above .5
        ([(0.6, 0.9), (0.0, 0.1)], False),  # the head does not matter
        ([(0.0, 0.1), (0.6, 0.9)], False),  # the weights below it do not
        ([(0.0, 0.1), (0.6, 0.9), (0.0, 0.1)], True),  # stages between are shown, not judged
        ([None, (0.6, 0.9)], False),
        ([None, None], None),
        ([(None, None)], None),
        ([], None),
    ],
)
def test_the_first_and_the_last_stage_are_judged(bounds, expected):
    assert depends(_stages(*bounds)) is expected
