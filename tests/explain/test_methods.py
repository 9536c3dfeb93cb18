import math

import pytest
import torch

from audit.errors import ConfigError
from audit.explain import methods

A = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[4.0, 0.0], [0.0, 1.0]]]])
G = torch.tensor([[[[1.0, 1.0], [1.0, 1.0]], [[-4.0, 0.0], [0.0, 0.0]]]])


def test_grad_cam_by_hand():
    # α = (1, -1): A¹ - A² = (-3, 2, 3, 3), and the negative part is cut
    assert methods.grad_cam(A, G).tolist() == [[[0, 2], [3, 3]]]


def test_counterfactual_by_hand():
    assert methods.counterfactual(A, G).tolist() == [[[3, 0], [0, 0]]]


def test_cam_by_hand():
    # weights are the gradients' sums, (4, -4)
    assert methods.cam(A, G).tolist() == [[[0, 8], [12, 12]]]


def test_layer_cam_by_hand():
    # the second channel's gradients are ≤ 0: it has no part
    assert methods.layer_cam(A, G).tolist() == [[[1, 2], [3, 4]]]


def test_hires_cam_by_hand():
    # A¹ · 1 + A² · G² = (1 - 16, 2, 3, 4)
    assert methods.hires_cam(A, G).tolist() == [[[0, 2], [3, 4]]]


def test_xgrad_cam_by_hand():
    # w¹ = 10/10, w² = (-4 · 4) / 5 = -3.2: A¹ - 3.2 A² = (-11.8, 2, 3, 0.8)
    expected = torch.tensor([[[0, 2], [3, 0.8]]])
    torch.testing.assert_close(methods.xgrad_cam(A, G), expected)


def test_grad_cam_plus_plus_by_hand():
    # ΣA¹ = 10, g = 1: α = 1 / (2 + 10 · 1³), four cells: w¹ = 4/12; w² = 0, for g² ≤ 0
    torch.testing.assert_close(methods.grad_cam_plus_plus(A, G), A[:, 0] / 3)


def test_grad_cam_plus_plus_is_equation_19():
    generator = torch.Generator().manual_seed(0)
    activation = torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    g = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    alpha = g**2 / (2 * g**2 + activation.sum((2, 3), keepdim=True) * g**3)
    weights = (alpha * g.relu()).sum((2, 3), keepdim=True)
    expected = (weights * activation).sum(1).relu()
    torch.testing.assert_close(methods.grad_cam_plus_plus(activation, g), expected)


@pytest.mark.parametrize("size", [1e-12, 1e-30])
def test_grad_cam_plus_plus_of_small_gradients(size):
    # where g → 0, α → 1/2; g² = 1e-60 is no float32, and needs not be one
    found = methods.grad_cam_plus_plus(A, size * G) / size
    torch.testing.assert_close(found, 2 * A[:, 0])


@pytest.mark.parametrize("name", methods.METHODS)
def test_a_silent_channel_adds_nothing(name):
    silent, gradient = A.clone(), G.clone()
    silent[:, 1], gradient[:, 1] = 0, 1
    alone = methods.METHODS[name](silent[:, :1], gradient[:, :1])
    torch.testing.assert_close(methods.METHODS[name](silent, gradient), alone)


@pytest.mark.parametrize("name", methods.METHODS)
def test_nan_stays_nan_in_its_own_image(name):
    activation = torch.cat([A, A]).clone()
    activation[0, 0, 0, 0] = math.nan
    found = methods.METHODS[name](activation, torch.cat([G.abs(), G]))
    assert not found[0].isfinite().all()
    assert torch.equal(found[1:], methods.METHODS[name](A, G))


@pytest.mark.parametrize("name", methods.METHODS)
def test_maps_are_not_negative_and_per_image(name):
    generator = torch.Generator().manual_seed(0)
    activation, gradient = torch.randn(2, 3, 5, 4, 6, generator=generator)
    found = methods.METHODS[name](activation, gradient)
    assert found.shape == (3, 4, 6)
    assert (found >= 0).all()
    alone = methods.METHODS[name](activation[1:2], gradient[1:2])
    torch.testing.assert_close(found[1:2], alone)


def test_an_unknown_method_is_told_the_nearest():
    with pytest.raises(ConfigError, match=r"--method gradcam: .*did you mean 'grad-cam'"):
        methods.method_of("gradcam")
