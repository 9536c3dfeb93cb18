"""torchvision's classifiers by name, with what their weights' metadata says."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath
from pickle import UnpicklingError
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from audit.errors import ModelError
from audit.models.blueprint import Blueprint, Weights
from audit.models.imagenet import imagenet_names, imagenet_wnids
from audit.records import Preprocessing

__all__ = ["torchvision_blueprint", "torchvision_names"]

_IMAGENET = 1000

#: Heads that only training uses; published files hold them, evaluation does not need them.
_AUXILIARY = re.compile(r"(^|\.)(aux1|aux2|AuxLogits)\.")
_HAS_AUXILIARY = frozenset({"googlenet", "inception_v3"})

#: DenseNet's files of 2017 say ``norm.1`` where modules say ``norm1`` (torchvision's own pattern).
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")


def torchvision_names() -> tuple[str, ...]:
    """Every classifier that torchvision builds by name."""
    return tuple(torchvision.models.list_models(module=torchvision.models))


def torchvision_blueprint(name: str, checkpoint_file: str | None = None) -> Blueprint:
    """The blueprint of torchvision's ``name``.

    Its metadata is that of the default weights, or of those weights whose published file is called
    ``checkpoint_file``.
    """
    weights = _weights(name, checkpoint_file)
    names = tuple(weights.meta["categories"])
    return Blueprint(
        build=partial(_build, name),
        outputs=len(names),
        fetch=partial(_fetch, name, weights.url),
        adapt=_adapt,
        preprocessing=_preprocessing(weights),
        names=names,
        wnids=imagenet_wnids() if names == imagenet_names() else None,
    )


def _weights(name: str, checkpoint_file: str | None) -> Any:
    published = torchvision.models.get_model_weights(name)
    same_file = (w for w in published if PurePosixPath(w.url).name == checkpoint_file)
    return next(same_file, published.DEFAULT)


def _build(name: str, outputs: int) -> nn.Module:
    if name not in _HAS_AUXILIARY:
        module: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=outputs)
        return module
    # The published weights come from TensorFlow and expect its normalisation: torchvision turns
    # ImageNet's into it inside the network, and only for these weights.
    auxiliary: nn.Module = torchvision.models.get_model(
        name,
        weights=None,
        num_classes=outputs,
        aux_logits=False,
        init_weights=False,
        transform_input=outputs == _IMAGENET,
    )
    return auxiliary


def _adapt(weights: Mapping[str, Tensor]) -> Weights:
    kept = {name: tensor for name, tensor in weights.items() if not _AUXILIARY.search(name)}
    return {_OLD_DENSENET.sub(r"\1\2", name): tensor for name, tensor in kept.items()}


def _fetch(name: str, url: str) -> Weights:
    file = PurePosixPath(url).name
    try:
        fetched: Weights = torch.hub.load_state_dict_from_url(
            url,
            map_location="cpu",
            progress=sys.stderr.isatty(),
            check_hash=True,
            weights_only=True,
        )
    except (OSError, RuntimeError, UnpicklingError) as error:
        raise ModelError(
            f"{name}'s published weights could not be fetched ({error}); put {file} into"
            f" {torch.hub.get_dir()}/checkpoints/, or give weights with --checkpoint FILE"
        ) from error
    return fetched


def _preprocessing(weights: Any) -> Preprocessing:
    preset = weights.transforms()
    red, green, blue = preset.mean
    red_std, green_std, blue_std = preset.std
    return Preprocessing(
        resize=int(preset.resize_size[0]),
        crop=(int(preset.crop_size[0]), int(preset.crop_size[0])),
        mean=(red, green, blue),
        std=(red_std, green_std, blue_std),
        interpolation=preset.interpolation.value,
        source=f"torchvision {weights}",
    )
