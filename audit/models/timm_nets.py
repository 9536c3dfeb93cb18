"""timm's classifiers by name (``timm:NAME``); timm is an extra, imported only when asked for."""

from __future__ import annotations

import math
from functools import partial
from types import ModuleType
from typing import Any

from torch import nn

from audit.errors import ModelError, nearest
from audit.models.blueprint import Blueprint, Weights
from audit.models.imagenet import imagenet_names, imagenet_wnids
from audit.records import Preprocessing

__all__ = ["timm_blueprint"]

_IMAGENET = 1000
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic")


def timm_blueprint(name: str) -> Blueprint:
    """The blueprint of timm's ``name`` (``resnet18``, ``resnet18.a1_in1k``).

    Raises
    ------
    ModelError
        Where timm is missing or does not know the name, or the name asks for a remote repository.
    """
    timm = _timm()
    _check_name(timm, name)
    reference = timm.create_model(name, pretrained=False)
    outputs = int(reference.num_classes)
    imagenet = outputs == _IMAGENET
    return Blueprint(
        build=partial(_build, timm, name),
        outputs=outputs,
        fetch=partial(_fetch, timm, name),
        preprocessing=_preprocessing(name, timm.data.resolve_model_data_config(reference)),
        names=imagenet_names() if imagenet else None,
        wnids=imagenet_wnids() if imagenet else None,
    )


def _timm() -> ModuleType:
    try:
        import timm  # noqa: PLC0415 - an extra, and slow to import
        import timm.data  # noqa: PLC0415
    except ImportError as error:
        raise ModelError(
            "models named timm:NAME need timm: pip install 'cam-audit[timm]'"
        ) from error
    module: ModuleType = timm
    return module


def _check_name(timm: Any, name: str) -> None:
    if ":" in name or "/" in name:
        raise ModelError(
            f"model 'timm:{name}' asks for a remote or local repository; nothing is fetched by such"
            " names: give timm's own name of the architecture, and the weights with --checkpoint"
        )
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise ModelError(f"timm has no model {name!r}; {nearest(architecture, timm.list_models())}")
    tagged = timm.list_pretrained(f"{architecture}.*")
    if tag and name not in tagged:
        raise ModelError(f"timm has no weights {name!r}; {nearest(name, tagged)}")


def _build(timm: Any, name: str, outputs: int) -> nn.Module:
    module: nn.Module = timm.create_model(name, pretrained=False, num_classes=outputs)
    return module


def _fetch(timm: Any, name: str) -> Weights:
    try:
        module = timm.create_model(name, pretrained=True)
    except Exception as error:
        # What fails depends on where timm's own download goes; all of it means: not fetched.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"timm:{name}'s published weights could not be fetched ({reason}); give weights with"
            " --checkpoint FILE"
        ) from error
    return dict(module.state_dict())


def _preprocessing(name: str, config: dict[str, Any]) -> Preprocessing | None:
    # As timm.data.create_transform does for evaluation; None where ours cannot do the same.
    if config["interpolation"] not in _INTERPOLATIONS or config["crop_mode"] == "border":
        return None
    _, height, width = config["input_size"]
    scaled = (math.floor(height / config["crop_pct"]), math.floor(width / config["crop_pct"]))
    shorter_side = config["crop_mode"] == "center" and height == width
    return Preprocessing(
        resize=scaled[0] if shorter_side else scaled,
        crop=(height, width),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
        source=f"timm {name}",
    )
