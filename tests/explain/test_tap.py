import pytest
import torch
from torch import nn

from audit.errors import ModelError
from audit.explain.tap import gradients, tap


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
    """The same gradients by a graph over the whole network, with nothing in place."""
    first = net.first(images)
    second = net.second(first.relu())
    scores = net.fc(second.relu().mean((2, 3)))
    found = torch.autograd.grad(scores.gather(1, chosen[:, None]).sum(), (first, second))
    return (first.detach(), second.detach()), found


@pytest.mark.parametrize("layers", [("first",), ("second",), ("first", "second")])
def test_equals_full_autograd_through_an_inplace_activation(net, images, layers):
    chosen = torch.tensor([0, 3, 4])
    full = dict(
        zip(
            ("first", "second"), zip(*_full_autograd(net, images, chosen), strict=True), strict=True
        )
    )
    with tap(net, layers) as tapped:
        scores = net(images)
    found = gradients(scores, chosen, tapped.activations, last=True)
    for layer, activation, gradient in zip(layers, tapped.activations, found, strict=True):
        assert torch.equal(activation, full[layer][0])
        assert torch.equal(gradient, full[layer][1])


def test_the_order_of_the_names_is_the_order_of_the_results(net, images):
    with tap(net, ("second", "first")) as tapped:
        net(images)
    second, first = tapped.activations
    assert torch.equal(net.first(images), first)
    assert torch.equal(net.second(first.relu()), second)


def test_two_classes_of_one_forward(net, images):
    with tap(net, ("first",)) as tapped:
        scores = net(images)
    first = gradients(scores, torch.tensor([0, 0, 0]), tapped.activations, last=False)
    second = gradients(scores, torch.tensor([1, 1, 1]), tapped.activations, last=True)
    assert torch.equal(second[0], _full_autograd(net, images, torch.tensor([1, 1, 1]))[1][0])
    assert not torch.equal(first[0], second[0])


def test_nothing_before_the_layer_is_in_the_graph(net, images):
    with tap(net, ("second",)) as tapped:
        net(images)
    assert tapped.activations[0].is_leaf


def test_leaves_no_trace(net, images):
    net.fc.weight.requires_grad_(requires_grad=False)
    net.first.weight.grad = torch.ones_like(net.first.weight)
    with tap(net, ("first",)) as tapped:
        scores = net(images)
    gradients(scores, torch.tensor([0, 0, 0]), tapped.activations, last=True)
    assert not net.first._forward_hooks
    assert net.first.weight.requires_grad
    assert not net.fc.weight.requires_grad
    assert torch.equal(net.first.weight.grad, torch.ones_like(net.first.weight))
    assert net.second.weight.grad is None


def test_leaves_no_hook_after_an_exception(net):
    with pytest.raises(RuntimeError), tap(net, ("first", "second")):
        net(torch.rand(1, 7, 8, 8))
    assert not net.first._forward_hooks
    assert not net.second._forward_hooks
    assert net.first.weight.requires_grad


def test_leaves_no_hook_after_a_wrong_name(net):
    with pytest.raises(AttributeError), tap(net, ("first", "third")):
        pass
    assert not net.first._forward_hooks
    assert net.first.weight.requires_grad


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_works_where_gradients_are_off(net, images, mode):
    with mode(), tap(net, ("first",)) as tapped:
        scores = net(images)
    found = gradients(scores, torch.tensor([0, 1, 2]), tapped.activations, last=True)
    assert found[0].abs().sum() > 0


class Pair(nn.Module):
    def forward(self, x):
        return x, x


def test_refuses_what_is_no_map(net, images):
    refused = pytest.raises(ModelError, match=r"'fc' puts out \(3, 5\).*--target-layer")
    with refused, tap(net, ("fc",)):
        net(images)
    module = nn.Sequential(Pair())
    with pytest.raises(ModelError, match="'0' puts out tuple"), tap(module, ("0",)):
        module(images)


def test_refuses_a_layer_that_runs_twice(net, images):
    with tap(net, ("first",)) as tapped:
        net(images)
        net(images)
    with pytest.raises(ModelError, match="ran 2 times"):
        _ = tapped.activations


def test_refuses_a_layer_that_the_scores_do_not_depend_on(net, images):
    module = nn.ModuleDict({"used": nn.Conv2d(3, 2, 1), "unused": nn.Conv2d(3, 2, 1)})
    with tap(module, ("used", "unused")) as tapped:
        module["unused"](images)
        scores = module["used"](images).mean((2, 3))
    with pytest.raises(ModelError, match="do not depend on the target layer"):
        gradients(scores, torch.tensor([0, 0, 0]), tapped.activations, last=True)
    with pytest.raises(ModelError, match="the forward detaches it"):
        gradients(scores.detach(), torch.tensor([0, 0, 0]), tapped.activations, last=True)
