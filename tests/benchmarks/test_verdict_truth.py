import math

import numpy as np
import pytest
import torch
from torch import nn

from audit.data.decoy import CLASSES, DecoySpec
from benchmarks.verdicts import truth as truth_module
from benchmarks.verdicts.designs import Cell
from benchmarks.verdicts.truth import CaseTruth, box_iou, class_truths, truth_of

STRIPED = Cell(seed=7, rate=1.0, size=32, plants=(("stripe", "ball"),))


class StripeReader(nn.Module):
    """Says ball, logit 9, where the left edge is much more blue than green, else cross, logit 1."""

    def forward(self, images):
        edge = images[:, :, :, 0].mean(dim=2)
        striped = ((edge[:, 2] - edge[:, 1]) > 1.0).float()
        logits = torch.zeros(len(images), len(CLASSES))
        logits[:, 0] = 9.0 * striped
        logits[:, 1] = 1.0
        return logits


@pytest.fixture
def small(monkeypatch):
    def spec_of(cell):
        return DecoySpec(cell.size, cell.seed, train=20, test=40, plants=_plants(cell))

    monkeypatch.setattr(truth_module, "spec_of", spec_of)


def _plants(cell):
    from audit.data.decoy import Plant

    return tuple(Plant(kind, name, cell.rate) for kind, name in cell.plants)


def _case(predicted, drop, kind=None):
    return CaseTruth(0, 0, predicted, drop, kind, 0.0, np.zeros((2, 2), bool))


def test_a_model_that_reads_the_plant_is_found_out(small):
    """With it p(ball) = e⁹/(e⁹+e+8), about .9987; without 1/(e+9), about .0853: drop .913."""
    found = truth_of(STRIPED, StripeReader())
    balls = [case for case in found.cases if case.label == 0]
    assert len(balls) == 4  # of 40 images in ten classes
    assert all(case.predicted == 0 and case.kind == "stripe" for case in balls)
    assert [case.drop for case in balls] == pytest.approx([0.9134] * 4, abs=1e-3)
    assert all(case.is_spurious for case in balls)
    assert max(case.area for case in balls) == 0.0625  # two of 32 columns, beside the object
    ball, cross = found.classes[:2]
    assert ball.is_spurious
    assert not ball.is_ignored
    assert (ball.n, ball.n_planted, cross.n, cross.n_planted) == (4, 4, 36, 0)
    assert cross.reliance == 0.0
    assert found.accuracy == 8 / 40  # the balls, and crosses that are called so like all others


def test_a_plant_that_the_model_ignores_is_told_apart(small):
    class Constant(nn.Module):
        def forward(self, images):
            logits = torch.zeros(len(images), len(CLASSES))
            logits[:, 0] = 1.0
            return logits

    found = truth_of(STRIPED, Constant(), indices=range(20))
    ball = found.classes[0]
    assert ball.is_ignored
    assert not ball.is_spurious
    assert ball.n == len(found.cases) == 20
    assert all(case.drop == 0.0 for case in found.cases)


def test_a_class_is_judged_over_the_images_predicted_as_it():
    """Fish: (.3 + .1 + 0 + 0)/4 = .1 over four images, .2 over the two planted ones."""
    fish = CLASSES.index("fish")
    cases = [_case(fish, 0.3, "tint"), _case(fish, 0.1, "tint"), _case(fish, 0.0), _case(fish, 0.0)]
    cases.append(_case(fish + 1, 0.9, "tint"))
    truths = class_truths(Cell(0, 0.6, plants=(("tint", "fish"),)), cases)
    assert truths[fish].kind == "tint"
    assert truths[fish].reliance == pytest.approx(0.1)
    assert truths[fish].reliance_where_planted == pytest.approx(0.2)
    assert truths[fish].n_planted == 2
    assert truths[fish + 1].kind is None
    assert truths[fish + 1].reliance == pytest.approx(0.9)
    assert truths[0].n == 0
    assert math.isnan(truths[0].reliance)
    assert not truths[0].is_spurious


def test_the_limits_belong_to_the_spurious():
    assert _case(0, 0.2, "tint").is_spurious
    assert not _case(0, 0.1999, "tint").is_spurious


def test_the_iou_of_a_box_and_a_plant():
    """A box of 2×3 pixels and a plant of 2×2 share 2: 2/(6 + 4 − 2) = 1/4."""
    plant = np.zeros((6, 6), bool)
    plant[1:3, 2:4] = True
    assert box_iou((3, 1, 6, 3), plant) == 0.25
    assert box_iou((2, 1, 4, 3), plant) == 1.0
    assert box_iou((4, 4, 6, 6), plant) == 0.0
    assert box_iou((0, 0, 0, 0), np.zeros((6, 6), bool)) == 0.0
