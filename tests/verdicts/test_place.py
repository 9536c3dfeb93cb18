import numpy as np
import pytest

from audit.verdicts.place import place

VIEW = (90, 120)  # height, width: thirds at 30, 60 and at 40, 80


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((100, 70, 120, 90), "at the bottom right"),
        ((0, 0, 20, 20), "at the top left"),
        ((50, 0, 70, 10), "at the top centre"),
        ((0, 40, 10, 50), "at the middle left"),
        ((50, 40, 70, 50), "in the centre"),
        ((120, 90, 120, 90), "at the bottom right"),
    ],
)
def test_the_third_of_the_view_that_holds_the_centre(box, words):
    assert place(np.array([box], dtype=float), VIEW) == words


def test_scattered_boxes_have_no_place():
    corners = np.array([[0, 0, 10, 10], [110, 0, 120, 10], [0, 80, 10, 90], [110, 80, 120, 90]])
    assert place(corners.astype(float), VIEW) == "at changing places"


def test_a_little_scatter_keeps_the_place():
    # centres at x = 100 and 116 of 120: ± .067 of the width
    boxes = np.array([[96, 70, 104, 90], [112, 70, 120, 90]], dtype=float)
    assert place(boxes, VIEW) == "at the bottom right"
