"""Outlines of regions, worked out by hand."""

import re

import cv2
import numpy as np
import pytest

from audit.report.outline import MAX_POINTS, outline


def corners(path: str) -> list[set[tuple[int, int]]]:
    lines = path.removesuffix("Z").split("Z")
    return [{tuple(map(int, p.split())) for p in re.split("[ML]", line) if p} for line in lines]


def test_a_box_is_its_four_corner_pixels():
    mask = np.zeros((20, 30), bool)
    mask[2:5, 5:10] = True  # rows 2–4, columns 5–9
    assert corners(outline(mask)) == [{(5, 2), (9, 2), (9, 4), (5, 4)}]


def test_every_piece_has_its_line_the_largest_first():
    mask = np.zeros((20, 30), np.uint8)
    mask[10, 3] = 255
    mask[2:5, 5:10] = 255
    assert corners(outline(mask)) == [{(5, 2), (9, 2), (9, 4), (5, 4)}, {(3, 10)}]


def test_a_hole_is_a_border_too():
    mask = np.ones((9, 9), bool)
    mask[3:6, 3:6] = False
    outer, inner = corners(outline(mask))
    assert outer == {(0, 0), (8, 0), (8, 8), (0, 8)}
    assert all(2 <= x <= 6 and 2 <= y <= 6 for x, y in inner)


def test_an_empty_region_has_no_outline():
    assert outline(np.zeros((4, 4), bool)) == ""


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_stays_within_the_bound(seed):
    mask = np.random.default_rng(seed).random((224, 224)) > 0.5
    assert 0 < sum(map(len, corners(outline(mask)))) <= MAX_POINTS


def test_filling_the_outline_gives_the_mask_back():
    y, x = np.mgrid[:100, :120]
    mask = (x - 60) ** 2 / 40**2 + (y - 50) ** 2 / 25**2 < 1
    points = [tuple(map(int, p.split())) for p in re.split("[MLZ]", outline(mask)) if p]
    filled = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(filled, [np.array(points, np.int32)], 1)
    overlap = (mask & (filled > 0)).sum() / (mask | (filled > 0)).sum()
    assert overlap > 0.98
