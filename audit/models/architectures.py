"""``--model`` names: whose architecture is meant, and how it is built."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch import nn

from audit.errors import ModelError, nearest
from audit.models.blueprint import Blueprint, Weights
from audit.models.lite_net import efficientnet_lite0_blueprint
from audit.models.reference import SmallResNet
from audit.models.timm_nets import timm_blueprint
from audit.models.torchvision_nets import torchvision_blueprint, torchvision_names

__all__ = ["blueprint_of", "build_module", "is_builtin_name"]

_TIMM = "timm:"
_REMOTE = re.compile(r"(hf[-_]hub|https?|local-dir|github):", re.IGNORECASE)
_WEIGHTS_FILE = re.compile(r"\.(safetensors|pth?|ckpt|bin|onnx|pkl)$", re.IGNORECASE)


def build_module(architecture: str, outputs: int) -> nn.Module:
    """A built-in architecture with ``outputs`` outputs and random weights, ready to be trained.

    Raises
    ------
    ModelError
        For a name that is not built in.
    """
    return blueprint_of(architecture).build(outputs)


def is_builtin_name(name: str) -> bool:
    """Whether ``name`` is one that this package builds itself, without a user's code."""
    return name.startswith(_TIMM) or name in _BUILT_HERE or name in torchvision_names()


def blueprint_of(name: str, checkpoint_file: str | None = None) -> Blueprint:
    """The blueprint of a built-in architecture.

    ``checkpoint_file`` is the checkpoint's file name, by which torchvision's published files are
    recognised: their metadata differs between versions of the weights.

    Raises
    ------
    ModelError
        For unknown, remote and mistaken names, with the nearest known ones.
    """
    if name.startswith(_TIMM):
        return timm_blueprint(name.removeprefix(_TIMM))
    if name in _BUILT_HERE:
        return _BUILT_HERE[name]()
    known = torchvision_names()
    if name in known:
        return torchvision_blueprint(name, checkpoint_file)
    raise ModelError(_unknown(name, known))


def _unknown(name: str, known: tuple[str, ...]) -> str:
    if _REMOTE.match(name):
        return f"model {name!r} is refused: nothing is fetched or run by a remote name; {_FORMS}"
    if _WEIGHTS_FILE.search(name):
        return (
            f"model {name!r} looks like a weights file: give that with --checkpoint, and name the"
            " architecture with --model"
        )
    return f"unknown model {name!r}; {nearest(name, [*known, *_BUILT_HERE])} ({_FORMS})"


def _small_resnet() -> Blueprint:
    return Blueprint(
        build=SmallResNet,
        outputs=10,
        fetch=_no_published_weights,
    )


def _no_published_weights() -> Weights:
    raise ModelError(
        "small_resnet has no published weights: give --checkpoint FILE, or train one with"
        " 'cam-audit fit'"
    )


_FORMS = (
    "a model is a torchvision name, timm:NAME, small_resnet, efficientnet_lite0, or"
    " package.module:function"
)

_BUILT_HERE: dict[str, Callable[[], Blueprint]] = {
    "small_resnet": _small_resnet,
    "efficientnet_lite0": efficientnet_lite0_blueprint,
}
