import cv2
import numpy as np
import pytest

from audit.verify.fills import FILLS, cover, feathered

SIZE = (40, 60)


def _patch(rows, columns, size=SIZE):
    patch = np.zeros(size, dtype=bool)
    patch[rows, columns] = True
    return patch


def _rng():
    return np.random.default_rng(0)


def _gradient():
    """Red falls by 3 a row from 60, green rises by 3 a column from 20, blue is 90."""
    rows, columns = np.mgrid[:40, :60]
    return np.stack([60 + 3 * rows, 20 + 3 * columns, np.full(SIZE, 90)], axis=2).astype(np.uint8)


PATCHES = {
    "block": _patch(slice(10, 20), slice(20, 32)),
    "corner": _patch(slice(30, 40), slice(50, 60)),
    "pixel": _patch(5, 7),
    "frame": np.ones(SIZE, dtype=bool),
    "all but a corner": ~_patch(slice(0, 9), slice(0, 9)),
}


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("patch", PATCHES.values(), ids=PATCHES)
def test_a_constant_picture_stays(fill, patch):
    picture = np.full((*SIZE, 3), (255, 0, 77), dtype=np.uint8)
    covered = cover(picture, patch, fill, _rng())
    assert covered.dtype == np.uint8
    assert np.array_equal(covered, picture)


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("patch", PATCHES.values(), ids=PATCHES)
def test_beyond_the_edge_nothing_changes(fill, patch):
    # the edge is 2·max(1, .015·60) = 2 pixels wide: at a distance of 2 nothing is changed
    picture = _rng().integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    covered = cover(picture, patch, fill, _rng())
    away = cv2.distanceTransform((~patch).astype(np.uint8), cv2.DIST_L2, 5)
    untouched = ~patch & (away >= 2)
    assert np.array_equal(covered[untouched], picture[untouched])


@pytest.mark.parametrize("fill", FILLS)
def test_nothing_of_what_is_covered_is_left(fill):
    # what lies below the patch and its edge does not show in the patch, whatever it is
    patch = PATCHES["block"]
    hidden = feathered(patch) > 0
    pictures = [_gradient(), _gradient()]
    pictures[0][hidden] = 255
    pictures[1][hidden] = 0, 255, 0
    white, green = (cover(picture, patch, fill, _rng()).astype(int) for picture in pictures)
    assert np.array_equal(white[patch], green[patch])
    assert white[patch].max() < 210


def test_the_edge_fades_outside_of_the_patch():
    alpha = feathered(_patch(slice(0, 200), slice(0, 100), (200, 200)))
    # 3 pixels wide, twice that in all: 1 − d/6 at d pixels from the patch
    assert alpha.dtype == np.float32
    assert (alpha[:, :100] == 1).all()
    expected = [5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0]
    np.testing.assert_allclose(alpha[50, 100:106], expected, atol=1e-3)
    assert (alpha[:, 106:] == 0).all()


def test_the_edge_of_nothing_and_of_everything():
    assert (feathered(np.zeros(SIZE, dtype=bool)) == 0).all()
    assert (feathered(np.ones(SIZE, dtype=bool)) == 1).all()


def test_mean_is_that_of_what_is_not_covered():
    picture = np.zeros((*SIZE, 3), dtype=np.uint8)
    patch = _patch(slice(0, 40), slice(0, 30))
    picture[:, 31:] = 100  # column 30 is the edge, and does not count
    assert (cover(picture, patch, "mean", _rng())[patch] == 100).all()


@pytest.mark.parametrize(("fill", "error"), [("blur", 8), ("inpaint", 6)])
def test_a_gradient_is_continued(fill, error):
    picture, patch = _gradient(), PATCHES["block"]
    covered = cover(picture, patch, fill, _rng())
    wrong = np.abs(covered.astype(int) - picture)[patch]
    # the gradient spans 30 and 36 over the patch; a flat colour is 15 and 18 off at its ends
    assert wrong.mean() < error
    assert wrong.max() < 24


@pytest.mark.parametrize("size", [(64, 64), (65, 91), (90, 70)])
def test_a_wide_blur_is_centred(size):
    # black on the left, white on the right: a patch over the middle is grey there, and its left
    # mirrors its right; the same from top to bottom
    height, width = size
    patch = _patch(slice(height // 5, height - height // 5), slice(width // 5, -(width // 5)), size)
    across = np.broadcast_to(255 * (np.arange(width) >= width / 2)[None, :, None], (*size, 3))
    across = np.where(np.arange(width)[None, :, None] * 2 + 1 == width, 128, across)
    covered = cover(across.astype(np.uint8), patch, "blur", _rng()).astype(int)
    rows = covered[patch.any(axis=1)].mean(axis=(0, 2))
    np.testing.assert_allclose(rows + rows[::-1], 255, atol=4)
    assert (np.diff(rows[width // 5 : -(width // 5)]) > -8).all()


@pytest.mark.parametrize("noise", [0, 4, 16])
def test_blur_has_the_grain_of_what_surrounds_it(noise):
    rng = _rng()
    picture = np.clip(rng.normal(128, noise, (80, 80, 3)), 0, 255).astype(np.uint8)
    patch = _patch(slice(20, 60), slice(20, 60), (80, 80))
    inside = cover(picture, patch, "blur", rng)[patch].astype(float)
    # high-passed white noise keeps .945 of its deviation (σ 1.5)
    assert inside.std() == pytest.approx(noise, rel=0.12, abs=0.3)


def test_grain_is_measured_near_the_patch():
    # the right half is noise, the left is flat: a patch in the left gets none
    picture = _rng().integers(0, 256, (80, 80, 3), dtype=np.uint8)
    picture[:, :40] = 50
    patch = _patch(slice(30, 40), slice(5, 15), (80, 80))
    assert cover(picture, patch, "blur", _rng())[patch].std() < 6


def test_the_generator_decides_the_grain_alone():
    picture, patch = _rng().integers(0, 256, (*SIZE, 3), dtype=np.uint8), PATCHES["block"]
    first, again = (cover(picture, patch, "blur", np.random.default_rng(1)) for _ in range(2))
    other = cover(picture, patch, "blur", np.random.default_rng(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    for fill in ("inpaint", "mean"):
        drawn = [cover(picture, patch, fill, np.random.default_rng(seed)) for seed in (1, 2)]
        assert np.array_equal(*drawn)


def test_the_picture_itself_is_left_alone():
    picture = _gradient()
    for fill in FILLS:
        cover(picture, PATCHES["block"], fill, _rng())
    assert np.array_equal(picture, _gradient())


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (2, 3), (13, 61)])
@pytest.mark.parametrize("fill", FILLS)
def test_any_frame_and_any_patch(fill, size):
    # no overflow at either end of a byte, and nothing changed where the edge does not reach
    rng = _rng()
    for share in (0.1, 0.5, 0.9):
        picture = rng.choice(np.array([0, 255], dtype=np.uint8), (*size, 3))
        patch = rng.random(size) < share
        patch[0, 0] = True
        covered = cover(picture, patch, fill, rng)
        assert covered.shape == picture.shape
        assert covered.dtype == np.uint8
        away = feathered(patch) == 0
        assert np.array_equal(covered[away], picture[away])
