"""What a plan settles about maps: the method, the layers, and what a coarse grid is told."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from audit.auditing import run_audit
from audit.config import RunConfig
from audit.errors import ConfigError, ModelError
from audit.explain.methods import METHODS
from audit.models.architectures import build_module
from audit.models.layout import Layout
from audit.plan import make_plan
from audit.tasks.among import Questions


@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_a_run(run_config, method):
    report = run_audit(replace(run_config, method=method, limit=4, max_cases=0))
    manifest = json.loads((report.parents[1] / "manifest.json").read_text())
    assert manifest["method"] == method
    assert manifest["model"]["layout"] == ["maps 12×12"]


def test_the_method_is_in_the_fingerprint_and_the_nearest_is_told(run_config):
    plans = [make_plan(replace(run_config, method=method)) for method in ("cam", "grad-cam")]
    assert plans[0].fingerprint_id != plans[1].fingerprint_id
    with pytest.raises(ConfigError, match=r"--method layer_cam: .*did you mean 'layer-cam'"):
        make_plan(replace(run_config, method="layer_cam"))


def test_cam_is_refused_where_it_has_no_meaning(run_config):
    with pytest.raises(ModelError, match=r"--method cam needs .* after layer2: .*grad-cam"):
        make_plan(replace(run_config, method="cam", target_layer="layer2"))


def test_several_layers_share_the_finest_grid(run_config):
    plan = make_plan(replace(run_config, target_layer="layer3,layer2"))
    assert plan.layouts == (Layout("maps", (12, 12)), Layout("maps", (24, 24)))
    assert plan.grid == (24, 24)
    run_audit(replace(run_config, target_layer="layer3,layer2", limit=4, max_cases=0))


def _random_weights(tmp_path, name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = build_module(name, 10).state_dict()
    path = tmp_path / f"{name.removeprefix('timm:')}.pth"
    torch.save(state, path)
    return path


def test_a_coarse_grid_is_told_a_finer_layer_and_its_cost(run_config, tmp_path):
    config: RunConfig = replace(
        run_config, model="resnet18", checkpoint=_random_weights(tmp_path, "resnet18")
    )
    (told,) = [line for line in make_plan(config).warnings if "cells" in line]
    # layer4 at 7×7: 256·512·9 + 3·512·512·9 + 256·512 weights times 49 cells are 411 of 1814 M
    assert told.startswith("the maps of layer4 have 3×3 cells, a cell covers much of the view")
    assert "--target-layer layer3 has 6×6, and each map costs about 23% of a forward" in told


def test_tokens_make_a_run(run_config, tmp_path):
    pytest.importorskip("timm")
    name = "timm:vit_tiny_patch16_224"
    checkpoint = _random_weights(tmp_path, name)
    config = replace(run_config, model=name, checkpoint=checkpoint, input_size=224, limit=4)
    report = run_audit(replace(config, max_cases=0))
    manifest = json.loads((report.parents[1] / "manifest.json").read_text())
    assert manifest["model"]["grid"] == [14, 14]
    assert manifest["model"]["layout"] == ["tokens 14×14, 1 without a place dropped"]


def _with_texts(plan, *texts):
    """``plan`` with a text for every image, in turn; none: as a dataset without any."""
    listing = plan.source.listing
    given = tuple(texts[i % len(texts)] for i in range(len(listing))) if texts else None
    return replace(plan, source=SimpleNamespace(listing=replace(listing, texts=given)))


def test_texts_are_part_of_the_fingerprint(run_config):
    plan = make_plan(run_config)
    red, blue, said = {"question": "red?"}, {"question": "blue?"}, {"caption": "red?"}
    asked = _with_texts(plan, red, blue)
    assert asked.differs(_with_texts(plan, red, blue).fingerprint) == []
    for other in ((blue, red), (red,), (said, blue), ()):
        assert asked.differs(_with_texts(plan, *other).fingerprint) == ["dataset"]
    assert asked.fingerprint_id != plan.fingerprint_id
    assert _with_texts(plan).fingerprint == plan.fingerprint


def test_hostile_texts_have_a_fingerprint(run_config):
    plan = make_plan(run_config)
    ids = {
        _with_texts(plan, {"question": text}).fingerprint_id
        for text in ("", "où?", "\ud800", "\x00", '"}', "x" * 10_000)
    }
    assert len(ids) == 6


class Asked(nn.Module):
    """Takes a question with every image."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, images, questions):
        assert len(questions) == len(images)
        return self.body(images)


@pytest.fixture
def questions_config(run_config, monkeypatch):
    """The images of ``run_config``, each with a question, and a model that takes them."""
    plan = make_plan(run_config)

    class Source:
        images, masks, warnings = plan.source.images, None, ()
        listing = _with_texts(plan, {"question": "what is it?"}).source.listing

    module = Asked(plan.classifier.module).eval()
    classifier = replace(plan.classifier, module=module, target_layers=("body.layer3",))
    monkeypatch.setattr("audit.plan.open_source", lambda *_: Source())
    monkeypatch.setattr("audit.plan.choose_classifier", lambda *_: classifier)
    return run_config


def test_a_dataset_of_questions_makes_a_plan_that_asks_them(questions_config):
    plan = make_plan(questions_config)
    assert plan.task == Questions(plan.space)
    assert plan.asks_questions
    assert (plan.space.n_classes, plan.grid) == (10, (12, 12))


def test_cam_is_refused_for_questions(questions_config):
    with pytest.raises(ConfigError, match=r"--method cam: CAM explains classifiers .*grad-cam"):
        make_plan(replace(questions_config, method="cam"))


def test_a_classifier_asks_no_questions(run_config):
    assert not make_plan(run_config).asks_questions
