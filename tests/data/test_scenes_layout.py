from itertools import combinations

import numpy as np
import pytest

from audit.data.decoy.outlines import OUTLINES
from audit.data.scenes.layout import FROM_MIDDLE, place_objects
from audit.data.scenes.objects import SceneObject, draw_objects


def _boxes(objects, poses):
    """n×4: x0, y0, x1, y1 of the outlines, in pixels."""
    placed = [
        OUTLINES[one.shape][0] @ pose.matrix.T + pose.centre
        for one, pose in zip(objects, poses, strict=True)
    ]
    return np.array([[*points.min(axis=0), *points.max(axis=0)] for points in placed])


def test_objects_are_whole_apart_and_on_their_sides():
    rng = np.random.default_rng(0)
    for _ in range(60):
        objects = draw_objects(rng, (2, 4), None)
        boxes = _boxes(objects, place_objects(rng, objects, 100))
        assert boxes.min() >= 3 - 1e-9
        assert boxes.max() <= 97 + 1e-9
        for one, box in zip(objects, boxes, strict=True):
            centre = (box[0] + box[2]) / 2
            assert (centre < 50) == (one.side == "left")
            assert abs(centre - 50) >= 100 * FROM_MIDDLE - 1e-9
        for a, b in combinations(boxes, 2):
            assert (a[:2] > b[2:]).any() or (b[:2] > a[2:]).any()
            assert abs(a[0] + a[2] - b[0] - b[2]) / 2 > 6


@pytest.mark.parametrize("shape", ["ball", "cross", "fish", "heart", "moon", "star"])
def test_four_of_the_widest_find_room(shape):
    objects = [SceneObject(shape, "red", "plain", side) for side in ("left", "right") * 2]
    boxes = _boxes(objects, place_objects(np.random.default_rng(1), objects, 96))
    assert (boxes[:, 2:] - boxes[:, :2]).max() <= 0.42 * 96 + 1e-9
