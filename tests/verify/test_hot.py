import cv2
import numpy as np
import pytest

from audit.verify.hot import LIMITS, hot_patch

EVERYWHERE = np.ones((10, 10), dtype=bool)


def _heat(size, **blocks):
    heat = np.zeros((size, size), dtype=np.float32)
    for value, (rows, columns) in blocks.items():
        heat[rows, columns] = float(value[1:]) / 100
    return heat


def _is_connected(patch):
    parts, _ = cv2.connectedComponents(patch.astype(np.uint8), connectivity=8)
    return parts == 2  # with what is not the patch


def test_what_has_half_the_heat_and_is_connected():
    # hottest 0.8 at (1, 1): 0.4 belongs, 0.39 does not; (5, 5) is hot enough, but apart
    heat = _heat(10, v80=(1, 1), v40=(1, 2), v39=(2, 1))
    heat[5, 5] = 0.7
    patch = hot_patch(heat, EVERYWHERE, 0.12)
    assert np.argwhere(patch).tolist() == [[1, 1], [1, 2]]


def test_corners_connect():
    heat = np.eye(10, dtype=np.float32)
    assert np.array_equal(hot_patch(heat, EVERYWHERE, 0.1), np.eye(10, dtype=bool))


def test_the_limit_raises_the_threshold():
    # 4% of 100 pixels are 4; the row 1, 0.95, 0.9, … is cut after its fourth, at 0.85
    heat = np.zeros((10, 10), dtype=np.float32)
    heat[3] = 1 - 0.05 * np.arange(10)
    patch = hot_patch(heat, EVERYWHERE, 0.04)
    assert np.argwhere(patch).tolist() == [[3, 0], [3, 1], [3, 2], [3, 3]]
    assert hot_patch(heat, EVERYWHERE, 0.12).sum() == 10  # 0.55 is still more than half


def test_only_what_is_allowed():
    heat = _heat(10, v90=(2, 2), v60=(7, 7), v50=(7, 8))
    allowed = EVERYWHERE.copy()
    allowed[:5] = False
    allowed[7, 8] = False
    assert np.argwhere(hot_patch(heat, allowed, 0.12)).tolist() == [[7, 7]]


@pytest.mark.parametrize(
    "allowed", [np.zeros((10, 10), dtype=bool), ~EVERYWHERE | (np.eye(10) > 0)]
)
def test_none_where_nothing_allowed_is_hot(allowed):
    heat = np.where(np.eye(10) > 0, 0, 1).astype(np.float32)
    assert hot_patch(heat, allowed, 0.12) is None


def test_a_plateau_is_cut_round_its_first_pixel():
    # all equal: the 4 nearest to (0, 0) are itself, its two neighbours, and the diagonal one
    patch = hot_patch(np.ones((10, 10), dtype=np.float32), EVERYWHERE, 0.04)
    assert np.argwhere(patch).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_a_winding_plateau_is_cut_into_one_piece():
    # a U open to the top, first pixel (0, 0): of the 12 pixels nearest to it, those of the other
    # arm are not connected to it within the 12
    heat = np.zeros((10, 10), dtype=np.float32)
    heat[:, 0] = heat[:, 3] = heat[9, :4] = 1
    patch = hot_patch(heat, EVERYWHERE, 0.12)
    assert _is_connected(patch)
    assert patch[0, 0]
    assert patch[:, 0].sum() == patch.sum() <= 12


def test_a_frame_so_small_that_the_limit_is_below_a_pixel():
    heat = np.array([[0.2, 1.0], [0.9, 0.8]], dtype=np.float32)
    patch = hot_patch(heat, np.ones((2, 2), dtype=bool), 0.04)
    assert np.argwhere(patch).tolist() == [[0, 1]]


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("shape", [(33, 47), (64, 20)])
def test_the_promises_on_smooth_maps(limit, shape):
    rng = np.random.default_rng(0)
    for _ in range(25):
        coarse = rng.random((4, 5), dtype=np.float32)
        heat = np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR))
        allowed = np.ones(shape, dtype=bool)
        allowed[10:20, 5:15] = False
        patch = hot_patch(heat, allowed, limit)
        hottest = heat[allowed].max()
        assert 0 < patch.sum() <= limit * heat.size
        assert _is_connected(patch)
        assert not (patch & ~allowed).any()
        assert heat[patch].max() == hottest
        assert heat[patch].min() >= hottest / 2
