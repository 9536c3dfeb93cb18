import dataclasses

import pytest

from audit.data.decoy import CLASSES, DEFAULT_PLANTS, DecoySpec, Plant
from audit.data.decoy import spec as spec_module
from audit.errors import ConfigError


def test_the_default_plants_three_shortcuts_and_leaves_seven_classes_clean():
    assert len(CLASSES) == 10
    assert {plant.kind for plant in DEFAULT_PLANTS} == {"patch", "tint", "watermark"}
    assert len({plant.class_name for plant in DEFAULT_PLANTS}) == 3
    assert {plant.rate for plant in DEFAULT_PLANTS} == {0.95}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("watermrk", "ring", 0.9), ["'watermrk'", "did you mean 'watermark'?"]),
        (("blob", "ring", 0.9), ["'blob'", "known: cast, companion, patch"]),
        (("patch", "rinq", 0.9), ["'rinq'", "did you mean 'ring'?"]),
        (("patch", "ring", 0.0), ["'patch'", "'ring'", "0.0", "above 0 and up to 1"]),
        (("patch", "ring", 1.5), ["1.5", "above 0 and up to 1"]),
        (("patch", "ring", float("nan")), ["nan", "above 0 and up to 1"]),
    ],
)
def test_a_bad_plant_is_refused(arguments, said):
    with pytest.raises(ConfigError) as error:
        Plant(*arguments)
    assert all(words in str(error.value) for words in said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": 31}, ["size 31", "at least 32"]),
        ({"seed": -1}, ["seed -1", "at least 0"]),
        ({"train": 0}, ["train 0", "at least 1"]),
        ({"test": 0}, ["test 0", "at least 1"]),
        (
            {"plants": (Plant("tint", "ball", 0.5), Plant("patch", "ball", 0.5))},
            ["'ball'", "at most one", "classes without: cross, fish"],
        ),
    ],
)
def test_a_bad_spec_is_refused(changes, said):
    with pytest.raises(ConfigError) as error:
        DecoySpec(**changes)
    assert all(words in str(error.value) for words in said)


def test_an_unknown_split_is_refused():
    with pytest.raises(ConfigError, match="'tset'; did you mean 'test'"):
        DecoySpec().count("tset")


def test_every_field_is_in_the_key():
    default = DecoySpec()
    others = [
        dataclasses.replace(default, **change)
        for change in (
            {"size": 64},
            {"seed": 1},
            {"train": 10},
            {"test": 10},
            {"plants": ()},
            {"plants": (Plant("tint", "ball", 0.5),)},
            {"plants": (Plant("tint", "ball", 0.6),)},
            {"plants": (Plant("tint", "star", 0.5),)},
            {"plants": (Plant("patch", "ball", 0.5),)},
        )
    ]
    assert len({spec.key for spec in [default, *others]}) == 10


def test_the_generators_version_is_in_the_key(monkeypatch):
    before = DecoySpec().key
    monkeypatch.setattr(spec_module, "VERSION", spec_module.VERSION + 1)
    assert DecoySpec().key != before


def test_the_order_of_plants_means_nothing():
    assert DecoySpec(plants=DEFAULT_PLANTS[::-1]).key == DecoySpec().key
    assert DecoySpec(plants=(Plant("tint", "ball", 1),)).key == (
        DecoySpec(plants=(Plant("tint", "ball", 1.0),)).key
    )
