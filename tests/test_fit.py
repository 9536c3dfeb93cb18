import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from audit.auditing import run_audit
from audit.config import FitConfig, RunConfig
from audit.data.scenes import CaptionsSpec, VqaSpec, prepare_captions, prepare_vqa
from audit.errors import ConfigError, DataError
from audit.fit import fit
from audit.models.classifier import load_classifier


@pytest.fixture
def colours(tmp_path):
    """Sixteen red and sixteen blue pictures of two sizes, one of them broken, in class folders."""
    rng = np.random.default_rng(0)
    for channel, name in ((0, "red"), (2, "blue")):
        folder = tmp_path / "colours" / "train" / name
        folder.mkdir(parents=True)
        for i in range(16):
            pixels = rng.integers(0, 60, (40 + i, 48, 3), dtype=np.uint8)
            pixels[..., channel] += 190
            Image.fromarray(pixels).save(folder / f"{i}.png")
    (tmp_path / "colours" / "train" / "red" / "broken.png").write_bytes(b"\x89PNG")
    return tmp_path / "colours"


@pytest.fixture
def config(colours, tmp_path):
    return FitConfig(
        dataset="folder",
        data_root=colours,
        input_size=32,
        epochs=3,
        batch_size=8,
        output=tmp_path / "model.safetensors",
    )


def test_what_was_fitted_can_be_audited_as_it_lies(config, tmp_path):
    said = []
    checkpoint = fit(config, said.append)
    assert "33 images" in said[-1]
    sidecar = json.loads(checkpoint.with_suffix(".json").read_text())
    assert sidecar["architecture"] == "small_resnet"
    assert sidecar["classes"] == ["blue", "red"]
    assert sidecar["target_layer"] == "layer3"
    audited = RunConfig(
        dataset="folder",
        data_root=config.data_root,
        split="train",
        checkpoint=checkpoint,
        runs_dir=tmp_path / "runs",
    )
    folder = run_audit(audited).parents[1]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["accuracy"]["value"] == 1
    assert summary["counts"]["unreadable"] == 1
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["model"]["preprocessing"]["resize"] == 32
    assert manifest["model"]["grid"] == [4, 4]


def test_the_seed_decides(config):
    first = fit(config).read_bytes()
    assert fit(config).read_bytes() == first
    assert fit(replace(config, seed=1)).read_bytes() != first


def test_images_of_different_sizes_need_an_input_size(config):
    with pytest.raises(ConfigError, match="--input-size"):
        fit(replace(config, input_size=None))


def test_one_class_teaches_nothing(config, colours):
    for file in (colours / "train" / "blue").iterdir():
        file.unlink()
    with pytest.raises(DataError, match="fewer than two"):
        fit(config)


@pytest.mark.parametrize(
    ("option", "value"), [("epochs", 0), ("batch_size", 1), ("seed", -1), ("workers", -1)]
)
def test_bad_numbers_are_refused(config, option, value):
    with pytest.raises(ConfigError, match=f"{value}"):
        fit(replace(config, **{option: value}))


def test_the_output_must_be_safetensors(config, tmp_path):
    with pytest.raises(ConfigError, match=r"model\.pt.*safetensors"):
        fit(replace(config, output=tmp_path / "model.pt"))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Two dozen drawn scenes with questions, and as many with captions."""
    root = tmp_path_factory.mktemp("scenes")
    return {
        "vqa": prepare_vqa(root, VqaSpec(size=64, train=24, test=1)),
        "coco-captions": prepare_captions(root, CaptionsSpec(size=64, train=24, test=1)),
    }


def text_config(scenes, dataset, output):
    return FitConfig(dataset, scenes[dataset], epochs=1, workers=0, output=output)


@pytest.mark.parametrize(
    ("dataset", "model", "judged"),
    [("vqa", "small_vqa", "answers"), ("coco-captions", "small_captioner", "words")],
)
def test_what_comes_with_the_images_decides_on_the_model(scenes, tmp_path, dataset, model, judged):
    said = []
    config = text_config(scenes, dataset, tmp_path / "model.safetensors")
    checkpoint = fit(config, said.append)
    assert said[-1].startswith(f"fitted {model} on 24 images of {dataset} train: ")
    assert said[-1].endswith(f"of the {judged} right in the last pass")
    first = checkpoint.read_bytes()
    assert fit(replace(config, model=model)).read_bytes() == first
    loaded = load_classifier(checkpoint=checkpoint)
    assert loaded.architecture == model
    assert "star" in loaded.module.vocabulary.words
    assert (loaded.outputs is None) == (dataset == "coco-captions")
    assert loaded.preprocessing.mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("dataset", "model", "told"),
    [
        ("coco-captions", "small_resnet", "a caption with each image, which only small_captioner"),
        ("coco-captions", "small_vqa", "a caption with each image, which only small_captioner"),
        ("vqa", "resnet18", "a question with each image, which only small_vqa"),
    ],
)
def test_a_model_that_does_not_learn_the_texts_is_refused(scenes, tmp_path, dataset, model, told):
    config = text_config(scenes, dataset, tmp_path / "model.safetensors")
    with pytest.raises(ConfigError, match=f"--model {model}: {dataset} has {told} learns"):
        fit(replace(config, model=model))


def test_a_model_of_texts_needs_texts(config):
    with pytest.raises(ConfigError, match="small_vqa: folder has neither questions nor captions"):
        fit(replace(config, model="small_vqa"))
