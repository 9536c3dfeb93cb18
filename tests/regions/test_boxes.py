import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.regions.boxes import clip, outside, union_area


def test_clip_cuts_and_drops():
    boxes = np.array([[-5, 2, 4, 6], [8, 8, 20, 20], [12, 0, 15, 3]])
    assert clip(boxes, (0, 0, 10, 10)).tolist() == [[0, 2, 4, 6], [8, 8, 10, 10]]


def test_a_box_that_only_touches_the_image_lies_outside():
    assert outside((10, 0, 12, 4), (8, 10))  # 8 rows, 10 columns: x from 0 to 10
    assert outside((0, -3, 4, 0), (8, 10))
    assert not outside((9.9, 7.9, 12, 12), (8, 10))
    assert not outside((10, 0, 12, 4), None)


@pytest.mark.parametrize(
    ("boxes", "area"),
    [
        ([], 0),
        ([[0, 0, 2, 3]], 6),
        ([[0, 0, 2, 2], [1, 1, 3, 3]], 7),
        ([[0, 0, 4, 4], [1, 1, 2, 2]], 16),
        ([[0, 0, 1, 4], [1, 0, 2, 4], [5, 0, 6, 1]], 9),
        ([[0.5, 0.5, 1.5, 1.0], [0.5, 0.5, 1.5, 1.0]], 0.5),
    ],
)
def test_union_area_by_hand(boxes, area):
    assert union_area(np.array(boxes, dtype=float).reshape(-1, 4)) == area


corner = st.integers(0, 12)


@given(st.lists(st.tuples(corner, corner, corner, corner), max_size=6))
def test_union_area_equals_counted_pixels(corners):
    boxes = clip(np.array(corners, dtype=float).reshape(-1, 4), (0, 0, 12, 12))
    raster = np.zeros((12, 12), dtype=bool)
    for x0, y0, x1, y1 in boxes.astype(int):
        raster[y0:y1, x0:x1] = True
    assert union_area(boxes) == raster.sum()
