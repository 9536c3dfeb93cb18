import cv2
import numpy as np
import pytest

from audit.data.decoy.outlines import OUTLINES
from audit.data.decoy.scene import KEPT_FREE, draw_picture


def _draw(seed, size, name):
    return draw_picture(np.random.default_rng(seed), size, name)


@pytest.mark.parametrize("name", OUTLINES)
def test_objects_cover_6_to_25_percent_away_from_border_and_corner(name):
    for seed in range(60):
        mask = _draw(seed, 64, name).mask
        assert 0.06 <= mask.mean() <= 0.25
        assert not mask[[0, -1]].any()
        assert not mask[:, [0, -1]].any()
        left, top = (int(share * 64) + 1 for share in KEPT_FREE)
        assert not mask[top:, left:].any()


@pytest.mark.parametrize("name", OUTLINES)
def test_a_mask_is_one_piece_with_the_outlines_holes(name):
    mask = _draw(3, 96, name).mask
    pieces, _ = cv2.connectedComponents(mask.astype(np.uint8))
    holes, _ = cv2.connectedComponents((~mask).astype(np.uint8))
    assert pieces - 1 == 1
    assert holes - 1 == len(OUTLINES[name])  # the outside, and the ring's hole


def test_pictures_are_rgb_in_unit_range_and_reproducible():
    first, again = _draw(5, 48, "star"), _draw(5, 48, "star")
    assert first.pixels.shape == (3, 48, 48)
    assert first.pixels.dtype == np.float32
    assert 0 <= first.pixels.min() < first.pixels.max() <= 1
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.mask, again.mask)


def test_the_background_knows_nothing_of_the_class():
    leaf, gear = _draw(11, 96, "leaf"), _draw(11, 96, "gear")
    near = cv2.dilate((leaf.mask | gear.mask).astype(np.uint8), np.ones((41, 41))) > 0  # shadows
    assert (~near).mean() > 0.2
    assert np.abs(leaf.pixels - gear.pixels)[:, ~near].max() < 1e-5


def test_the_mask_is_the_object():
    """Inside the mask two classes' pictures differ from their common background, outside hardly."""
    ball, cross = _draw(2, 96, "ball"), _draw(2, 96, "cross")
    difference = np.abs(ball.pixels - cross.pixels).mean(axis=0)
    assert (
        difference[ball.mask ^ cross.mask].mean() > 4 * difference[~(ball.mask | cross.mask)].mean()
    )


def test_a_scene_is_the_same_at_another_size():
    small, large = (_draw(7, size, "fish").mask for size in (64, 128))
    halved = large.reshape(64, 2, 64, 2).mean(axis=(1, 3)) >= 0.5
    assert (small & halved).sum() / (small | halved).sum() > 0.97


def test_colours_do_not_tell_classes_apart():
    """Mean object colours: between classes they spread no more than chance lets them."""
    means = np.array(
        [
            [
                (picture := _draw((k, i), 32, name)).pixels[:, picture.mask].mean(1)
                for i in range(60)
            ]
            for k, name in enumerate(OUTLINES)
        ]
    )
    within, between = means.var(axis=1).mean(), means.mean(axis=1).var(axis=0).mean()
    assert between < 2.5 * within / 60  # expected: within / 60
