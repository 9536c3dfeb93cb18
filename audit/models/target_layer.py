"""Which module's output Grad-CAM explains: an explicit table per architecture, or a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from audit.errors import ModelError, nearest

__all__ = ["check_target_layer", "default_target_layer", "split_layers"]

#: The last map before pooling, by the longest beginning of the architecture's name. VGG and
#: AlexNet: the last ReLU, before their last pooling, as Grad-CAM's authors take it (relu5_3).
#: Transformers with a class token: the last block's first normalisation, the last place from which
#: patches act on the score; after the last attention their gradient is zero. ``{last}`` is the
#: number of the last block.
_LAYERS: Mapping[str, str] = {
    "small_resnet": "layer3",
    "small_vqa": "votes",
    "small_captioner": "trunk",
    "efficientnet_lite0": "_bn1",
    # torchvision
    "alexnet": "features.11",
    "convnext": "features",
    "densenet": "features.norm5",
    "efficientnet": "features",
    "googlenet": "inception5b",
    "inception_v3": "Mixed_7c",
    "maxvit": "blocks.3",
    "mnasnet": "layers",
    "mobilenet_v2": "features",
    "mobilenet_v3": "features",
    "regnet": "trunk_output",
    "resnet": "layer4",
    "resnext": "layer4",
    "shufflenet": "conv5",
    "squeezenet": "features",
    "swin": "permute",  # the normalised map, channels first
    "vit_": "encoder.layers.encoder_layer_{last}.ln_1",
    "vgg11": "features.19",
    "vgg11_bn": "features.27",
    "vgg13": "features.23",
    "vgg13_bn": "features.33",
    "vgg16": "features.29",
    "vgg16_bn": "features.42",
    "vgg19": "features.35",
    "vgg19_bn": "features.51",
    "wide_resnet": "layer4",
    # timm
    "timm:beit": "blocks.{last}.norm1",
    "timm:cait": "blocks",  # patches alone; the class token comes after them
    "timm:convnext": "stages",
    "timm:cspresne": "stages",
    "timm:deit": "blocks.{last}.norm1",
    "timm:densenet": "features",
    "timm:ecaresnet": "layer4",
    "timm:efficientnet": "bn2",
    "timm:eva": "blocks.{last}.norm1",
    "timm:ghostnet_": "blocks",
    "timm:inception_v3": "Mixed_7c",
    "timm:lcnet_": "blocks",
    "timm:legacy_se": "layer4",
    "timm:mixer": "norm",
    "timm:mixnet": "bn2",
    "timm:mnasnet": "bn2",
    "timm:mobilenetv2": "bn2",
    "timm:mobilenetv3": "blocks",
    "timm:mobilenetv4": "blocks",
    "timm:regnet": "final_conv",
    "timm:res2net": "layer4",
    "timm:res2next": "layer4",
    "timm:resnest": "layer4",
    "timm:resnet": "layer4",
    "timm:resnetv2": "norm",
    "timm:resnext": "layer4",
    "timm:rexnet": "features",
    "timm:seresnet": "layer4",
    "timm:seresnext": "layer4",
    "timm:swin": "norm",
    "timm:tf_efficientnet": "bn2",
    "timm:tf_mobilenetv3": "blocks",
    "timm:vgg11": "features.19",
    "timm:vgg11_bn": "features.27",
    "timm:vgg13": "features.23",
    "timm:vgg13_bn": "features.33",
    "timm:vgg16": "features.29",
    "timm:vgg16_bn": "features.42",
    "timm:vgg19": "features.35",
    "timm:vgg19_bn": "features.51",
    "timm:vit_": "blocks.{last}.norm1",
    "timm:wide_resnet": "layer4",
    "timm:xcit": "blocks.{last}",
}


def split_layers(names: str) -> tuple[str, ...]:
    """The layers that ``--target-layer a,b`` names. Raises ModelError for one named twice."""
    layers = tuple(name.strip() for name in names.split(","))
    if len(set(layers)) < len(layers):
        raise ModelError(f"--target-layer {names}: a layer is named twice; name each one once")
    return layers


def default_target_layer(architecture: str, module: nn.Module) -> str:
    """The layer explained by default, by its name in ``module``.

    Raises
    ------
    ModelError
        For architectures that the table does not hold; the message lists layers to choose from.
    """
    names = [name for name, _ in module.named_modules()]
    layer = _last_block(_tabled(architecture), names)
    if layer not in names:  # some of timm's variants are built otherwise
        raise ModelError(
            f"no target layer is known for {architecture}: name one with --target-layer, a module"
            f" whose output is a B×K×h×w map, such as {_listed(module)}"
        )
    return layer


def check_target_layer(module: nn.Module, name: str) -> None:
    """Raise ModelError, with the nearest names and the candidates, where ``name`` is no module."""
    names = [known for known, _ in module.named_modules() if known]
    if name not in names:
        raise ModelError(
            f"the model has no layer {name!r}; {nearest(name, names)} (layers with convolutions:"
            f" {_listed(module)})"
        )


def _tabled(architecture: str) -> str:
    beginnings = [known for known in _LAYERS if architecture.startswith(known)]
    return _LAYERS[max(beginnings, key=len)] if beginnings else "none"


def _last_block(layer: str, names: Sequence[str]) -> str:
    """``layer`` with the highest number that fits in place of ``{last}``."""
    before, placeholder, after = layer.partition("{last}")
    numbers = [name.removeprefix(before).removesuffix(after) for name in names]
    fitting = [int(n) for n in numbers if n.isdecimal() and f"{before}{n}{after}" in names]
    return f"{before}{max(fitting)}{after}" if placeholder and fitting else layer


def _listed(module: nn.Module) -> str:
    return ", ".join(_candidates(module)) or "(none has convolutions)"


def _candidates(module: nn.Module) -> list[str]:
    # The outer two levels, last first: deep layers have the finest meaning, and come last.
    convolutional = [
        name
        for name, part in module.named_modules()
        if name and name.count(".") <= 1 and any(isinstance(m, nn.Conv2d) for m in part.modules())
    ]
    return convolutional[::-1][:8]
