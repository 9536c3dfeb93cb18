import json
from dataclasses import replace
from pathlib import Path

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


def _coco(file: Path, n: int, width: int) -> str:
    """A COCO file of the dataset's first ``n`` images, ``width`` pixels wide and 96 high."""
    content = {
        "images": [
            {"id": i, "file_name": f"{i:06d}.png", "width": width, "height": 96} for i in range(n)
        ],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [1, 1, 9, 9]} for i in range(n)
        ],
    }
    file.write_text(json.dumps(content))
    return f"coco:{file}"


def test_annotations_of_another_size_are_said_before_the_run(
    run_config: RunConfig, tmp_path: Path
) -> None:
    """16 of 24 images are tried, the first 12 of them annotated: 0, 1, 3, 4, 6, 7, 9 and 10."""
    found = _chosen(replace(run_config, regions=_coco(tmp_path / "a.json", 12, 192)))
    assert found.notes[-1] == (
        "of 16 images tried, 8 have annotations that cannot be used, and none has others; "
        "the first, '000000.png': annotations not used: they are of an image of 192×96 pixels "
        "(width×height), this one has 96×96 pixels (width×height)"
    )


@pytest.mark.parametrize("n", [1, 24])
def test_annotations_that_fit_are_not_remarked_on(
    run_config: RunConfig, tmp_path: Path, n: int
) -> None:
    found = _chosen(replace(run_config, regions=_coco(tmp_path / "a.json", n, 96)))
    assert not any("images tried" in note for note in found.notes)
