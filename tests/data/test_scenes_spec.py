from collections import Counter

import pytest

from audit.data.decoy.outlines import OUTLINES
from audit.data.scenes.spec import OWN_PATTERN, PATTERNS, SHAPES, CaptionsSpec, VqaSpec
from audit.errors import ConfigError


def test_every_pattern_belongs_to_two_of_the_decoys_shapes():
    assert set(SHAPES) == set(OWN_PATTERN) <= set(OUTLINES)
    assert Counter(OWN_PATTERN.values()) == dict.fromkeys(PATTERNS, 2)


def test_splits_and_their_sizes():
    assert [VqaSpec().count(split) for split in VqaSpec.splits] == [2500, 400, 400]
    assert [CaptionsSpec().count(split) for split in ("train", "test")] == [4000, 800]
    with pytest.raises(ConfigError, match="decoy-captions has no such split; did you mean 'test'"):
        CaptionsSpec().count("tests")
    with pytest.raises(ConfigError, match="known: train, test, test-decorrelated"):
        VqaSpec().count("val")


def test_what_is_tied_where():
    spec = VqaSpec(tied=0.8)
    assert [spec.own_share(split) for split in VqaSpec.splits] == [0.8, 0.8, None]
    assert CaptionsSpec().own_share("train") is None


def test_keys_tell_specs_apart_and_equal_ones_alike():
    specs = [
        VqaSpec(),
        VqaSpec(seed=1),
        VqaSpec(size=64),
        VqaSpec(train=1),
        VqaSpec(test=1),
        VqaSpec(tied=0.9),
        CaptionsSpec(),
        CaptionsSpec(train=2500, test=400),
    ]
    assert len({spec.key for spec in specs}) == len(specs)
    assert VqaSpec(tied=1).key == VqaSpec(tied=1.0).key
    assert VqaSpec().as_json() == {
        "dataset": "decoy-vqa",
        "version": 1,
        "size": 96,
        "seed": 0,
        "train": 2500,
        "test": 400,
        "tied": 1.0,
    }


@pytest.mark.parametrize(
    ("spec", "values", "message"),
    [
        (VqaSpec, {"size": 63}, "decoy-vqa size 63: must be at least 64 pixels a side"),
        (VqaSpec, {"seed": -1}, "decoy-vqa seed -1: must be at least 0"),
        (CaptionsSpec, {"train": 0}, "decoy-captions train 0: must be at least 1 scene"),
        (CaptionsSpec, {"test": 0}, "decoy-captions test 0: must be at least 1 scene"),
        (VqaSpec, {"tied": 1.1}, "decoy-vqa tied 1.1: must be a share of the objects, from 0 to 1"),
        (VqaSpec, {"tied": float("nan")}, "decoy-vqa tied nan: must be a share"),
    ],
)
def test_a_spec_out_of_range_is_named(spec, values, message):
    with pytest.raises(ConfigError) as error:
        spec(**values)
    assert str(error.value).startswith(message)
