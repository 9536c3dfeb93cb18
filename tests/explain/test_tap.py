import pytest
import torch
from torch import nn

from audit.errors import ModelError
from audit.explain.methods import grad_cam
from audit.explain.tap import gradient, tap


class Net(nn.Module):
    """Two convolutions with an in-place ReLU after the first, the target layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True)
        self.second, self.fc = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 5)

    def forward(self, x):
        x = self.second(self.relu(self.first(x)))
        return self.fc(x.relu().mean((2, 3)))


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture
def images():
    return torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def _full_autograd(net, images, chosen):
    """The same gradient by a graph over the whole network, without the in-place layer's trap."""
    activation = net.first(images)
    x = net.second(activation.relu())
    scores = net.fc(x.relu().mean((2, 3)))
    (grad,) = torch.autograd.grad(scores.gather(1, chosen[:, None]).sum(), activation)
    return activation.detach(), grad


def test_equals_full_autograd_through_an_inplace_activation(net, images):
    chosen = torch.tensor([0, 3, 4])
    activation, grad = _full_autograd(net, images, chosen)
    with tap(net, "first") as tapped:
        scores = net(images)
    assert torch.equal(tapped.activation, activation)
    assert torch.equal(gradient(scores, chosen, tapped.activation, last=True), grad)


def test_two_classes_of_one_forward(net, images):
    with tap(net, "first") as tapped:
        scores = net(images)
    first = gradient(scores, torch.tensor([0, 0, 0]), tapped.activation, last=False)
    second = gradient(scores, torch.tensor([1, 1, 1]), tapped.activation, last=True)
    assert torch.equal(second, _full_autograd(net, images, torch.tensor([1, 1, 1]))[1])
    assert not torch.equal(first, second)


def test_an_image_alone_has_its_map_in_the_batch(net, images):
    def cam(batch):
        with tap(net, "first") as tapped:
            scores = net(batch)
        grad = gradient(scores, torch.full((len(batch),), 2), tapped.activation, last=True)
        return grad_cam(tapped.activation, grad)

    torch.testing.assert_close(cam(images)[1:2], cam(images[1:2]), atol=1e-7, rtol=1e-5)


def test_leaves_no_trace(net, images):
    net.fc.weight.requires_grad_(requires_grad=False)
    net.first.weight.grad = torch.ones_like(net.first.weight)
    with tap(net, "first") as tapped:
        scores = net(images)
    gradient(scores, torch.tensor([0, 0, 0]), tapped.activation, last=True)
    assert not net.first._forward_hooks
    assert net.first.weight.requires_grad
    assert not net.fc.weight.requires_grad
    assert torch.equal(net.first.weight.grad, torch.ones_like(net.first.weight))
    assert net.second.weight.grad is None


def test_leaves_no_hook_after_an_exception(net):
    with pytest.raises(RuntimeError), tap(net, "first"):
        net(torch.rand(1, 7, 8, 8))
    assert not net.first._forward_hooks
    assert net.first.weight.requires_grad


def test_works_under_no_grad(net, images):
    with torch.no_grad(), tap(net, "first") as tapped:
        scores = net(images)
    assert gradient(scores, torch.tensor([0, 1, 2]), tapped.activation, last=True).abs().sum() > 0


def test_refuses_what_is_no_map(net, images):
    with pytest.raises(ModelError, match=r"'fc' puts out \(3, 5\).*--target-layer"), tap(net, "fc"):
        net(images)


def test_refuses_a_layer_that_runs_twice(net, images):
    with tap(net, "first") as tapped:
        net(images)
        net(images)
    with pytest.raises(ModelError, match="ran 2 times"):
        _ = tapped.activation
