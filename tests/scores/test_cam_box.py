import numpy as np
import pytest
import torch
from scipy import ndimage

from audit.scores import cam_box
from audit.scores.cam_box import box_ious
from audit.scores.grid import upsample


def cam_boxes(heat):
    """On pixels of one size, which is the unit."""
    return cam_box.cam_boxes(heat, np.arange(heat.shape[1] + 1), np.arange(heat.shape[2] + 1))


def test_the_box_goes_round_the_largest_segment():
    heat = np.zeros((8, 8), dtype=np.float32)
    heat[1:3, 1:3] = 1.0  # 4 pixels, the hottest
    heat[4:7, 3:8] = 0.2  # 15 pixels, above .15
    heat[0, 7] = 0.14  # below the threshold
    assert cam_boxes(heat[None]).tolist() == [[3, 4, 8, 7]]


def test_segments_touch_at_corners():
    heat = np.eye(5, dtype=np.float32)
    assert cam_boxes(heat[None]).tolist() == [[0, 0, 5, 5]]


def test_each_map_has_its_own_segments():
    heat = np.zeros((3, 4, 4), dtype=np.float32)
    heat[0, 2:, 1:] = 1  # reaches the last row,
    heat[1, 0, :3] = 5  # and the next map's first: they do not touch
    heat[1, 3, 1:4] = 5  # as large as the one before it: the first is taken
    heat[2, 1, 1] = 0.1
    assert cam_boxes(heat).tolist() == [[1, 2, 4, 4], [0, 0, 3, 1], [1, 1, 2, 2]]


def test_iou_with_the_best_box_by_hand():
    # the view is the grid itself: the map's box is (2, 2, 6, 6), 16 pixels
    cam = np.zeros((1, 8, 8), dtype=np.float32)
    cam[0, 2:6, 2:6] = 1
    boxes = np.array([[0, 0, 8, 8], [2, 2, 6, 4], [7, 7, 8, 8]], dtype=np.float64)
    # 16 / 64 with the first, 8 / 16 with the second, 0 with the third
    assert box_ious(cam, [boxes], (8, 8)).tolist() == [0.5]


def test_a_large_view_is_read_on_the_raster():
    cam = np.ones((1, 4, 4), dtype=np.float32)  # flat: the box is the whole view
    box = np.array([[0.0, 0.0, 256.0, 128.0]])
    assert box_ious(cam, [box], (256, 256)).tolist() == [0.5]


def test_without_map_or_box_there_is_none():
    cams = np.stack([np.zeros((3, 3)), np.full((3, 3), np.nan), np.ones((3, 3))]).astype(np.float32)
    box = np.array([[0.0, 0.0, 3.0, 3.0]])
    found = box_ious(cams, [box, box, np.empty((0, 4))], (3, 3))
    assert np.isnan(found).all()
    assert box_ious(cams, [box] * 3, (3, 3))[2] == pytest.approx(1)


def test_each_map_is_compared_with_its_own_boxes():
    cams = np.zeros((2, 8, 8), dtype=np.float32)
    cams[0, :4, :4] = cams[1, 4:, 4:] = 1
    first = np.array([[0.0, 0.0, 4.0, 4.0]])
    second = np.array([[0.0, 0.0, 4.0, 4.0], [4.0, 4.0, 8.0, 6.0]])
    assert box_ious(cams, [first, second], (8, 8)).tolist() == [1, 0.5]


@pytest.mark.parametrize("side", [2, 3, 7, 33, 64])
def test_the_boxes_of_random_maps_are_scipys(side):
    rng = np.random.default_rng(side)
    heat = (rng.random((40, side, side)) ** rng.integers(1, 30, (40, 1, 1))).astype(np.float32)
    for map_, box in zip(heat, cam_boxes(heat), strict=True):
        assert box.tolist() in _largest(map_)


def _largest(heat):
    """The boxes that SciPy finds round the largest segments: of equal ones any is right."""
    label, _ = ndimage.label(heat >= 0.15 * heat.max(), structure=np.ones((3, 3)))
    sizes, found = np.bincount(label.ravel())[1:], ndimage.find_objects(label)
    equal = [found[i] for i in np.flatnonzero(sizes == sizes.max())]
    return [[x.start, y.start, x.stop, y.stop] for y, x in equal]


@pytest.mark.parametrize("side", [6, 7])
def test_which_of_equal_segments_is_taken_does_not_depend_on_the_place_in_a_batch(side):
    heat = np.zeros((1, side, side), dtype=np.float32)
    heat[0, 1, 0] = heat[0, 0, 5] = 1
    boxes = cam_boxes(heat.repeat(3, axis=0)).tolist()
    assert boxes == [boxes[0]] * 3
    assert boxes[0] in _largest(heat[0])


def test_a_map_of_a_large_view_has_its_box_in_the_views_pixels():
    # one hot cell of 3×3 falls to 0 at its neighbours' centres: .15 of it lies .85 of a cell away
    cam = np.zeros((1, 3, 3), dtype=np.float32)
    cam[0, 1, 1] = 1
    box = np.array([[100 * (1.5 - 0.85), 33.3 * (1.5 - 0.85), 100 * 2.35, 33.3 * 2.35]])
    assert box_ious(cam, [box], (100, 300))[0] == pytest.approx(1, abs=0.06)  # a pixel is 4.7 wide


@pytest.mark.parametrize(
    ("grid", "size"), [((3, 3), (64, 64)), ((7, 5), (48, 64)), ((2, 9), (60, 9))]
)
def test_the_segments_of_a_small_map_are_those_of_all_its_pixels(grid, size):
    """Whole runs of pixels have one value; each counts as many as it is, in areas and in boxes."""
    rng = np.random.default_rng(4)
    cams = rng.random((60, *grid), dtype=np.float32) ** 8
    cams /= cams.max(axis=(1, 2), keepdims=True)
    whole = upsample(torch.from_numpy(cams), size).numpy()
    for cam, heat in zip(cams, whole, strict=True):
        ious = [box_ious(cam[None], [np.array([box])], size)[0] for box in _largest(heat)]
        assert max(ious) == pytest.approx(1)
