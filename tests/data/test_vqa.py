import json
import pickle

import numpy as np
import pytest
from PIL import Image

from audit.data.base import Source
from audit.data.vqa import VqaSource
from audit.errors import DataError
from audit.records import OTHER, UNCLASSED


def write(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


def photo(file, size=(48, 32), **more):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (10, 20, 30)).save(file, **more)


def asked(number, image, text="what is it?"):
    return {"question_id": number, "image_id": image, "question": text}


def answered(number, image, answer, **more):
    return {"question_id": number, "image_id": image, "multiple_choice_answer": answer} | more


def put(root, subset, questions, answers=None):
    write(root / f"v2_OpenEnded_mscoco_{subset}_questions.json", {"questions": questions})
    if answers is not None:
        write(root / f"v2_mscoco_{subset}_annotations.json", {"annotations": answers})


def thing(number, image, box):
    return {"id": number, "image_id": image, "category_id": 1, "bbox": box}


def put_regions(root, subset, regions, annotations):
    name = "COCO_{}_{:012d}.jpg"
    images = sorted({one["image_id"] for one in annotations})
    instances = {
        "images": [
            {"id": key, "file_name": name.format(subset, key), "width": 48, "height": 32}
            for key in images
        ],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": annotations,
    }
    write(root / "annotations" / f"instances_{subset}.json", instances)
    held = {"format": "cam-audit-vqa-regions/1", "regions": regions}
    write(root / f"regions_{subset}.json", held)


@pytest.fixture
def val(tmp_path):
    """Four questions about three images, of which the last is missing; one has no answer."""
    questions = [asked(421, 42, "what?"), asked(71, 7), asked(420, 42, "where?"), asked(9, 9)]
    answers = [
        answered(420, 42, "left", question_type="where", answer_type="other"),
        answered(421, 42, "cat", question_type="what"),
        answered(9, 9, "cat"),
    ]
    put(tmp_path, "val2014", questions, answers)
    photo(tmp_path / "val2014" / "COCO_val2014_000000000042.jpg")
    photo(tmp_path / "val2014" / "COCO_val2014_000000000007.png")
    return tmp_path


def test_a_row_a_question_in_the_order_of_the_file(val):
    source: Source = VqaSource(val, "val")
    listing = source.listing
    jpeg, png, missing = (
        f"val2014/COCO_val2014_{name}"
        for name in ("000000000042.jpg", "000000000007.png", "000000000009.jpg")
    )
    assert listing.classes == ("cat", "left")
    assert listing.labels.tolist() == [0, -1, 1, 0]
    assert listing.labels.dtype == listing.sizes.dtype == np.int64
    assert listing.paths == (jpeg, png, jpeg, missing)
    sizes = [(val / name).stat().st_size for name in (jpeg, png)]
    assert listing.sizes.tolist() == [sizes[0], sizes[1], sizes[0], 0]
    assert listing.texts == tuple(
        {"question": text} for text in ("what?", "what is it?", "where?", "what is it?")
    )
    assert listing.present is None
    assert [source.slices(row) for row in range(4)] == [
        {"question_type": "what"},
        {},
        {"question_type": "where", "answer_type": "other"},
        {},
    ]
    assert source.warnings == (
        "questions without an answer, kept without label: 1 ('what is it?')",
        f"images whose file is missing: 1 ('{missing}')",
    )


def test_vqa_v2_itself_says_nothing_of_regions(val):
    write(val / "annotations" / "instances_val2014.json", ["not read"])
    source = pickle.loads(pickle.dumps(VqaSource(val, "val")))  # noqa: S301 - our own
    assert source.listing.annotations == ""
    reading = source.read(0)
    assert reading.pixels.shape == (32, 48, 3)
    assert reading.annotation.objects == ()
    assert source.read(3).pixels is None
    assert "no such file" in source.read(3).detail


def test_a_split_without_answers(tmp_path):
    put(tmp_path, "test2015", [asked(1, 42), asked(2, 42)])
    photo(tmp_path / "images" / "COCO_test2015_000000000042.jpeg")
    source = VqaSource(tmp_path, "test")
    assert source.listing.classes == ()
    assert source.listing.labels.tolist() == [-1, -1]
    assert source.slices(0) == {}
    assert source.warnings == (
        "there is no v2_mscoco_test2015_annotations.json: no question has an answer, so none has a "
        "label",
    )


def test_the_objects_that_an_answer_rests_on(val):
    """421 rests on 11, 420 on both of its image; nothing is said of 71's, and 9's is missing."""
    boxes = {11: [4, 2, 20, 16], 12: [30, 0, 10, 10], 13: [1, 1, 8, 8]}
    annotations = [
        thing(11, 42, boxes[11]),
        thing(12, 42, boxes[12]),
        thing(13, 7, boxes[13]),
    ]
    regions = [
        {"question_id": 420, "annotation_ids": [11, 12]},
        {"question_id": 421, "annotation_ids": [11]},
        {"question_id": 9, "annotation_ids": []},
    ]
    put_regions(val, "val2014", regions, annotations)
    source = VqaSource(val, "val2014")
    assert source.listing.annotations
    first, second, third = (source.read(row).annotation.objects for row in (0, 1, 2))
    assert [(one.box, one.label) for one in first] == [
        ((4.0, 2.0, 24.0, 18.0), UNCLASSED),
        ((30.0, 0.0, 40.0, 10.0), OTHER),
    ]
    assert second == ()
    assert [one.label for one in third] == [UNCLASSED, UNCLASSED]
    assert source.read(3).annotation.objects == ()


def test_regions_follow_a_photo_that_exif_turns(tmp_path):
    """Stored as 48×32, turned by EXIF 6: x 4–24, y 2–18 become y 4–24, x 14–30."""
    put(tmp_path, "train", [asked(1, 42)], [answered(1, 42, "cat")])
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(tmp_path / "train" / "COCO_train_000000000042.jpg", exif=exif)
    regions = [{"question_id": 1, "annotation_ids": [5]}]
    put_regions(tmp_path, "train", regions, [thing(5, 42, [4, 2, 20, 16])])
    annotation = VqaSource(tmp_path, "train").read(0).annotation
    assert [one.box for one in annotation.objects] == [(14.0, 4.0, 30.0, 24.0)]
    assert "turned upright" in annotation.note


@pytest.mark.parametrize("split", ["val", "val2014", "val2015"])
def test_a_split_may_be_named_with_its_year(tmp_path, split):
    put(tmp_path, split if split != "val" else "val2015", [asked(1, 42)])
    photo(tmp_path / f"COCO_{split if split != 'val' else 'val2015'}_000000000042.jpg")
    assert len(VqaSource(tmp_path, split).listing) == 1


def test_another_split_is_named(tmp_path):
    for subset in ("train2014", "val2014", "test-dev2015", "mine"):
        put(tmp_path, subset, [asked(1, 42)])
    with pytest.raises(DataError) as error:
        VqaSource(tmp_path, "test")
    assert str(error.value) == (
        f"no VQA questions file of split 'test' in {str(tmp_path)!r} (looked for "
        "v2_OpenEnded_mscoco_test_questions.json, v2_OpenEnded_mscoco_test2014_questions.json, "
        "v2_OpenEnded_mscoco_test2015_questions.json): choose --split from mine, test-dev, train, "
        "val"
    )


def test_no_folder_no_split_no_image(tmp_path):
    with pytest.raises(DataError, match="--data-root must be the folder of a VQA dataset"):
        VqaSource(tmp_path / "none", "val")
    with pytest.raises(DataError, match="and there is none of another split"):
        VqaSource(tmp_path, "val")
    put(tmp_path, "val", [asked(1, 42)])
    with pytest.raises(DataError, match=r"none of the 1 images \('COCO_val_000000000042', each"):
        VqaSource(tmp_path, "val")


def test_an_image_is_looked_at_once_however_often_it_is_asked_about(tmp_path, monkeypatch):
    from audit.data import vqa as module

    put(tmp_path, "val", [asked(n, 42) for n in range(50)])
    photo(tmp_path / "val" / "COCO_val_000000000042.jpg")
    sizes = []

    def size(file):
        sizes.append(file.name)
        return 5

    monkeypatch.setattr(module, "file_size", size)
    assert VqaSource(tmp_path, "val").listing.sizes.tolist() == [5] * 50
    assert len(sizes) == 1
