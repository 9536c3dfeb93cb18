"""Writes the table in methods.md: every architecture and method beside the peers (``make docs``).

The peers are grad-cam, torchcam and captum (requirements-peers.txt). Each is asked for its
map before any scaling, on the same seeded weights and image.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, XGradCAM
from pytorch_grad_cam.base_cam import BaseCAM
from torch import Tensor, nn
from torch.nn import functional as F
from torchcam import methods as torchcam

from audit.explain.forward import class_map, forward
from audit.explain.methods import METHODS
from audit.models.architectures import build_module
from audit.models.layout import Layout, as_maps
from audit.models.logits import logits_of
from audit.models.target_layer import default_target_layer

__all__ = [
    "ARCHITECTURES",
    "LINEAR",
    "SIZES",
    "captum_maps",
    "difference",
    "grad_cam_map",
    "grad_cam_maps",
    "image",
    "main",
    "ours",
    "out_of_place",
    "peers_maps",
    "seeded",
    "torchcam_maps",
]

ARCHITECTURES = (
    "resnet18",
    "resnet50",
    "vgg16",
    "densenet121",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "convnext_tiny",
    "regnet_y_400mf",
    "swin_t",
    "vit_b_16",
    "maxvit_t",
    "inception_v3",
    "timm:resnet18",
    "timm:vit_tiny_patch16_224",
    "timm:swin_tiny_patch4_window7_224",
    "efficientnet_lite0",
)
SIZES = {"inception_v3": 299}  # every other: 224
#: The linear layer, where pooling and it alone follow the default target layer: CAM applies.
LINEAR = {
    "resnet18": "fc",
    "resnet50": "fc",
    "regnet_y_400mf": "fc",
    "swin_t": "head",
    "efficientnet_b0": "classifier.1",
    "inception_v3": "fc",
    "timm:resnet18": "fc",
    "timm:swin_tiny_patch4_window7_224": "head.fc",
}

_CLASSES = 10
_CLASS = 3
_GRAD_CAM: dict[str, type[BaseCAM]] = {
    "grad-cam": GradCAM,
    "grad-cam++": GradCAMPlusPlus,
    "xgrad-cam": XGradCAM,
    "layer-cam": LayerCAM,
    "hires-cam": HiResCAM,
}
#: Not its Grad-CAM++: it divides a copy (``alpha[idx][mask].div_``), so that α stays g².
_TORCHCAM = {
    "grad-cam": torchcam.GradCAM,
    "xgrad-cam": torchcam.XGradCAM,
    "layer-cam": torchcam.LayerCAM,
}
#: The peers add a constant against division by zero, which outweighs small values: their maps
#: change with the units of the activation. Both formulas are the same for (A / s, s·g), so that s
#: makes the constant vanish.
_UNITS = {"grad-cam++": 2.0**30, "xgrad-cam": 2.0**-30}
_MARKS = ("<!-- make_methods: begin -->\n", "<!-- make_methods: end -->\n")


def seeded(name: str) -> nn.Module:
    """A built-in architecture with random weights whose signal neither dies nor explodes.

    Batch normalisation gets the statistics of a random batch; heads that begin at zero get noise.
    """
    torch.manual_seed(0)
    module = build_module(name, _CLASSES)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None  # the first batch's statistics are taken whole
        if isinstance(part, nn.Linear) and not bool(part.weight.any()):
            nn.init.normal_(part.weight, std=0.02)
    with torch.no_grad():
        module.train()(image(SIZES.get(name, 224), 2))
    return module.eval()


def image(size: int, count: int = 1) -> Tensor:
    """Seeded noise, count×3×size×size."""
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def ours(module: nn.Module, layer: str, inputs: Tensor) -> tuple[dict[str, Tensor], Layout]:
    """Our raw maps by method, B×h×w, from one forward; and how the layer holds its grid."""
    ran = forward(module, (layer,), inputs, logits_of)
    chosen = torch.full((len(inputs),), _CLASS)
    maps = {name: class_map(ran, chosen, name, last=False) for name in METHODS}
    return maps, ran.layouts[0]


def grad_cam_maps(
    module: nn.Module, layer: str, inputs: Tensor, layout: Layout
) -> dict[str, Tensor]:
    """grad-cam's maps before scaling, by method."""
    target = module.get_submodule(layer)
    with GradCAM(module, [target], lambda output: as_maps(output, layout)) as peer:
        scores = logits_of(peer.activations_and_grads(inputs))
        torch.autograd.backward(scores[:, _CLASS].sum())
        activation = peer.activations_and_grads.activations[0]
        gradient = peer.activations_and_grads.gradients[0]
    module.zero_grad()
    units = {name: _UNITS.get(name, 1.0) for name in _GRAD_CAM}
    return {name: grad_cam_map(name, activation / s, gradient * s) for name, s in units.items()}


def grad_cam_map(name: str, activation: Tensor, gradient: Tensor) -> Tensor:
    """grad-cam's map before scaling of an activation and a gradient, B×K×h×w."""
    method = _GRAD_CAM[name]
    peer = method.__new__(method)
    peer.activations_and_grads = mock.Mock()  # released when the peer goes
    arrays = (activation.numpy(), gradient.numpy())
    raw = peer.get_cam_image(None, None, [], *arrays, eigen_smooth=False)
    return torch.from_numpy(np.maximum(raw, 0))


def torchcam_maps(
    module: nn.Module, layer: str, inputs: Tensor, layout: Layout, linear: str | None = None
) -> dict[str, Tensor]:
    """torchcam's maps, not normalised, by method; CAM where ``linear`` names the last layer."""

    def transform(output: Tensor) -> Tensor:
        return as_maps(output, layout)

    with ExitStack() as hooks:
        peers = {
            name: hooks.enter_context(method(module, layer, reshape_transform=transform))
            for name, method in _TORCHCAM.items()
        }
        if linear is not None:
            peers["cam"] = hooks.enter_context(
                torchcam.CAM(module, layer, linear, reshape_transform=transform)
            )
        scores = logits_of(module(inputs))
        found = {}
        for name, peer in peers.items():
            s = _UNITS.get(name, 1.0)
            peer.hook_a = [activation / s for activation in peer.hook_a]
            asked = {} if name == "cam" else {"scores": scores * s, "retain_graph": True}
            found[name] = peer(_CLASS, normalized=False, **asked)[0].relu().detach()
    return found


def captum_maps(module: nn.Module, layer: str, inputs: Tensor, layout: Layout) -> dict[str, Tensor]:
    """captum's Grad-CAM; it knows maps B×K×h×w alone."""
    if layout.kind != "maps":
        return {}
    peer = LayerGradCam(lambda x: logits_of(module(x)), module.get_submodule(layer))
    found = peer.attribute(inputs, target=_CLASS, relu_attributions=True)
    return {"grad-cam": found[:, 0].detach()}


@contextmanager
def out_of_place(module: nn.Module) -> Iterator[None]:
    """Nothing writes in place within the block: what does so after the target changes peers' maps.

    The peers keep the layer's output itself, and an in-place ReLU then writes into what they keep.
    """
    changed = [part for part in module.modules() if getattr(part, "inplace", False)]
    for part in changed:
        part.inplace = False
    with mock.patch.object(F, "relu", lambda x, inplace=False: torch.relu(x)):  # noqa: ARG005
        yield
    for part in changed:
        part.inplace = True


def peers_maps(
    module: nn.Module, layer: str, inputs: Tensor, layout: Layout, linear: str | None
) -> dict[str, dict[str, Tensor]]:
    """Every peer's maps by method."""
    return {
        "grad-cam": grad_cam_maps(module, layer, inputs, layout),
        "torchcam": torchcam_maps(module, layer, inputs, layout, linear),
        "captum": captum_maps(module, layer, inputs, layout),
    }


def difference(mine: Tensor, theirs: Tensor) -> float:
    """The greatest difference of two maps as a fraction of our maximum."""
    return float((mine - theirs).abs().max() / mine.abs().max().clamp_min(1e-30))


def main() -> None:
    """Put a fresh table between methods.md's marks."""
    page = Path(__file__).with_name("methods.md")
    before, _, rest = page.read_text("utf-8").partition(_MARKS[0])
    after = rest.partition(_MARKS[1])[2]
    page.write_text(f"{before}{_MARKS[0]}{_table()}{_MARKS[1]}{after}", "utf-8")


def _table() -> str:
    compared = ["cam", *_GRAD_CAM]
    head = ["architecture", "default layer", "grid", *compared]
    lines = [head, ["---"] * len(head), *(_row(name, compared) for name in ARCHITECTURES)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _row(name: str, compared: list[str]) -> list[str]:
    print(name, file=sys.stderr)  # noqa: T201
    module = seeded(name).double()
    layer, inputs = default_target_layer(name, module), image(SIZES.get(name, 224)).double()
    mine, layout = ours(module, layer, inputs)
    with out_of_place(module):
        peers = peers_maps(module, layer, inputs, layout, LINEAR.get(name))
    cells = [_cell(method, mine[method], peers) for method in compared]
    return [f"`{name}`", f"`{layer}`", f"{layout.grid[0]}×{layout.grid[1]}", *cells]


def _cell(method: str, mine: Tensor, peers: dict[str, dict[str, Tensor]]) -> str:
    found = (
        f"{_short(difference(mine, maps[method]))} {peer[0]}"
        for peer, maps in peers.items()
        if method in maps
    )
    return ", ".join(found) or "–"


def _short(value: float) -> str:
    return f"{value:.0e}" if value else "0"


if __name__ == "__main__":
    main()
