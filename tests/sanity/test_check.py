"""The check is seen to pass where maps depend on the model, and to fail where they do not."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from audit.answers import asked
from audit.explain.forward import class_map, forward
from audit.models.weights import hash_weights
from audit.plan import make_plan
from audit.sanity.check import Sample, check, curves, maps_of, randomisation
from audit.sanity.record import depends
from audit.tasks.among import Questions
from audit.tasks.base import Answers
from audit.tasks.own import OwnAnswers


class Pooled(nn.Module):
    """Random feature maps, global average pooling, a linear head."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(3, 16, 4, stride=4), nn.ReLU())
        self.fc = nn.Linear(16, 4)

    def forward(self, x):
        return self.fc(self.maps(x).mean((2, 3)))


@pytest.fixture
def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Pooled().eval().requires_grad_(requires_grad=False)


@pytest.fixture
def sample():
    """Forty images of noise, in batches of sixteen at most."""
    generator = torch.Generator().manual_seed(0)
    views = torch.randint(0, 256, (40, 3, 32, 32), generator=generator).byte()
    chosen = torch.randint(0, 4, (40,), generator=generator)
    index = np.split(np.arange(40), [16, 32])
    pairs = zip(views.split(16), chosen.split(16), strict=True)
    return Sample(tuple(index), views.split(16), tuple(asked(v, None, c) for v, c in pairs))


def _input(view):
    return view.float() / 128 - 1


def _grad_cam(module, view, asking):
    ran = forward(module, ("maps",), _input(view), lambda output: output)
    return class_map(ran, asking.label, "grad-cam", last=True)


def _edges(_module, view, _chosen):
    """What an edge detector would show, whatever the model is."""
    grey = view.float().mean(1)
    return nn.functional.avg_pool2d((grey[:, :, 1:] - grey[:, :, :-1]).abs(), 4)


def _found(net, maps, sample):
    before = maps_of(maps, net, sample)
    return randomisation(before, maps, net, _input, sample, seed=0)


def test_maps_that_depend_on_the_model_fall(net, sample):
    stages = _found(net, _grad_cam, sample)
    assert [(stage.stage, stage.modules) for stage in stages] == [("fc", 1), ("maps.0", 2)]
    assert depends(stages) is True
    assert stages[-1].spearman.high < 0.5
    assert stages[-1].ssim.high < 0.6
    for stage in stages:
        assert stage.spearman.n + stage.without_map == 40


def test_an_edge_detector_fails(net, sample):
    stages = _found(net, _edges, sample)
    assert depends(stages) is False
    for stage in stages:
        assert stage.spearman.value == pytest.approx(1)
        assert stage.ssim.value == pytest.approx(1)
        assert stage.without_map == 0


def test_maps_that_become_zero_are_counted_and_not_scored(net, sample):
    def vanishing(module, view, chosen):
        cams = _edges(module, view, chosen)
        if not torch.equal(module.fc.weight, net.fc.weight):
            cams[::2] = 0  # every second image of each batch: 8 + 8 + 4
            cams[1] = torch.nan  # and one of each batch
        return cams

    (head, _) = _found(net, vanishing, sample)
    assert head.without_map == 20 + 3
    assert head.spearman.n == head.ssim.n == 17
    assert head.spearman.value == pytest.approx(1)


def test_each_group_meets_random_weights_of_its_own(net, sample):
    heads = set()

    def seen(module, view, chosen):
        heads.add(module.fc.weight.sum().item())
        return _edges(module, view, chosen)

    _found(net, seen, sample)
    assert len(heads) == 1 + 3  # the model's own, and one for each of three groups


def test_curves_are_means_over_all_batches(sample):
    """Each image's probability is the share of its top left quarter that is not covered."""
    blank = tuple(torch.zeros_like(view) for view in sample.views)
    for view in blank:
        view[..., :16, :16] = 200  # blurred, these pixels become darker everywhere but inside
    cams = torch.zeros(40, 4, 4)
    cams[:, :2, :2] = 1

    def probability(_chosen, view):
        return (view[:, 0, :16, :16] == 200).flatten(1).float().mean(1)

    deletion, insertion = curves(probability, cams, replace(sample, views=blank), 0)
    assert deletion.difference.n == 40
    assert deletion.difference.high < 0 < insertion.difference.low
    assert deletion.random_auc == insertion.random_auc
    assert deletion.auc - deletion.random_auc == pytest.approx(deletion.difference.value)


def _images(n, status="ok"):
    frame = pd.DataFrame({"index": np.arange(n), "pred_class": np.arange(n) % 10})
    frame["pred_cam_status"] = pd.array([status] * n, dtype="string")
    return frame.astype({"pred_class": "Int32"})


def test_a_run_is_checked_without_changing_its_model(run_config):
    plan = make_plan(run_config)
    found = check(plan, _images(24))
    assert hash_weights(plan.classifier.module) == plan.classifier.weights_hash
    assert (found.n, found.unavailable) == (24, None)
    assert [stage.stage for stage in found.randomisation][::4] == ["fc", "conv1"]
    assert found.depends is not None
    assert found.deletion.difference.n == found.insertion.difference.n == 24
    assert asdict(check(make_plan(run_config), _images(24))) == asdict(found)


def test_the_sample_is_of_images_with_a_map(run_config):
    images = _images(24)
    images.loc[3:, "pred_cam_status"] = "zero"
    images.loc[5, "pred_cam_status"] = pd.NA
    assert check(make_plan(run_config), images).n == 3


def test_a_map_of_what_speaks_against_the_class_has_no_curves(run_config):
    found = check(make_plan(replace(run_config, method="counterfactual")), _images(4))
    assert found.randomisation
    assert found.deletion is found.insertion is None


@pytest.mark.parametrize(("n", "size"), [(2, [2]), (15, [15]), (17, [9, 8]), (24, [8, 8, 8])])
def test_no_image_of_the_sample_stays_alone(run_config, monkeypatch, n, size):
    groups = []
    monkeypatch.setattr(
        "audit.sanity.check._checked",
        lambda _plan, sample: groups.extend(len(index) for index in sample.index),
    )
    check(make_plan(run_config), _images(n))
    assert groups == size


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_maps_are_said(run_config, n):
    found = check(make_plan(run_config), _images(n))
    assert found.unavailable == "fewer than two images have a map"
    assert (found.randomisation, found.depends, found.deletion) == ((), None, None)


def test_a_model_that_cannot_be_copied_costs_the_check_and_not_the_run(run_config):
    class Alone(nn.Module):
        def __init__(self, body):
            super().__init__()
            self.body = body

        def forward(self, x):
            return self.body(x)

        def __deepcopy__(self, memo):
            raise TypeError("cannot pickle 'Handle' object\nand more")

    plan = make_plan(run_config)
    alone = replace(
        plan.classifier, module=Alone(plan.classifier.module), target_layers=("body.layer3",)
    )
    found = check(replace(plan, classifier=alone), _images(4))
    assert found.unavailable == "TypeError: cannot pickle 'Handle' object"
    assert found.n == 4


def test_each_group_is_run_with_what_it_is_asked(net, sample):
    seen = []

    def run(module, inputs, asking):
        seen.append((len(inputs), asking))
        return module(inputs)

    before = maps_of(_edges, net, sample)
    found = randomisation(before, _edges, net, _input, sample, seed=0, run=run)
    # the network has no batch normalisation: only the order of its modules is looked up
    assert seen == [(len(view), one) for view, one in zip(sample.views, sample.asked, strict=True)]
    assert found == _found(net, _edges, sample)


class Brings(nn.Module):
    """Brings the answers of a classifier; its forward is never called."""

    def __init__(self, body, said=None):
        super().__init__()
        self.body, self.said = body, said

    def forward(self, *_):
        raise AssertionError("it takes more than images")

    def ask(self, images, asking):
        scores = self.body(images)
        best = scores.argmax(dim=1)
        true = asking.label.where(asking.label >= 0, best)
        said = None if self.said is None else (self.said,) * len(images)
        return Answers(scores, scores.detach().log_softmax(dim=1), true, best, said)


class Asks(nn.Module):
    """Takes a question with every image."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, images, questions):
        assert len(questions) == len(images)
        return self.body(images)


def _asked_plan(run_config, module, task):
    plan = make_plan(replace(run_config, input_size=32))  # a map of 4×4 cells
    held = module(plan.classifier.module)
    classifier = replace(plan.classifier, module=held, target_layers=("body.layer3",))
    return plan, replace(plan, classifier=classifier, task=task(plan.space))


@pytest.mark.parametrize(
    ("module", "task"),
    [(Asks, Questions), (Brings, lambda space: OwnAnswers(space.names))],
)
def test_models_that_are_asked_are_checked_as_the_classifier_in_them_is(run_config, module, task):
    plan, asked_plan = _asked_plan(run_config, module, task)
    plain, found = check(plan, _images(2)), check(asked_plan, _images(2))
    assert (found.n, found.unavailable) == (2, None)
    assert [stage.stage for stage in found.randomisation] == [
        f"body.{stage.stage}" for stage in plain.randomisation
    ]
    assert [stage.spearman for stage in found.randomisation] == [
        stage.spearman for stage in plain.randomisation
    ]
    assert (found.deletion, found.insertion) == (plain.deletion, plain.insertion)


def test_captions_are_checked_without_a_class(run_config):
    def captioner(body):
        return Brings(body, ("a dog", "a cat"))

    _, plan = _asked_plan(run_config, captioner, lambda space: OwnAnswers((), space.names))
    images = _images(2)
    images["pred_class"] = pd.array([None] * 2, dtype="Int32")
    found = check(plan, images)
    assert (found.n, found.unavailable) == (2, None)
    assert found.deletion.difference.n == 2
