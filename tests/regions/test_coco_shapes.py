"""4 rows and 3 columns. Runs down the columns, outside first: 1, 2, 3, 4, 2, which are 12 pixels:
column 0 is 0 1 1 0, column 1 is 0 0 1 1, column 2 is 1 1 0 0.
"""

import numpy as np
import pytest

from audit.regions import coco_shapes as module
from audit.regions.coco_shapes import Polygons, Runs, Unusable, shape_of

COUNTS = [1, 2, 3, 4, 2]
MASK = [[0, 0, 1], [1, 0, 1], [1, 1, 0], [0, 1, 0]]
TRIANGLE = [0, 0, 8, 0, 0, 6]


@pytest.mark.parametrize("nothing", [None, []])
def test_nothing_is_no_shape(nothing):
    assert shape_of(nothing, (4, 3)) is None


def test_runs_are_drawn_at_their_own_size_alone():
    shape = shape_of({"size": [4, 3], "counts": COUNTS}, None)
    assert isinstance(shape, Runs)
    assert shape.area() == 6  # 2 + 4
    assert shape.drawn((4, 3)).astype(int).tolist() == MASK
    with pytest.raises(Unusable) as caught:
        shape.drawn((3, 4))
    assert (caught.value.rule, caught.value.found) == (
        "an RLE of another size than the image's",
        "[4, 3]",
    )


def test_a_size_is_compared_where_it_is_known_before_the_runs_are_read():
    with pytest.raises(Unusable, match="size \\(height, width\\) not the image's"):
        shape_of({"size": [4, 3], "counts": "no run at all"}, (3, 4))


def test_polygons_have_the_areas_of_their_outlines():
    """Half of 8·6 = 24, and a square of 2·2 that lies in it and counts again."""
    shape = shape_of([TRIANGLE, [1, 1, 3, 1, 3, 3, 1, 3]], None)
    assert isinstance(shape, Polygons)
    assert shape.area() == 28
    assert shape_of([[0, 0, 1e308, 0, 0, 1e308]], None).area() == np.inf


def test_a_polygon_is_drawn_within_the_image():
    drawn = shape_of([[1, 1, 90, 1, 90, 3, 1, 3]], None).drawn((50, 60))
    assert drawn.shape == (50, 60)
    assert drawn[1:3, 1:].all()
    assert drawn.sum() == 2 * 59


def test_a_polygon_between_pixel_centres_is_empty():
    assert not shape_of([[1.1, 1.1, 1.2, 1.1, 1.2, 1.2]], None).drawn((4, 4)).any()


def test_long_outlines_are_not_drawn(monkeypatch):
    """The longer of the two steps counts: 8, 8 and 6 pixels round the triangle."""
    shape = shape_of([TRIANGLE], None)
    monkeypatch.setattr(module, "_LONGEST_OUTLINE", 22)
    assert shape.drawn((8, 8)).any()
    monkeypatch.setattr(module, "_LONGEST_OUTLINE", 21)
    with pytest.raises(Unusable, match="an outline of more than 21 pixels"):
        shape.drawn((8, 8))


def test_what_was_found_is_shown_short():
    with pytest.raises(Unusable) as caught:
        shape_of("x" * 10_000, None)
    assert caught.value.rule == "neither polygons nor an RLE"
    assert len(caught.value.found) < 50
