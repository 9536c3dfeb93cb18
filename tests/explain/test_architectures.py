"""Every common architecture with its default target layer, on seeded random weights."""

import pytest
import torch
from torch import nn

from audit.explain.forward import class_map, forward
from audit.explain.tap import gradients
from audit.models.architectures import build_module
from audit.models.layout import as_maps
from audit.models.logits import logits_of
from audit.models.target_layer import default_target_layer

OUTPUTS = 5

SLOW = pytest.mark.slow
CASES = [
    ("resnet18", "layer4", "maps 7×7"),
    pytest.param("resnet50", "layer4", "maps 7×7", marks=SLOW),
    pytest.param("vgg16", "features.29", "maps 14×14", marks=SLOW),
    ("densenet121", "features.norm5", "maps 7×7"),
    ("mobilenet_v3_large", "features", "maps 7×7"),
    ("efficientnet_b0", "features", "maps 7×7"),
    pytest.param("convnext_tiny", "features", "maps 7×7", marks=SLOW),
    ("regnet_y_400mf", "trunk_output", "maps 7×7"),
    pytest.param("swin_t", "permute", "maps 7×7", marks=SLOW),
    pytest.param(
        "vit_b_16",
        "encoder.layers.encoder_layer_11.ln_1",
        "tokens 14×14, 1 without a place dropped",
        marks=SLOW,
    ),
    pytest.param("maxvit_t", "blocks.3", "maps 7×7", marks=SLOW),
    pytest.param("inception_v3", "Mixed_7c", "maps 8×8", marks=SLOW),
    ("timm:resnet18", "layer4", "maps 7×7"),
    ("timm:vit_tiny_patch16_224", "blocks.11.norm1", "tokens 14×14, 1 without a place dropped"),
    ("timm:deit_tiny_distilled_patch16_224", "blocks.11.norm1", "tokens 14×14, 2 without"),
    ("timm:xcit_nano_12_p16_224", "blocks.11", "tokens 14×14"),
    ("timm:mixer_s32_224", "norm", "tokens 7×7"),
    pytest.param("timm:swin_tiny_patch4_window7_224", "norm", "channels-last 7×7", marks=SLOW),
    ("efficientnet_lite0", "_bn1", "maps 7×7"),
]


def _built(name):
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    if name == "efficientnet_lite0":
        pytest.importorskip("efficientnet_lite_pytorch")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = build_module(name, OUTPUTS).eval()
        for part in module.modules():  # some heads begin at zero: no gradient
            if isinstance(part, nn.Linear) and not part.weight.any():
                nn.init.normal_(part.weight, std=0.02)
    return module


@pytest.mark.parametrize(("name", "layer", "layout"), CASES)
def test_the_default_layer_gives_a_map(name, layer, layout):
    module = _built(name)
    assert default_target_layer(name, module) == layer
    size = 299 if name == "inception_v3" else 224
    image = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    ran = forward(module, (layer,), image, logits_of)
    assert ran.scores.shape == (1, OUTPUTS)
    assert str(ran.layouts[0]).startswith(layout)
    (found,) = gradients(ran.scores, torch.tensor([3]), ran.activations, last=False)
    assert (as_maps(found, ran.layouts[0]) != 0).any()  # of the patches, not of the class token
    maps = [class_map(ran, torch.tensor([c]), "grad-cam", last=False) for c in range(OUTPUTS)]
    assert all(one.shape[1:] == ran.layouts[0].grid for one in maps)
    assert torch.stack(maps).isfinite().all()
    assert (torch.stack(maps) > 0).any()


def test_the_last_normalisation_of_a_vit_would_say_nothing():
    """After the last attention only the class token is read: patches have no gradient."""
    module = _built("timm:vit_tiny_patch16_224")
    ran = forward(module, ("norm",), torch.randn(1, 3, 224, 224), logits_of)
    (found,) = gradients(ran.scores, torch.tensor([3]), ran.activations, last=True)
    assert (found[:, 0] != 0).any()
    assert (as_maps(found, ran.layouts[0]) == 0).all()
