from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from audit.regions.pseudo.grabcut import grabcut


def scene(height: int, width: int, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray]:
    """A reddish rectangle on a bluish ground, both with some noise; and its mask."""
    mask = np.zeros((height, width), dtype=bool)
    mask[rows, columns] = True
    noise = np.random.default_rng(0).integers(0, 30, (height, width, 3))
    colours = np.where(mask[..., None], [200, 60, 40], [40, 60, 200])
    return (colours + noise).astype(np.uint8), mask


def test_an_object_in_the_middle_is_found() -> None:
    pixels, mask = scene(96, 96, slice(30, 66), slice(20, 70))
    assert np.array_equal(grabcut(pixels), mask)


def test_the_answer_has_the_size_of_a_large_picture() -> None:
    pixels, mask = scene(200, 512, slice(60, 140), slice(160, 360))
    found = grabcut(pixels)
    assert found.shape == (200, 512)
    # worked on at a quarter (50×128): an edge is off by less than 4 pixels of the picture
    assert (found & mask).sum() / (found | mask).sum() > 0.93


def test_what_does_not_reach_the_middle_is_left_out() -> None:
    pixels, mask = scene(96, 96, slice(30, 66), slice(30, 66))
    pixels[8:16, 8:16] = pixels[40:48, 40:48]  # a second one in the corner
    found = grabcut(pixels)
    assert not found[8:16, 8:16].any()
    assert np.array_equal(found, mask)


@pytest.mark.parametrize("shape", [(96, 96), (4, 200), (1, 1)])
def test_no_edge_is_no_region(shape: tuple[int, int]) -> None:
    found = grabcut(np.full((*shape, 3), 90, dtype=np.uint8))
    assert found.shape == shape
    assert not found.any()


def test_opencv_giving_up_is_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise cv2.error("no")

    monkeypatch.setattr(cv2, "grabCut", fail)
    assert not grabcut(scene(96, 96, slice(30, 66), slice(30, 66))[0]).any()


def test_the_same_picture_gives_the_same_region_in_every_thread() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 4)
    expected = grabcut(pixels)
    assert expected.any()
    before = cv2.getNumThreads()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(grabcut, [pixels] * 12))
    cv2.setNumThreads(1)
    try:
        found.append(grabcut(pixels))
    finally:
        cv2.setNumThreads(before)
    assert all(np.array_equal(one, expected) for one in found)
