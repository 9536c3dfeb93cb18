import json

import numpy as np
import pytest
from PIL import Image

from audit.data.catalogue import open_source
from audit.data.coco_captions import CaptionsSource
from audit.data.scenes import CaptionsSpec, VqaSpec, prepare_captions, prepare_vqa, render_scene
from audit.data.scenes import store as store_module
from audit.data.scenes.questions import ask, caption_of
from audit.data.scenes.scene import Purpose, scene_stream
from audit.data.vqa import VqaSource
from audit.errors import ConfigError, DataError
from audit.records import OTHER, UNCLASSED

VQA = VqaSpec(size=64, train=3, test=2)
CAPTIONS = CaptionsSpec(size=64, train=3, test=2)


@pytest.fixture(scope="module")
def vqa(tmp_path_factory):
    return prepare_vqa(tmp_path_factory.mktemp("data"), VQA)


@pytest.fixture(scope="module")
def captions(tmp_path_factory):
    return prepare_captions(tmp_path_factory.mktemp("data"), CAPTIONS)


def test_images_are_the_scenes_bit_for_bit(vqa):
    assert vqa.parts[-2:] == ("decoy-vqa", VQA.key)
    for split in VQA.splits:
        files = sorted((vqa / split).iterdir())
        assert len(files) == VQA.count(split)
        for index, file in enumerate(files):
            assert file.name == f"COCO_{split}_{index + 1:012d}.png"
            with Image.open(file) as image:
                assert np.array_equal(np.asarray(image), render_scene(VQA, split, index).pixels)


def test_a_question_comes_back_with_its_answer_and_the_object_it_rests_on(vqa):
    source = VqaSource(vqa, "test-decorrelated")
    listing = source.listing
    assert len(listing) == 8
    assert source.warnings == ()
    for index in range(2):
        scene = render_scene(VQA, "test-decorrelated", index)
        rng = scene_stream(VQA, "test-decorrelated", index, Purpose.QUESTIONS)
        for number, question in enumerate(ask(rng, scene.objects)):
            row = 4 * index + number
            assert listing.texts[row] == {"question": question.text}
            assert listing.classes[listing.labels[row]] == question.answer
            assert source.slices(row) == {"question_type": question.type, "answer_type": "other"}
            reading = source.read(row)
            assert np.array_equal(reading.pixels, scene.pixels)
            objects = reading.annotation.objects
            assert [one.label for one in objects] == [
                UNCLASSED if place == question.about else OTHER
                for place in range(len(scene.objects))
            ]
            assert all(map(np.array_equal, [one.mask for one in objects], scene.masks))


def test_a_caption_comes_back_with_its_objects(captions):
    source = CaptionsSource(captions, "train")
    assert len(source.listing) == 3
    assert source.warnings == ()
    for index in range(3):
        scene = render_scene(CAPTIONS, "train", index)
        assert source.listing.texts[index] == {"caption": caption_of(scene.objects)}
        objects = source.read(index).annotation.objects
        n = len(scene.objects)
        assert [one.label for one in objects[:n]] == [UNCLASSED] * n
        assert [source.listing.classes[one.label] for one in objects[n:]] == [
            one.shape for one in scene.objects
        ]
        for half in (objects[:n], objects[n:]):
            assert all(map(np.array_equal, [one.mask for one in half], scene.masks))


def test_it_is_made_once_and_mended(vqa, monkeypatch):
    root = vqa.parents[1]
    lost = vqa / "test" / "COCO_test_000000000001.png"
    held = lost.read_bytes()
    lost.unlink()
    assert prepare_vqa(root, VQA) == vqa
    assert lost.read_bytes() == held
    monkeypatch.setattr(store_module, "render_scene", lambda *_: pytest.fail("made again"))
    assert prepare_vqa(root, VQA) == vqa


def test_the_record_names_every_file(captions):
    record = json.loads((captions / "decoy-captions.json").read_text())
    assert record["spec"] == CAPTIONS.as_json()
    every = {path.relative_to(captions).as_posix() for path in captions.rglob("*.*")}
    assert set(record["files"]) == every - {"decoy-captions.json"}


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def fail(spec, split, index):
        if index == 1:
            raise OSError(28, "No space left on device")
        return render_scene(spec, split, index)

    monkeypatch.setattr(store_module, "render_scene", fail)
    with pytest.raises(DataError, match=r"cannot write the decoy-vqa dataset to .*No space left"):
        prepare_vqa(tmp_path, VQA)
    assert [path for path in (tmp_path / "decoy-vqa").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("dataset", "split", "message"),
    [
        ("decoy-vqa", "val", "--split val: decoy-vqa has no such split; known: train, test, test-"),
        ("decoy-captions", "test-decorrelated", "decoy-captions has no such split"),
    ],
)
def test_another_split_is_refused_before_anything_is_drawn(tmp_path, dataset, split, message):
    with pytest.raises(ConfigError) as error:
        open_source(dataset, tmp_path, split)
    assert message in str(error.value)
    assert error.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_the_catalogue_opens_what_was_made(vqa, captions, monkeypatch):
    monkeypatch.setattr("audit.data.vqa.prepare_vqa", lambda _root: vqa)
    monkeypatch.setattr("audit.data.coco_captions.prepare_captions", lambda _root: captions)
    assert len(open_source("decoy-vqa", vqa, "train").listing) == 12
    assert len(open_source("decoy-captions", captions, "test").listing) == 2
    assert len(open_source("vqa", vqa, "test").listing) == 8
    assert len(open_source("coco-captions", captions, "train").listing) == 3
