"""Forward and explain on toy nets: every circumstance in which a map must stay the same map."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from audit.errors import ConfigError, ModelError
from audit.explain.forward import class_map, explain, forward
from audit.explain.methods import METHODS
from audit.models.layout import Layout
from audit.models.logits import logits_of
from audit.models.reference import SmallResNet


@pytest.fixture
def net():
    torch.manual_seed(0)
    module = SmallResNet(5)
    with torch.no_grad():
        module(torch.randn(8, 3, 32, 32))  # batch statistics that are not the initial ones
    return module.eval()


@pytest.fixture
def images():
    return torch.randn(4, 3, 32, 24, generator=torch.Generator().manual_seed(1))


CLASSES = torch.tensor([0, 3, 4, 1])


def hooks(module):
    return sum(len(part._forward_hooks) for part in module.modules())


def test_grad_cam_by_full_autograd(net, images):
    x = net.layer2(net.layer1(net.relu(net.bn1(net.conv1(images)))))
    maps = net.layer3(x)
    scores = net.fc(maps.mean((2, 3)))
    (g,) = torch.autograd.grad(scores.gather(1, CLASSES[:, None]).sum(), maps)
    expected = (g.mean((2, 3), keepdim=True) * maps).sum(1).relu()
    torch.testing.assert_close(explain(net, ("layer3",), images, CLASSES), expected)


@pytest.mark.parametrize("channels_last", [False, True])
def test_grad_cam_times_z_is_cam_of_the_models_own_weights(net, images, channels_last):
    """Selvaraju et al. 2017, section 3: the two are the same but for 1/Z."""
    if channels_last:
        net.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    seen = []
    handle = net.layer3.register_forward_hook(lambda *args: seen.append(args[2].detach()))
    found = explain(net, ("layer3",), images, CLASSES)
    handle.remove()
    cam = torch.einsum("bk,bkhw->bhw", net.fc.weight[CLASSES].detach(), seen[0]).relu()
    z = found[0].numel()
    assert z == 4 * 3
    torch.testing.assert_close(found * z, cam, atol=1e-6 * float(cam.max()), rtol=0)
    with_method = explain(net, ("layer3",), images, CLASSES, "cam")
    torch.testing.assert_close(with_method, cam, atol=1e-6 * float(cam.max()), rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_an_image_alone_has_its_map_in_any_batch(net, images, method):
    together = explain(net, ("layer2",), images, CLASSES, method)
    for i in range(len(images)):
        alone = explain(net, ("layer2",), images[i : i + 1], CLASSES[i : i + 1], method)
        # a division by nearly cancelling sums keeps fewer digits
        slack = (1e-3 if method == "xgrad-cam" else 1e-5) * float(alone.max())
        torch.testing.assert_close(together[i : i + 1], alone, atol=slack, rtol=0)


def test_a_model_in_training_is_explained_as_it_predicts_and_stays_so(net, images):
    expected = explain(net, ("layer3",), images, CLASSES)
    net.train()
    net.layer2.eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    assert torch.equal(explain(net, ("layer3",), images, CLASSES), expected)
    assert net.training
    assert net.layer3[0].bn1.training
    assert not net.layer2.training
    assert not net.layer2[0].bn1.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_an_exception_leaves_mode_hooks_and_gradients(net):
    net.train()
    with pytest.raises(RuntimeError):
        explain(net, ("layer3",), torch.zeros(1, 7, 32, 32), 0)
    assert net.training
    assert hooks(net) == 0
    assert all(p.requires_grad and p.grad is None for p in net.parameters())


def test_the_callers_gradients_are_untouched(net, images):
    images.requires_grad_()
    net.fc.weight.requires_grad_(requires_grad=False)
    net.conv1.weight.grad = torch.ones_like(net.conv1.weight)
    assert not explain(net, ("layer3",), images, 1).requires_grad
    assert images.grad is None
    assert images.requires_grad
    assert not net.fc.weight.requires_grad
    assert net.conv1.weight.requires_grad
    assert torch.equal(net.conv1.weight.grad, torch.ones_like(net.conv1.weight))
    assert hooks(net) == 0


def test_frozen_parameters(net, images):
    expected = explain(net, ("layer3",), images, 2)
    net.requires_grad_(requires_grad=False)
    assert torch.equal(explain(net, ("layer3",), images, 2), expected)


def test_sizes_one_after_the_other(net):
    big, small = torch.randn(1, 3, 64, 48), torch.randn(2, 3, 32, 32)
    first = explain(net, ("layer3",), big, 1)
    assert explain(net, ("layer3",), small, 1).shape == (2, 4, 4)
    assert first.shape == (1, 8, 6)
    assert torch.equal(explain(net, ("layer3",), big, 1), first)


def test_two_classes_cost_one_forward(net, images):
    calls = []
    handle = net.register_forward_hook(lambda *_: calls.append(1))
    ran = forward(net, ("layer3",), images, logits_of)
    handle.remove()
    first = class_map(ran, torch.full((4,), 0), "grad-cam", last=False)
    second = class_map(ran, torch.full((4,), 1), "grad-cam", last=True)
    assert len(calls) == 1
    torch.testing.assert_close(first, explain(net, ("layer3",), images, 0))
    torch.testing.assert_close(second, explain(net, ("layer3",), images, 1))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast(net, images, dtype):
    expected = explain(net, ("layer3",), images, CLASSES)
    with torch.autocast("cpu", dtype):
        ran = forward(net, ("layer3",), images, logits_of)
        found = class_map(ran, CLASSES, "grad-cam", last=True)
    assert found.dtype == torch.float32
    # eight bits of mantissa through a dozen layers
    assert (found - expected).abs().max() < 0.1 * expected.max()


def test_half_precision_does_not_overflow():
    class Bright(nn.Module):
        def __init__(self):
            super().__init__()
            self.maps, self.fc = nn.Identity(), nn.Linear(3, 2)

        def forward(self, x):
            return self.fc(self.maps(x).float().mean((2, 3)))

    module = Bright()
    nn.init.ones_(module.fc.weight)
    images = torch.full((1, 3, 16, 16), 400.0).half()  # their sum, 102400, is no float16
    found = explain(module, ("maps",), images, 0, "xgrad-cam")
    # 3 channels of 400, each with weight 1/256
    torch.testing.assert_close(found, torch.full((1, 16, 16), 3 * 400 / 256))


class TestSeveralLayers:
    def test_are_scaled_upsampled_and_averaged(self, net, images):
        fine = explain(net, ("layer2",), images, CLASSES)
        coarse = explain(net, ("layer3",), images, CLASSES)
        assert fine.shape[1:] == (8, 6)
        assert coarse.shape[1:] == (4, 3)
        large = F.interpolate(coarse[:, None], (8, 6), mode="bilinear")[:, 0]
        expected = (fine / fine.amax((1, 2), True) + large / coarse.amax((1, 2), True)) / 2
        for layers in (("layer2", "layer3"), ("layer3", "layer2")):
            torch.testing.assert_close(explain(net, layers, images, CLASSES), expected)

    def test_a_zero_map_halves_the_other(self, net, images):
        with torch.no_grad():
            net.layer3[1].bn2.weight.zero_()
            net.layer3[1].bn2.bias.fill_(-100)  # layer3 puts out zeros alone
        assert (explain(net, ("layer3",), images, 0) == 0).all()
        found = explain(net, ("layer3", "conv1"), images, 0)
        assert found.isfinite().all()

    def test_scale_does_not_let_one_layer_drown_the_other(self, net, images):
        before = explain(net, ("layer2", "layer3"), images, CLASSES)
        with torch.no_grad():
            net.fc.weight.mul_(1000)
        after = explain(net, ("layer2", "layer3"), images, CLASSES)
        torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


class Patches(nn.Module):
    """A 4×3 grid of tokens with a class token, which attention-free mixing reads."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 6, 8, 8)
        self.norm = nn.Identity()
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        patches = self.embed(x).flatten(2).transpose(1, 2)
        cls = torch.full_like(patches[:, :1], 100.0)
        return self.fc(self.norm(torch.cat([cls, patches], 1)).mean(1))


def test_tokens_are_explained_as_the_maps_they_are(images):
    torch.manual_seed(0)
    net = Patches()
    ran = forward(net, ("norm",), images, logits_of)
    assert ran.layouts == (Layout("tokens", (4, 3), 1),)
    maps = net.embed(images).detach()
    # 13 tokens are averaged, 12 of them patches: the gradient is w / 13 in each
    expected = torch.einsum("bk,bkhw->bhw", net.fc.weight[CLASSES].detach() / 13, maps).relu()
    torch.testing.assert_close(class_map(ran, CLASSES, "grad-cam", last=True), expected)


def test_tokens_of_no_grid_are_refused():
    net = nn.Sequential(nn.Conv2d(3, 6, 8, 8), nn.Flatten(2), nn.Flatten(), nn.Linear(72, 2))
    with pytest.raises(ModelError, match=r"'1' puts out \(1, 6, 12\), which is no grid"):
        explain(net, ("1",), torch.zeros(1, 3, 32, 24), 0)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # by torch.compile itself
class TestCompiled:
    @pytest.fixture(autouse=True)
    def _fresh(self):
        torch.compiler.reset()
        yield
        torch.compiler.reset()

    @pytest.mark.parametrize("part", ["layer1", "layer3", "fc"])
    def test_a_part(self, net, images, part):
        expected = explain(net, ("layer3",), images, CLASSES)
        setattr(net, part, torch.compile(net.get_submodule(part), backend="eager"))
        with torch.no_grad():
            net(images)  # compiled before any hook is there
        torch.testing.assert_close(explain(net, ("layer3",), images, CLASSES), expected)
        assert hooks(net) == 0

    def test_a_layer_within_what_is_compiled(self, net, images):
        expected = explain(net, ("layer3.0",), images, CLASSES)
        whole = torch.compile(net, backend="eager")
        with torch.no_grad():
            whole(images)
        for name in ("layer3.0", "_orig_mod.layer3.0"):
            torch.testing.assert_close(explain(whole, (name,), images, CLASSES), expected)
        net.compile(backend="eager")
        with torch.no_grad():
            net(images)
        torch.testing.assert_close(explain(net, ("layer3.0",), images, CLASSES), expected)


def test_an_unknown_method(net, images):
    with pytest.raises(ConfigError, match="did you mean 'layer-cam'"):
        explain(net, ("layer3",), images, 0, "layercam")
