import math

import pytest
import torch

from audit.scores import mass
from audit.scores.grid import project


def test_mass_by_hand():
    cam = torch.tensor([[[1.0, 3.0], [0.0, 4.0]]])
    region = torch.tensor([[[0.0, 1.0], [0.0, 0.5]]])
    assert mass.mass_inside(cam, region, torch.ones(1, 2, 2)).item() == pytest.approx(5 / 8)


def test_ignored_pixels_leave_the_denominator():
    cam = torch.tensor([[[1.0, 3.0], [0.0, 4.0]]])
    valid = torch.tensor([[[1.0, 1.0], [1.0, 0.0]]])
    region = torch.tensor([[[0.0, 1.0], [0.0, 0.0]]])
    assert mass.mass_inside(cam, region, valid).item() == pytest.approx(3 / 4)


def test_zero_map_has_no_mass():
    zero = torch.zeros(1, 2, 2)
    assert math.isnan(mass.mass_inside(zero, torch.ones(1, 2, 2), torch.ones(1, 2, 2)).item())
    assert math.isnan(mass.entropy(zero).item())


def test_lift_and_excess_with_their_edges():
    share, area = torch.tensor([0.5, 0.0, 1.0]), torch.tensor([0.25, 0.0, 1.0])
    lift, excess = mass.lift(share, area).tolist(), mass.excess(share, area).tolist()
    assert lift[0] == 2
    assert math.isnan(lift[1])
    assert lift[2] == 1
    assert excess[0] == pytest.approx(1 / 3)
    assert excess[1] == 0
    assert math.isnan(excess[2])


def test_entropy_of_flat_and_single():
    flat, point = torch.ones(1, 4, 4), torch.zeros(1, 4, 4)
    point[0, 1, 2] = 7.0
    assert mass.entropy(flat).item() == pytest.approx(1)
    assert mass.entropy(point).item() == 0
    two = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    assert mass.entropy(two).item() == pytest.approx(0.5)


def test_agreement_by_hand():
    first, second = torch.tensor([[[3.0, 1.0]]]), torch.tensor([[[1.0, 1.0]]])
    assert mass.agreement(first, second).item() == pytest.approx(0.75)
    assert mass.agreement(first, 5 * first).item() == pytest.approx(1)


def test_border_covers_what_the_dictionary_says():
    border = mass.border((96, 96), torch.device("cpu"))
    assert border.float().mean().item() == pytest.approx(0.4375)
    assert bool(border[0, 11, 50])
    assert not bool(border[0, 12, 50])


def test_centre_gaussian_of_a_centred_box():
    # erf(d / (σ√2)) within ±d of the centre, divided by the same at the frame's ±.5: exact masses
    weight = mass.gaussian(240, torch.device("cpu"))
    expected = math.erf(1 / math.sqrt(2)) / math.erf(2 / math.sqrt(2))
    assert (weight[60:180].sum() / weight.sum()).item() == pytest.approx(expected, abs=2e-4)


# Four 16×16 maps of Quantus' and Shared Interest's reference runs; see tests/scores/parity.npz.
@pytest.mark.parametrize(("k", "expected"), [(0, 0.266839), (1, 0.339889), (2, 1.0), (3, 0.204408)])
def test_mass_equals_quantus(parity_maps, k, expected):
    maps, masks = parity_maps
    size = maps.shape[-2:]
    found = mass.mass_inside(maps, project(masks, size), torch.ones(1, *size))
    assert found[k].item() == pytest.approx(expected, abs=1e-6)
