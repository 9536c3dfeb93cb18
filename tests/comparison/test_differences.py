"""What forbids a comparison is named; what only explains one is told."""

import pytest

from audit.comparison.differences import differences, notes, refuse
from audit.comparison.sides import read_side
from audit.errors import ConfigError, DataError

CLEAN = ("clean", "clean", "clean")


@pytest.fixture
def side(tmp_path, write_run):
    def made(name="other", **more):
        return read_side(write_run(tmp_path / name, 0, CLEAN, **more))

    return made


def test_equal_runs_may_be_compared(side):
    assert differences(side("one"), side("two")) == ()
    refuse(())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"view": [32, 16]}, "model's view: 16×16 against 32×16"),
        ({"method": "layer-cam"}, "method: grad-cam against layer-cam"),
        ({"score_version": 3}, "score version: 2 against 3"),
        ({"regions": "auto"}, "regions: native against auto"),
        (
            {"fingerprint": {"dataset": "00fe", "annotations": "11ee", "device": "cpu"}},
            "dataset's listing (files, sizes, labels): 00ff against 00fe",
        ),
        ({"dataset": {"name": "coco", "classes": []}}, "dataset: shapes against coco"),
    ],
)
def test_what_forbids_it_is_named(side, more, said):
    found = differences(side("one"), side("two", **more))
    assert said in [str(one) for one in found]
    with pytest.raises(ConfigError, match="--force") as raised:
        refuse(found)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_another_target_layer_is_only_noted(side):
    model = side("zero").manifest["model"] | {"target_layer": "layer4"}
    one, two = side("one"), side("two", model=model, seed=1)
    assert differences(one, two) == ()
    assert [str(note) for note in notes(one, two)] == [
        "target layer: layer3 against layer4",
        "seed: 0 against 1",
    ]


def test_a_run_that_goes_on_is_refused(tmp_path, write_run):
    run = write_run(tmp_path / "going", 0, CLEAN, status="running")
    with pytest.raises(DataError, match="finish the run first"):
        read_side(run)


def test_what_is_no_run_is_said(tmp_path):
    with pytest.raises(DataError, match="no run folder at"):
        read_side(tmp_path / "none")
    with pytest.raises(DataError, match=r"no manifest\.json"):
        read_side(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="is not JSON"):
        read_side(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": "other/1"}')
    with pytest.raises(DataError, match="this version reads 'cam-audit-run/1'"):
        read_side(tmp_path)
