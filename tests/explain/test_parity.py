"""Our maps beside those of grad-cam, torchcam and captum, and where a peer is wrong."""

import importlib.util
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from audit.explain.forward import explain
from audit.explain.methods import grad_cam_plus_plus
from audit.models.layout import Layout

for _package in ("pytorch_grad_cam", "torchcam", "captum"):
    pytest.importorskip(_package, reason=f"{_package} is missing: requirements-peers.txt")

ROOT = Path(__file__).parents[2]
CLASS = 3


def _loaded():
    spec = importlib.util.spec_from_file_location("make_methods", ROOT / "docs/make_methods.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


peers = _loaded()

CASES = [
    ("resnet18", "layer4"),
    ("resnet18", "layer3"),  # the gradient differs from cell to cell
    ("vgg16", "features.29"),
    ("densenet121", "features.norm5"),
    ("mobilenet_v3_large", "features"),
    ("efficientnet_b0", "features"),
    ("timm:vit_tiny_patch16_224", "blocks.11.norm1"),
]


@pytest.fixture(scope="module")
def built():
    known = {}

    def build(name):
        if name not in known:
            with torch.random.fork_rng():
                known[name] = peers.seeded(name)
        return known[name]

    return build


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layer"), CASES)
def test_raw_maps_agree(built, name, layer):
    module, image = built(name), peers.image(224)
    linear = peers.LINEAR.get(name) if layer != "layer3" else None
    mine, layout = peers.ours(module, layer, image)
    with peers.out_of_place(module):
        theirs = peers.peers_maps(module, layer, image, layout, linear)
        exact = peers.peers_maps(module.double(), layer, image.double(), layout, linear)
    wide, _ = peers.ours(module, layer, image.double())
    module.float()
    assert len(theirs["grad-cam"]) == 5
    assert len(theirs["torchcam"]) == (3 if linear is None else 4)
    for peer, maps in theirs.items():
        for method, raw in maps.items():
            assert peers.difference(wide[method], exact[peer][method]) < 1e-10, (peer, method)
            if method != "xgrad-cam":  # a quotient of nearly cancelling sums: see methods.md
                assert peers.difference(mine[method], raw) < 1e-5, (peer, method)


class Toy(nn.Module):
    """Maps that are the image's channels, then what ``after`` does, pooling, and a linear layer."""

    def __init__(self, after, weights):
        super().__init__()
        self.maps, self.after, self.fc = nn.Conv2d(3, 3, 1, bias=False), after, nn.Linear(3, 4)
        nn.init.dirac_(self.maps.weight)
        nn.init.zeros_(self.fc.weight)
        self.fc.weight.data[CLASS] = torch.tensor(weights)

    def forward(self, x):
        return self.fc(self.after(self.maps(x)).mean((2, 3)))


MAPS = Layout("maps", (2, 2))


def test_an_inplace_relu_after_the_layer_changes_the_peers_maps():
    image = torch.tensor([[[[1.0, -8.0], [1.0, 1.0]], [[9.0, 9.0], [9.0, 9.0]], [[0.0] * 2] * 2]])
    mine = explain(Toy(nn.ReLU(), [1.0, 1.0, 0.0]), ("maps",), image, CLASS)
    # ∂y/∂A = ¼ where A > 0: α = (3/16, 1/4); -8 · 3/16 + 9 / 4 = 3/4, and 3/16 + 9/4 elsewhere
    assert mine.tolist() == [[[2.4375, 0.75], [2.4375, 2.4375]]]
    inplace = Toy(nn.ReLU(inplace=True), [1.0, 1.0, 0.0])
    assert torch.equal(explain(inplace, ("maps",), image, CLASS), mine)
    assert torch.equal(peers.captum_maps(inplace, "maps", image, MAPS)["grad-cam"], mine)
    # grad-cam kept an activation that was overwritten: 0 stands where -8 was
    theirs = peers.grad_cam_maps(inplace, "maps", image, MAPS)["grad-cam"]
    assert theirs.tolist() == [[[2.4375, 2.25], [2.4375, 2.4375]]]
    # torchcam's gradient is the one after the ReLU as well: ¼ everywhere
    theirs = peers.torchcam_maps(inplace, "maps", image, MAPS)["grad-cam"]
    assert theirs.tolist() == [[[2.5, 2.25], [2.5, 2.5]]]


def test_the_peers_maps_of_densenet_depend_on_how_its_relu_is_written(built):
    module, image = built("densenet121"), peers.image(224)
    mine, layout = peers.ours(module, "features.norm5", image)
    for maps, agrees in (
        (peers.captum_maps, True),
        (peers.grad_cam_maps, False),
        (peers.torchcam_maps, False),
    ):
        theirs = maps(module, "features.norm5", image, layout)["grad-cam"]
        found = peers.difference(mine["grad-cam"], theirs)
        assert found < 1e-5 if agrees else found > 0.1, maps.__name__


def test_torchcam_hides_nan():
    class Broken(nn.Module):
        def forward(self, x):
            return torch.where(x == 0, torch.nan, x)

    module = Toy(nn.Identity(), [1.0, 1.0, 0.0])
    module.maps = nn.Sequential(module.maps, Broken())
    image = torch.ones(1, 3, 2, 2)
    image[0, 0, 0, 1] = 0
    theirs = peers.torchcam_maps(module, "maps", image, MAPS)["grad-cam"]
    # channel 0 is NaN in one cell, and the cell looks like one of half the evidence
    assert theirs.tolist() == [[[0.5, 0.25], [0.5, 0.5]]]
    assert explain(module, ("maps",), image, CLASS)[0, 0, 1].isnan()


def test_float16_sums_overflow_in_grad_cam():
    module = Toy(nn.Identity(), [1.0, 1.0, 1.0]).half()
    image = torch.full((1, 3, 16, 16), 400.0).half()  # a channel's sum is 102400 > 65504
    mine = explain(module, ("maps",), image, CLASS, "xgrad-cam")
    torch.testing.assert_close(mine, torch.full((1, 16, 16), 3 * 400 / 256))
    with pytest.warns(RuntimeWarning, match="overflow"):
        theirs = peers.grad_cam_map("xgrad-cam", image, torch.full_like(image, 1 / 256))
    assert (theirs == 0).all()


def _gradient_and_activation():
    generator = torch.Generator().manual_seed(0)
    activation = torch.rand(1, 3, 4, 4, generator=generator)
    return activation, 1e-4 * torch.randn(1, 3, 4, 4, generator=generator)


def test_grad_cams_constant_outweighs_small_gradients():
    """Grad-CAM++ is the same for (A / s, s·g); with grad-cam's 1e-6 beside g² it is not."""
    activation, g = _gradient_and_activation()
    mine = grad_cam_plus_plus(activation, g)
    torch.testing.assert_close(grad_cam_plus_plus(activation / 1024, g * 1024), mine)
    for s, expected in ((1.0, False), (2.0**30, True)):
        theirs = peers.grad_cam_map("grad-cam++", activation / s, g * s)
        assert torch.allclose(theirs, mine, rtol=1e-4) == expected


def test_torchcams_grad_cam_plus_plus_does_not_divide():
    """It divides ``alpha[idx][mask]``, a copy: its α is the numerator g²."""
    from torchcam.methods import GradCAMpp

    module = Toy(nn.Tanh(), [1.0, -1.0, 2.0])
    image = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    with GradCAMpp(module, "maps") as peer:
        theirs = peer(CLASS, module(image), normalized=False)[0]
        activation, g = peer.hook_a[0], peer.hook_g[0]
    undivided = ((g**2 * g.relu()).sum((2, 3), True) * activation).sum(1)
    torch.testing.assert_close(theirs, undivided)
    mine = explain(module, ("maps",), image, CLASS, "grad-cam++")
    alpha = g**2 / (2 * g**2 + activation.sum((2, 3), keepdim=True) * g**3)  # equation 19
    torch.testing.assert_close(mine, ((alpha * g.relu()).sum((2, 3), True) * activation).sum(1))


def _table():
    page = (ROOT / "docs/methods.md").read_text("utf-8")
    table = page.split("<!-- make_methods: begin -->\n")[1].split("<!-- make_methods: end -->")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_committed_table_is_of_these_architectures_and_methods():
    head, _, *lines = _table()
    assert head[3:] == ["cam", "grad-cam", "grad-cam++", "xgrad-cam", "layer-cam", "hires-cam"]
    assert [line[0].strip("`") for line in lines] == list(peers.ARCHITECTURES)
    for line in lines:
        assert (line[3] != "–") == (line[0].strip("`") in peers.LINEAR)
        assert line[4:9].count("–") == 0
        for number, peer in re.findall(r"(\S+) ([gtc])\b", " ".join(line[3:])):
            assert float(number) < 1e-5, (line[0], peer)


@pytest.mark.slow
@pytest.mark.parametrize("line", _table()[2:], ids=lambda line: line[0].strip("`"))
def test_the_committed_table_has_todays_layers_and_grids(line):
    name, layer, grid = line[0].strip("`"), line[1].strip("`"), line[2]
    size = peers.SIZES.get(name, 224)
    module = peers.build_module(name, 2).eval()
    assert peers.default_target_layer(name, module) == layer
    found = peers.forward(module, (layer,), torch.zeros(1, 3, size, size), peers.logits_of)
    height, width = found.layouts[0].grid
    assert f"{height}×{width}" == grid
