from collections import Counter

import numpy as np
import pytest

from audit.data.decoy import CLASSES, SPLITS, DecoySpec, Plant, render
from audit.data.decoy.render import draw_labels
from audit.errors import ConfigError

SMALL = DecoySpec(size=32, train=1000, test=1000)


@pytest.mark.parametrize("split", SPLITS)
def test_a_counterfactual_differs_in_the_plant_mask_alone(split):
    spec = DecoySpec(size=64, plants=tuple(Plant("patch", name, 0.8) for name in CLASSES))
    planted = 0
    for index in range(40):
        scene, without = render(spec, split, index), render(spec, split, index, planted=False)
        changed = (scene.pixels != without.pixels).any(axis=2)
        assert np.array_equal(scene.mask, without.mask)
        assert not (changed & ~scene.plant_mask).any()
        assert not (scene.plant_mask & scene.mask).any()
        assert scene.plant_mask.any() == (scene.plant is not None) == changed.any()
        assert without.plant is None
        assert not without.plant_mask.any()
        planted += scene.plant is not None
    assert planted > 20


@pytest.mark.parametrize("kind", ["patch", "tint", "watermark"])
def test_no_plant_of_the_default_size_touches_an_object(kind):
    """The watermark's corner is free, and the patch finds room beside every object."""
    spec = DecoySpec(plants=tuple(Plant(kind, name, 1.0) for name in CLASSES))
    area = {"patch": 12 * 12, "watermark": 31 * 11}
    for index in range(60):
        scene = render(spec, "train", index)
        assert scene.plant_mask.sum() == area.get(kind, (~scene.mask).sum())


def test_a_scene_is_what_it_says():
    scene = render(DecoySpec(), "train", 0)
    assert scene.pixels.shape == (96, 96, 3)
    assert scene.pixels.dtype == np.uint8
    assert scene.mask.shape == scene.plant_mask.shape == (96, 96)
    assert scene.mask.dtype == scene.plant_mask.dtype == bool
    assert scene.label == draw_labels(DecoySpec(), "train")[0]


def test_images_stand_alone():
    """In any order, and whatever is planted elsewhere, an image is the same."""
    forward = [render(SMALL, "test", index).pixels for index in range(5)]
    backward = [render(SMALL, "test", index).pixels for index in reversed(range(5))][::-1]
    assert all(map(np.array_equal, forward, backward))
    more = DecoySpec(size=32, train=50, test=1000, plants=(*SMALL.plants, Plant("tint", "ball", 1)))
    for index in range(30):
        scene = render(SMALL, "test", index)
        if CLASSES[scene.label] != "ball":
            assert np.array_equal(scene.pixels, render(more, "test", index).pixels)


def test_seeds_splits_and_indices_differ():
    other = DecoySpec(size=32, seed=1, train=1000, test=1000)
    images = [
        render(spec, split, index).pixels.tobytes()
        for spec in (SMALL, other)
        for split in SPLITS
        for index in (0, 1)
    ]
    assert len(set(images)) == 12


@pytest.mark.parametrize("split", SPLITS)
def test_labels_are_balanced_and_shuffled(split):
    labels = draw_labels(DecoySpec(train=1003, test=1003), split)
    assert sorted(np.bincount(labels, minlength=10)) == [100] * 7 + [101] * 3
    assert (np.diff(labels) == 0).mean() == pytest.approx(0.1, abs=0.04)


def _plants(split):
    """How often each class's image carries each class's plant, over 1000 images of SMALL."""
    scenes = (render(SMALL, split, index) for index in range(1000))
    return Counter((CLASSES[s.label], s.plant.class_name) for s in scenes if s.plant)


def test_biased_splits_plant_in_the_planted_classes_alone():
    counts = _plants("train")
    assert set(counts) == {(plant.class_name,) * 2 for plant in SMALL.plants}
    assert all(87 <= n <= 100 for n in counts.values())  # binomial: 100 × .95, ± 3.7 σ


def test_decorrelated_plants_are_independent_of_the_class():
    """Each of three plants on .095 of all images: 95 in sum, about 9.5 in a class."""
    counts = _plants("test-decorrelated")
    for plant in SMALL.plants:
        per_class = [counts[name, plant.class_name] for name in CLASSES]
        assert sum(per_class) == pytest.approx(95, abs=35)
        assert max(per_class) <= 24
        assert min(per_class) >= 1


def test_a_wrong_split_or_index_is_refused():
    with pytest.raises(ConfigError, match="'val'; known: train, test, test-decorrelated"):
        render(SMALL, "val", 0)
    for index in (-1, 1000):
        with pytest.raises(IndexError, match=f"images 0 to 999, not {index}"):
            render(SMALL, "test", index)
