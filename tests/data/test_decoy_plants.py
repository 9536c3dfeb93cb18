import cv2
import numpy as np
import pytest

from audit.data.decoy import CLASSES, DecoySpec, Plant, render
from audit.data.decoy.plants import PAINTERS, WHOLE_GROUND, plant_over
from audit.data.decoy.plants_common import Look

GREY = np.full((3, 96, 96), 0.5, np.float32)
BLOCK = np.zeros((96, 96), bool)
BLOCK[30:60, 40:70] = True


def _plant(kind, mask=BLOCK, variant=0, seed=0, pixels=GREY, scale=1.0):
    return plant_over(kind, pixels, mask, Look(variant, scale), np.random.default_rng(seed))


@pytest.mark.parametrize("kind", PAINTERS)
def test_a_plant_changes_its_mask_and_nothing_else(kind):
    pixels, where = _plant(kind)
    assert pixels.dtype == np.float32
    assert 0 <= pixels.min() <= pixels.max() <= 1
    assert np.array_equal(pixels[:, ~where], GREY[:, ~where])
    assert not (where & BLOCK).any()
    assert (np.abs(pixels - GREY).max(axis=0) > 0)[where].mean() > 0.95


@pytest.mark.parametrize("kind", PAINTERS)
def test_the_object_survives_a_plant_that_is_forced_over_it(kind):
    pixels, where = _plant(kind, mask=np.ones((96, 96), bool))
    assert np.array_equal(pixels, GREY)
    assert not where.any()


@pytest.mark.parametrize("kind", PAINTERS)
def test_two_classes_plants_of_one_kind_look_different(kind):
    """Hues a tenth of the circle apart: on grey a tint's channels differ by .155 in sum."""
    looks = [_plant(kind, variant=variant)[0] for variant in range(10)]
    for a in range(10):
        for b in range(a):
            assert np.abs(looks[a] - looks[b]).sum(axis=0).max() > 0.15


def test_where_and_how_large_the_plants_are():
    watermark = _plant("watermark")[1]
    assert (watermark[82:93, 62:93]).all()  # x .645, y .85, width .32, height .115 of 96
    assert watermark.sum() == 11 * 31
    assert _plant("patch")[1].sum() == 12 * 12  # .125 of 96, squared
    assert np.array_equal(_plant("tint")[1], ~BLOCK)


@pytest.mark.parametrize("scale", [0.7, 1.4])
@pytest.mark.parametrize("kind", sorted(set(PAINTERS) - set(WHOLE_GROUND)))
def test_a_scaled_plant_is_as_much_longer_and_wider(kind, scale):
    sides = [np.ptp(np.argwhere(_plant(kind, scale=each)[1]), axis=0) + 1 for each in (1.0, scale)]
    grows = sides[0] < 96  # a stripe is as long as the frame at any scale
    assert grows.any()
    assert (
        np.abs(sides[1] - scale * sides[0])[grows].max() <= 3
    )  # rounding, and the rims of letters


def test_a_larger_watermark_keeps_its_margin():
    """.965 of 96 is 92.6: corner and size are rounded apart, so the last pixel is 91 to 93."""
    for scale in (0.7, 1.0, 1.4):
        last = np.argwhere(_plant("watermark", scale=scale)[1]).max(axis=0)
        assert np.abs(last - 92).max() <= 1


def test_the_watermark_stays_and_the_patch_roams_clear_of_the_object():
    assert len({_plant("watermark", seed=seed)[1].tobytes() for seed in range(5)}) == 1
    patches = [_plant("patch", seed=seed)[1] for seed in range(200)]
    assert len({patch.tobytes() for patch in patches}) > 100
    near = np.zeros_like(BLOCK)
    near[24:66, 34:76] = True  # the block and six pixels round it: .07 of 96
    assert not any((patch & near).any() for patch in patches)


def test_a_patch_without_room_goes_where_most_of_it_is():
    mask = np.ones((96, 96), bool)
    mask[90:, 90:] = False  # a free corner smaller than the patch and its gap
    where = _plant("patch", mask=mask)[1]
    assert where.sum() == 36
    assert not (where & mask).any()


def test_a_tint_keeps_light_and_dark_apart():
    ramp = np.broadcast_to(np.linspace(0, 1, 96, dtype=np.float32), (3, 96, 96)).copy()
    pixels, _ = _plant("tint", mask=np.zeros((96, 96), bool), pixels=ramp)
    assert (np.diff(pixels[:, 0], axis=1) > 0).all()


@pytest.mark.parametrize("kind", PAINTERS)
def test_a_plant_is_a_function_of_its_arguments(kind):
    before = GREY.copy()
    (first, where), (again, there) = _plant(kind, variant=3), _plant(kind, variant=3)
    assert np.array_equal(first, again)
    assert np.array_equal(where, there)
    assert np.array_equal(before, GREY)


@pytest.mark.parametrize("kind", PAINTERS)
@pytest.mark.parametrize("size", [32, 64, 96])
def test_every_plant_of_every_class_is_beside_the_object(kind, size):
    """Over a background .75 to .94 of the frame, or a mark of .7 to 6.5% of it."""
    spec = DecoySpec(size=size, plants=tuple(Plant(kind, name, 1.0) for name in CLASSES))
    for index in range(30):
        scene = render(spec, "train", index)
        low, high = (0.75, 0.94) if kind in WHOLE_GROUND else (0.007, 0.065)
        assert low <= scene.plant_mask.mean() <= high
        assert not (scene.plant_mask & scene.mask).any()


@pytest.mark.parametrize("variant", range(4))
def test_a_stripe_lies_along_one_side(variant):
    """Five pixels deep (.05 of 96, rounded), at the left, bottom, right or top side."""
    where = _plant("stripe", variant=variant)[1]
    expected = np.zeros((96, 96), bool)
    expected[[np.s_[:, :5], np.s_[-5:], np.s_[:, -5:], np.s_[:5]][variant]] = True
    assert np.array_equal(where, expected)


@pytest.mark.parametrize("kind", ["text", "companion"])
def test_a_mark_roams_clear_of_the_object(kind):
    """The gap is .03 of 96, three pixels."""
    marks = [_plant(kind, seed=seed)[1] for seed in range(200)]
    assert len({mark.tobytes() for mark in marks}) > 100
    near = np.zeros_like(BLOCK)
    near[27:63, 37:73] = True
    assert not any((mark & near).any() for mark in marks)


def test_a_companion_is_one_piece_that_fills_its_square():
    """The square is 23 pixels a side (.24 of 96); a tilted outline spans most of it."""
    for variant in range(10):
        where = _plant("companion", variant=variant)[1]
        pieces, _, stats, _ = cv2.connectedComponentsWithStats(where.astype(np.uint8))
        assert pieces - 1 == 1
        assert 17 <= max(stats[1, cv2.CC_STAT_WIDTH], stats[1, cv2.CC_STAT_HEIGHT]) <= 23


def test_a_texture_has_no_colour_and_leaves_the_mean_brightness():
    pixels, _ = _plant("texture", mask=np.zeros((96, 96), bool))
    assert np.array_equal(pixels[0], pixels[1])
    assert np.array_equal(pixels[0], pixels[2])
    assert pixels.mean() == pytest.approx(0.5, abs=0.01)
    assert pixels.max() - pixels.min() > 0.25


def test_a_cast_keeps_black_and_the_luma_of_grey():
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    for variant in range(10):
        pixels, _ = _plant("cast", mask=np.zeros((96, 96), bool), variant=variant)
        assert weights @ pixels[:, 0, 0] == pytest.approx(0.5, abs=1e-6)
        black, _ = _plant("cast", variant=variant, pixels=np.zeros_like(GREY))
        assert not black.any()
