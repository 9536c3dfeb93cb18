"""Maps and regions as pictures: expected pixels worked by hand."""

import cv2
import numpy as np

from audit.serve.pictures import heat_png, region_png, size_of


def _pixels(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)


def test_the_longer_side_is_448():
    assert size_of((90, 120)) == (448, 336)
    assert size_of((96, 96)) == (448, 448)


def test_heat_is_clear_at_zero_and_opaque_from_160_on():
    drawn = _pixels(heat_png([0, 80, 160, 255], (1, 4), (100, 400)))
    assert drawn.shape == (112, 448, 4)
    # Cell centres lie at 56, 168, 280 and 392 of 448 pixels: alpha is 255 · min(1, v / 160).
    alpha = drawn[50, [10, 440], 3]
    assert alpha.tolist() == [0, 255]
    assert abs(int(drawn[50, 168, 3]) - 127) <= 2
    # The hottest end of inferno is pale yellow: RGB 252, 255, 164.
    assert drawn[50, 440, :3].tolist() == [164, 255, 252]


def test_a_region_that_fills_the_view_is_an_even_wash():
    # 4 × 4 pixels on 2 × 2 cells: each cell weighs 4 px. Half of the first one lies in the region.
    drawn = _pixels(region_png([2, 4, 0, 4], None, (2, 2), (4, 4)))
    alpha = drawn[..., 3]
    assert [alpha[9, 9], alpha[9, 440], alpha[440, 9], alpha[440, 440]] == [75, 150, 0, 150]


def test_what_is_ignored_does_not_thin_the_region():
    drawn = _pixels(region_png([2, 0, 0, 0], [2, 4, 4, 0], (2, 2), (4, 4)))
    assert drawn[9, 9, 3] == 150
    assert drawn[440, 440, 3] == 0
