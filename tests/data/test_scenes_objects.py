"""What is biased in the drawn scenes, and that nothing else is: measured on the scenes."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from audit.data.scenes.objects import draw_objects
from audit.data.scenes.scene import objects_of
from audit.data.scenes.spec import COLOURS, OWN_PATTERN, PATTERNS, SHAPES, SIDES, VqaSpec

SPEC = VqaSpec(train=2500, test=2500)
KNOWN = {"shape": SHAPES, "colour": COLOURS, "pattern": PATTERNS, "side": SIDES}


@pytest.fixture(scope="module")
def scenes():
    return {
        split: [objects_of(SPEC, split, index) for index in range(SPEC.count(split))]
        for split in SPEC.splits
    }


def _dependence(objects, one, other):
    """Cramér's V of two attributes: 0 independent, 1 determined."""
    table = np.zeros((len(KNOWN[one]), len(KNOWN[other])))
    for each in objects:
        row, column = (KNOWN[name].index(getattr(each, name)) for name in (one, other))
        table[row, column] += 1
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    chi2 = ((table - expected) ** 2 / expected).sum()
    return np.sqrt(chi2 / table.sum() / (min(table.shape) - 1))


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_pattern_follows_from_the_shape_in_the_biased_splits(scenes, split):
    objects = [one for scene in scenes[split] for one in scene]
    assert all(one.pattern == OWN_PATTERN[one.shape] for one in objects)
    assert _dependence(objects, "shape", "pattern") == pytest.approx(1)


def test_the_pattern_is_free_in_the_decorrelated_split(scenes):
    objects = [one for scene in scenes["test-decorrelated"] for one in scene]
    own = np.mean([one.pattern == OWN_PATTERN[one.shape] for one in objects])
    assert own == pytest.approx(1 / 3, abs=0.02)
    assert _dependence(objects, "shape", "pattern") < 0.04


@pytest.mark.parametrize("split", SPEC.splits)
def test_nothing_else_depends_on_anything(scenes, split):
    """By chance alone V is about the root of the degrees of freedom / 7500 objects: up to 0.03."""
    objects = [one for scene in scenes[split] for one in scene]
    for pair in combinations(KNOWN, 2):
        if pair != ("shape", "pattern"):
            assert _dependence(objects, *pair) < 0.045, pair


@pytest.mark.parametrize("split", SPEC.splits)
def test_every_value_is_as_frequent_as_its_fellows(scenes, split):
    objects = [one for scene in scenes[split] for one in scene]
    for name, known in KNOWN.items():
        shares = np.array([Counter(getattr(one, name) for one in objects)[word] for word in known])
        assert shares / len(objects) == pytest.approx(1 / len(known), abs=0.02), name


@pytest.mark.parametrize("split", SPEC.splits)
def test_shapes_and_colours_name_one_object_and_a_side_holds_at_most_two(scenes, split):
    for scene in scenes[split]:
        assert 2 <= len(scene) <= 4
        assert len({one.shape for one in scene}) == len({one.colour for one in scene}) == len(scene)
        assert max(Counter(one.side for one in scene).values()) <= 2
    assert {len(scene) for scene in scenes[split]} == {2, 3, 4}


def test_a_share_of_one_and_of_none():
    rng = np.random.default_rng(0)
    for share in (0.0, 1.0):
        drawn = [one for _ in range(50) for one in draw_objects(rng, (2, 4), share)]
        own = {one.pattern == OWN_PATTERN[one.shape] for one in drawn}
        assert own == {share == 1.0}
