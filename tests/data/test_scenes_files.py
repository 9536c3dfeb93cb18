import numpy as np
import pytest

from audit.data.scenes.files import captions_files, image_name, shown, vqa_files
from audit.data.scenes.objects import SceneObject
from audit.data.scenes.questions import ask
from audit.data.scenes.scene import Purpose, Scene, scene_stream
from audit.data.scenes.spec import CaptionsSpec, VqaSpec
from audit.regions.coco_shapes import shape_of

SPEC = VqaSpec(size=64, train=1, test=1)


@pytest.fixture
def scene():
    """A red star in the first pixel, and a blue moon of rows 1 to 2 and columns 2 to 3."""
    masks = np.zeros((2, 4, 5), dtype=bool)
    masks[0, 0, 0] = True
    masks[1, 1:3, 2:4] = True
    objects = (
        SceneObject("star", "red", "striped", "left"),
        SceneObject("moon", "blue", "plain", "right"),
    )
    return Scene(np.zeros((4, 5, 3), dtype=np.uint8), objects, masks)


def test_masks_are_exact_runs_down_the_columns(scene):
    found = shown(scene)
    assert found.runs == ([0, 1, 19], [9, 2, 2, 2, 5])
    assert found.boxes == ([0, 0, 1, 1], [2, 1, 2, 2])
    for runs, mask in zip(found.runs, scene.masks, strict=True):
        shape = shape_of({"size": [4, 5], "counts": runs}, (4, 5))
        assert np.array_equal(shape.drawn((4, 5)), mask)


def test_a_mask_that_ends_in_the_last_pixel():
    mask = np.zeros((1, 2, 2), dtype=bool)
    mask[0, 1, 1] = True
    assert shown(Scene(np.zeros((2, 2, 3), np.uint8), (), mask)).runs == ([3, 1],)


def test_vqa_v2s_files(scene):
    files = vqa_files(SPEC, "test", [shown(scene)])
    asked = ask(scene_stream(SPEC, "test", 0, Purpose.QUESTIONS), scene.objects)
    assert list(files) == [
        "v2_OpenEnded_mscoco_test_questions.json",
        "v2_mscoco_test_annotations.json",
        "regions_test.json",
        "annotations/instances_test.json",
    ]
    questions, annotations, regions, _ = files.values()
    assert questions["data_type"] == annotations["data_type"] == "mscoco"
    assert questions["data_subtype"] == annotations["data_subtype"] == "test"
    assert questions["questions"] == [
        {"image_id": 1, "question": each.text, "question_id": 1000 + number}
        for number, each in enumerate(asked)
    ]
    first = annotations["annotations"][0]
    people = first.pop("answers")
    assert first == {
        "image_id": 1,
        "question_id": 1000,
        "question_type": "what color is",
        "answer_type": "other",
        "multiple_choice_answer": asked[0].answer,
    }
    assert len(people) == 10
    assert people[0] == {"answer": asked[0].answer, "answer_confidence": "yes", "answer_id": 1}
    assert regions["format"] == "cam-audit-vqa-regions/1"
    assert regions["regions"] == [
        {"question_id": 1000 + number, "annotation_ids": [10 + each.about]}
        for number, each in enumerate(asked)
    ]


def test_cocos_files(scene):
    files = captions_files(CaptionsSpec(), "train", [shown(scene)])
    assert list(files) == ["annotations/captions_train.json", "annotations/instances_train.json"]
    captions, instances = files.values()
    images = [{"id": 1, "file_name": "COCO_train_000000000001.png", "height": 4, "width": 5}]
    assert captions["images"] == instances["images"] == images
    assert image_name("train", 0) == images[0]["file_name"]
    assert captions["annotations"] == [
        {"id": 1, "image_id": 1, "caption": "a red star and a blue moon"}
    ]
    names = ["ball", "cross", "fish", "heart", "moon", "star"]
    assert [(one["id"], one["name"]) for one in instances["categories"]] == list(
        enumerate(names, 1)
    )
    assert instances["annotations"] == [
        {
            "id": 10 + place,
            "image_id": 1,
            "category_id": category,
            "iscrowd": 0,
            "segmentation": {"size": [4, 5], "counts": counts},
            "bbox": box,
            "area": area,
        }
        for place, category, counts, box, area in (
            (0, 6, [0, 1, 19], [0, 0, 1, 1], 1),
            (1, 5, [9, 2, 2, 2, 5], [2, 1, 2, 2], 4),
        )
    ]
