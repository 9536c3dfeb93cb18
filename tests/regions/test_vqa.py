import json
import re
from pathlib import Path

import numpy as np
import pytest

from audit.data.vqa_files import Questions
from audit.data.vqa_layout import FORMAT
from audit.errors import DataError
from audit.records import OTHER, UNCLASSED
from audit.regions.vqa import AnswerRegions

QUESTIONS = Questions(
    ids=(101, 102, "c"),
    texts=("what?", "where?", "who?"),
    images=np.array([1, 2, 1], dtype=np.int64),
    subset=None,
)
INSTANCES = {
    "images": [
        {"id": 2, "file_name": "b.png", "width": 48, "height": 32},
        {"id": 1, "file_name": "a.png", "width": 48, "height": 32},
    ],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [
        {"id": 11, "image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10]},
        {"id": 12, "image_id": 1, "category_id": 2, "bbox": [10, 0, 10, 10]},
        {"id": 13, "image_id": 1, "category_id": 2, "bbox": [20, 0, 10, 10], "iscrowd": 1},
        {"id": 21, "image_id": 2, "category_id": 2, "bbox": [0, 10, 10, 10]},
    ],
}


@pytest.fixture
def regions(tmp_path):
    def of(*entries, instances=INSTANCES, **more):
        held = {"format": "cam-audit-vqa-regions/1", "regions": list(entries)} | more
        (tmp_path / "regions.json").write_text(json.dumps(held))
        (tmp_path / "instances.json").write_text(json.dumps(instances))
        return AnswerRegions(tmp_path / "regions.json", tmp_path / "instances.json", QUESTIONS)

    return of


def rests(question, *annotations):
    return {"question_id": question, "annotation_ids": list(annotations)}


def test_what_the_answer_rests_on_is_the_object_and_all_else_is_other(regions):
    found = regions(rests(101, 12), rests("c"))
    objects = found.of(0, (32, 48), 1).objects
    assert [(one.box[0], one.label, one.ignore) for one in objects] == [
        (0.0, OTHER, False),
        (10.0, UNCLASSED, False),
        (20.0, OTHER, True),
    ]
    assert found.of(1, (32, 48), 1).objects == ()
    assert [one.label for one in found.of(2, (32, 48), 1).objects] == [OTHER] * 3


def test_the_digest_changes_with_either_file(regions):
    first = regions(rests(101, 12)).digest
    second = regions(rests(101, 11)).digest
    renamed = INSTANCES | {"categories": [{"id": 1, "name": "cow"}, {"id": 2, "name": "dog"}]}
    third = regions(rests(101, 12), instances=renamed).digest
    assert len({first, second, third}) == 3
    assert regions(rests(101, 12)).digest == first


def test_what_is_left_out_is_told(regions):
    bad = {"id": 14, "image_id": 1, "category_id": 1, "bbox": [0, 0, -1, 1]}
    instances = INSTANCES | {"annotations": [*INSTANCES["annotations"], bad]}
    found = regions(rests(101, 14), instances=instances)
    assert any("id 14" in line for line in found.warnings)
    assert [one.label for one in found.of(0, (32, 48), 1).objects] == [OTHER] * 3


def test_annotations_of_an_image_that_the_instances_file_lacks(regions):
    strange = INSTANCES | {"images": INSTANCES["images"][:1]}
    assert regions(rests(101, 11), instances=strange).of(0, (32, 48), 1).objects == ()


@pytest.mark.parametrize(
    "bad",
    [
        1,
        {"question_id": 101},
        {"annotation_ids": [11]},
        {"question_id": [101], "annotation_ids": [11]},
        {"question_id": 101, "annotation_ids": 11},
        {"question_id": 101, "annotation_ids": [True]},
        {"question_id": 101, "annotation_ids": [[11]]},
    ],
)
def test_a_bad_region_is_named(regions, bad):
    with pytest.raises(DataError, match=r"regions need a question_id and annotation_ids .*: 1 \("):
        regions(bad)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([rests(101, 11), rests(101, 12)], "question ids that occur twice: 1 ('101')"),
        ([rests(7, 11)], "regions of questions that the questions file lacks: 1 ('7')"),
        ([rests(101, 11, 99)], "annotation ids that the instances file lacks: 1 ('99')"),
        ([rests(101, 11, 21)], "annotations of another image than their own: 1 ('101')"),
    ],
)
def test_files_that_do_not_belong_together(regions, entries, message):
    with pytest.raises(DataError) as error:
        regions(*entries)
    assert message in str(error.value)


@pytest.mark.parametrize("said", ["cam-audit-vqa-regions/2", None, ["x"], "\ud800" * 300])
def test_another_format_is_refused(regions, said):
    with pytest.raises(DataError, match="known: 'cam-audit-vqa-regions/1'") as error:
        regions(format=said)
    assert len(str(error.value)) < 300
    str(error.value).encode()


def test_the_documented_example_is_one(regions):
    page = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    example = json.loads(block)
    assert example["format"] == FORMAT
    (entry,) = example["regions"]
    objects = [
        {"id": key, "image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9]}
        for key in entry["annotation_ids"]
    ]
    found = regions(entry | {"question_id": 101}, instances=INSTANCES | {"annotations": objects})
    assert [one.label for one in found.of(0, (32, 48), 1).objects] == [UNCLASSED] * 2


def test_regions_without_instances(tmp_path):
    held = {"format": "cam-audit-vqa-regions/1", "regions": []}
    (tmp_path / "regions.json").write_text(json.dumps(held))
    with pytest.raises(DataError, match="an instances JSON is needed"):
        AnswerRegions(tmp_path / "regions.json", tmp_path / "none.json", QUESTIONS)
