"""How large the pictures of a run's cases may be."""

import cv2
import numpy as np
import pytest

from audit.media import Size, picture_of, size_for


@pytest.mark.parametrize(
    ("pictures", "side", "limit"),
    [
        (0, 224, 5_000_000),
        (500, 224, 10_000),  # 5,000,000 / 500
        (1000, 192, 5_000),
        (1250, 160, 4_000),
        (2000, 128, 2_500),
        (20_000, 128, 2_000),  # never less than this, or nothing would be seen
    ],
)
def test_many_cases_get_smaller_pictures(pictures, side, limit):
    assert size_for(pictures) == Size(side, limit)


def _scene(detail):
    """Noise of ``detail`` cells a side, smoothly enlarged to 300 × 200 pixels."""
    coarse = np.random.default_rng(0).integers(0, 255, (detail, detail, 3), dtype=np.uint8)
    return cv2.resize(coarse, (300, 200), interpolation=cv2.INTER_CUBIC)


def _decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_the_longest_side_fits_and_colours_stay_rgb():
    scene = np.zeros((200, 300, 3), np.uint8)
    scene[..., 0] = 250
    shown = _decoded(picture_of(scene, Size(150, 10_000)))
    assert shown.shape == (100, 150, 3)
    assert shown[50, 75, 0] > 200
    assert shown[50, 75, 2] < 60


def test_small_pictures_are_not_enlarged():
    assert _decoded(picture_of(_scene(4)[:40, :60], Size(224, 9_000))).shape == (40, 60, 3)


def test_a_picture_keeps_to_its_bytes_by_its_quality():
    rich = _scene(24)
    free, bound = picture_of(rich, Size(128, 100_000)), picture_of(rich, Size(128, 2_500))
    assert len(bound) <= 2_500 < len(free)
    small = _decoded(free)
    assert _decoded(bound).shape == small.shape
    # still the same picture: noise against itself would differ by about 85 of 255 on average
    assert np.abs(_decoded(bound).astype(int) - small.astype(int)).mean() < 20


def test_a_smooth_picture_keeps_the_best_quality():
    assert picture_of(_scene(4), Size(128, 2_500)) == picture_of(_scene(4), Size(128, 100_000))
