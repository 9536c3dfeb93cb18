from dataclasses import replace

import numpy as np
import pytest
import torch

from audit.config import RunConfig
from audit.data.stl10 import open_stl10
from audit.errors import ConfigError
from audit.region_choice import RegionChoice, asked_regions, choose_regions


def _chosen(config: RunConfig) -> RegionChoice:
    source = open_stl10(config.data_root, "test")
    return choose_regions(config, source, np.arange(24), torch.device("cpu"), print)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("coco:", r"--regions coco:: did you mean 'coco:FILE'"),
        ("cocoo:a.json", r"--regions cocoo:a.json: known: native, none, auto, coco:FILE"),
        ("nativ", r"--regions nativ: did you mean 'native'"),
        ("none:x", r"--regions none:x: "),
    ],
)
def test_what_is_no_form_is_named(run_config: RunConfig, asked: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        asked_regions(replace(run_config, regions=asked))


def test_a_dataset_has_its_own_default(run_config: RunConfig) -> None:
    assert asked_regions(replace(run_config, regions="")) == "auto"
    assert asked_regions(replace(run_config, regions="", dataset="folder")) == "native"
    assert asked_regions(replace(run_config, regions="voc:a:b")) == "voc:a:b"


def test_a_dataset_without_regions_is_told_of_the_ways_to_have_some(
    run_config: RunConfig,
) -> None:
    found = _chosen(replace(run_config, regions="native"))
    assert (found.regions, found.how, found.digest) == ("native", "native", "")
    (note,) = found.notes
    assert note.startswith("the dataset brings no regions, so where a map should lie is unknown")
    assert note.endswith(
        "and coco:FILE, voc:FOLDER, masks:FOLDER, boxes:FILE.csv|.parquet read yours"
    )


def test_none_is_what_was_asked_for(run_config: RunConfig) -> None:
    assert _chosen(replace(run_config, regions="none")) == RegionChoice(None, "none")
