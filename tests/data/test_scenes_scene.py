import numpy as np
import pytest

from audit.data.scenes import CaptionsSpec, VqaSpec, render_scene
from audit.data.scenes.patterns import TONES
from audit.data.scenes.scene import objects_of
from audit.errors import ConfigError

SPEC = VqaSpec(train=40, test=40)


@pytest.fixture(scope="module")
def scenes():
    return [render_scene(SPEC, "test-decorrelated", index) for index in range(40)]


def test_a_scene_is_what_it_says(scenes):
    for index, scene in enumerate(scenes):
        assert scene.pixels.shape == (96, 96, 3)
        assert scene.pixels.dtype == np.uint8
        assert scene.masks.dtype == bool
        assert scene.masks.shape == (len(scene.objects), 96, 96)
        assert set(scene.objects) == set(objects_of(SPEC, "test-decorrelated", index))


def test_masks_are_apart_and_cover_4_to_13_percent(scenes):
    for scene in scenes:
        assert scene.masks.sum(axis=0).max() == 1
        shares = scene.masks.mean(axis=(1, 2))
        assert 0.04 <= shares.min() <= shares.max() <= 0.13


def test_objects_come_from_left_to_right_and_their_side_can_be_seen(scenes):
    for scene in scenes:
        columns = [np.flatnonzero(mask.any(axis=0)) for mask in scene.masks]
        centres = [(each[0] + each[-1] + 1) / 2 for each in columns]
        assert (np.diff(centres) > 4).all()
        for one, centre in zip(scene.objects, centres, strict=True):
            assert (one.side == "left") == (centre < 48)
            assert abs(centre - 48) > 9


def test_an_object_has_the_colour_that_it_is_said_to_have(scenes):
    """The mean colour of its lighter half is nearer to its own light tone than to any other's."""
    names = list(TONES)
    hues = np.array([tone[1] for tone in TONES.values()])
    hues /= np.linalg.norm(hues, axis=1, keepdims=True)
    for scene in scenes:
        for one, mask in zip(scene.objects, scene.masks, strict=True):
            pixels = scene.pixels[mask].astype(np.float64)
            lighter = pixels[pixels.sum(axis=1) >= np.median(pixels.sum(axis=1))].mean(axis=0)
            nearest = (hues @ (lighter / np.linalg.norm(lighter))).argmax()
            assert names[nearest] == one.colour


def test_a_patterned_object_is_more_varied_than_a_plain_one(scenes):
    """Relative deviation of brightness; the relief's own shading stays below the patterns'."""
    varied = {"plain": [], "striped": [], "dotted": []}
    for scene in scenes:
        for one, mask in zip(scene.objects, scene.masks, strict=True):
            grey = scene.pixels[mask].mean(axis=1)
            varied[one.pattern].append(grey.std() / grey.mean())
    plain, striped, dotted = (np.median(varied[name]) for name in ("plain", "striped", "dotted"))
    assert plain * 1.5 < min(striped, dotted)


def test_scenes_stand_alone_and_splits_datasets_and_seeds_differ(scenes):
    again = render_scene(SPEC, "test-decorrelated", 7)
    assert np.array_equal(again.pixels, scenes[7].pixels)
    assert np.array_equal(again.masks, scenes[7].masks)
    others = [
        (VqaSpec(train=40, test=40), "test", 7),
        (VqaSpec(train=40, test=40), "train", 7),
        (VqaSpec(train=40, test=40), "test-decorrelated", 8),
        (VqaSpec(train=40, test=40, seed=1), "test-decorrelated", 7),
        (CaptionsSpec(train=40, test=40), "train", 7),
    ]
    pictures = {render_scene(*each).pixels.tobytes() for each in others}
    assert len(pictures | {again.pixels.tobytes()}) == 6


def test_a_scene_that_is_not_there():
    with pytest.raises(IndexError, match="decoy-vqa test has scenes 0 to 39, not 40"):
        render_scene(SPEC, "test", 40)
    with pytest.raises(ConfigError, match="--split val: decoy-vqa has no such split"):
        render_scene(SPEC, "val", 0)
