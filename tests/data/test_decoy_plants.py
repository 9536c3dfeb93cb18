import numpy as np
import pytest

from audit.data.decoy.plants import PAINTERS, plant_over

GREY = np.full((3, 96, 96), 0.5, np.float32)
BLOCK = np.zeros((96, 96), bool)
BLOCK[30:60, 40:70] = True


def _plant(kind, mask=BLOCK, variant=0, seed=0, pixels=GREY):
    return plant_over(kind, pixels, mask, variant, np.random.default_rng(seed))


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
