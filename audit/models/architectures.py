"""``--model`` names: whose architecture is meant, and how it is built."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch import nn

from audit.errors import ModelError, nearest
from audit.models.blueprint import Blueprint, Weights
from audit.models.lite_net import efficientnet_lite0_blueprint
from audit.models.reference import SmallResNet
from audit.models.small_captioner import SmallCaptioner
from audit.models.small_vqa import SmallVqa
from audit.models.timm_nets import timm_blueprint
from audit.models.torchvision_nets import torchvision_blueprint, torchvision_names

__all__ = ["blueprint_of", "build_module", "is_builtin_name"]

_TIMM = "timm:"
_REMOTE = re.compile(r"(hf[-_]hub|https?|local-dir|github):", re.IGNORECASE)
_WEIGHTS_FILE = re.compile(r"\.(safetensors|pth?|ckpt|bin|onnx|pkl)$", re.IGNORECASE)


def build_module(
    architecture: str, outputs: int, words: tuple[str, ...] | None = None
) -> nn.Module:
    """A built-in architecture with ``outputs`` outputs and random weights, ready to be trained.

    ``words`` are those that a model which reads or writes texts is to know.

    Raises
    ------
    ModelError
        For a name that is not built in, and for such a model without words.
    """
    return blueprint_of(architecture, words=words).build(outputs)


def is_builtin_name(name: str) -> bool:
    """Whether ``name`` is one that this package builds itself, without a user's code."""
    return name.startswith(_TIMM) or name in (*_BUILT_HERE, *_WORDED) or name in torchvision_names()


def blueprint_of(
    name: str, checkpoint_file: str | None = None, words: tuple[str, ...] | None = None
) -> Blueprint:
    """The blueprint of a built-in architecture.

    ``checkpoint_file`` is the checkpoint's file name, by which torchvision's published files are
    recognised: their metadata differs between versions of the weights. ``words`` are those
    that the checkpoint's JSON lists.

    Raises
    ------
    ModelError
        For unknown, remote and mistaken names, with the nearest known ones; for a model of texts
        without words.
    """
    if name.startswith(_TIMM):
        return timm_blueprint(name.removeprefix(_TIMM))
    if name in _BUILT_HERE:
        return _BUILT_HERE[name]()
    if name in _WORDED:
        return _worded(name, words)
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
    return f"unknown model {name!r}; {nearest(name, [*known, *_BUILT_HERE, *_WORDED])} ({_FORMS})"


def _small_resnet() -> Blueprint:
    return Blueprint(
        build=SmallResNet,
        outputs=10,
        fetch=lambda: _no_published_weights("small_resnet"),
    )


def _worded(name: str, words: tuple[str, ...] | None) -> Blueprint:
    if words is None:
        raise ModelError(
            f"{name} is built from the words that it knows, and nothing says which: give"
            " --checkpoint FILE with the JSON beside it that lists them as 'words'; 'cam-audit fit'"
            " writes both"
        )
    return Blueprint(
        build=lambda outputs: _WORDED[name](outputs, words),
        outputs=10,
        fetch=lambda: _no_published_weights(name),
    )


def _no_published_weights(name: str) -> Weights:
    raise ModelError(
        f"{name} has no published weights: give --checkpoint FILE, or train one with"
        " 'cam-audit fit'"
    )


_FORMS = (
    "a model is a torchvision name, timm:NAME, small_resnet, small_vqa, small_captioner,"
    " efficientnet_lite0, or package.module:function"
)

_BUILT_HERE: dict[str, Callable[[], Blueprint]] = {
    "small_resnet": _small_resnet,
    "efficientnet_lite0": efficientnet_lite0_blueprint,
}

#: Built from the words that they know; a captioner's outputs are these words.
_WORDED: dict[str, Callable[[int, tuple[str, ...]], nn.Module]] = {
    "small_vqa": SmallVqa,
    "small_captioner": lambda _outputs, words: SmallCaptioner(words),
}
