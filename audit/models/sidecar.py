"""The JSON beside a checkpoint, and writing the two together.

``model.safetensors`` may lie beside a ``model.json`` such as::

    {"format": "cam-audit-model/1", "architecture": "small_resnet",
     "classes": ["airplane", "bird"],
     "preprocessing": {"resize": 96, "crop": [96, 96], "mean": [0.5, 0.5, 0.5],
                       "std": [0.25, 0.25, 0.25], "interpolation": "bilinear"},
     "target_layer": "layer3", "trained_on": "decoy/train, 6 epochs, seed 0"}

Every key but ``format`` is optional; ``words`` are those that a model which reads or writes texts
knows (``small_vqa``, ``small_captioner``). It is data: an architecture it names is one that this
package builds itself, never a function to import.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from audit.errors import ConfigError, ModelError, nearest
from audit.models.preprocessing import valid_mean, valid_std
from audit.records import Preprocessing

__all__ = ["Sidecar", "read_sidecar", "sidecar_path", "write_checkpoint"]

_FORMAT = "cam-audit-model/1"
_FIELDS = (
    "format",
    "architecture",
    "classes",
    "preprocessing",
    "target_layer",
    "trained_on",
    "words",
)
_PREPROCESSING = ("resize", "crop", "mean", "std", "interpolation")
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic")


@dataclass(frozen=True)
class Sidecar:
    """What a checkpoint's JSON says about it; None where it says nothing."""

    architecture: str | None = None
    classes: tuple[str, ...] | None = None
    preprocessing: Preprocessing | None = None
    target_layer: str | None = None
    trained_on: str | None = None
    words: tuple[str, ...] | None = None


def sidecar_path(checkpoint: Path) -> Path:
    """Where the JSON of ``checkpoint`` lies: the same name, ending in ``.json``."""
    return checkpoint.with_suffix(".json")


def read_sidecar(checkpoint: Path) -> Sidecar | None:
    """Read the JSON beside ``checkpoint``; None where there is none, or one that is not ours.

    Raises
    ------
    ModelError
        For a file of our format that cannot be honoured, naming the key and what it may hold.
    """
    path = sidecar_path(checkpoint)
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}, beside the checkpoint, is not readable JSON: {error}") from error
    if not isinstance(content, dict) or "format" not in content:
        return None  # somebody else's JSON: training arguments, say
    return _parsed(content, path)


def write_checkpoint(path: Path, module: nn.Module, sidecar: Sidecar) -> None:
    """Write ``module``'s state to ``path`` (``.safetensors``) and ``sidecar`` to the JSON beside.

    Each file is written to a temporary name, synced and renamed; the weights come last, so that a
    checkpoint that exists is complete.

    Raises
    ------
    ConfigError
        Where ``path`` does not end in ``.safetensors``.
    """
    if path.suffix != ".safetensors":
        raise ConfigError(f"{path}: checkpoints are written as .safetensors; let the name end so")
    state = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_content(sidecar), indent=1, ensure_ascii=False) + "\n"
    _replace(sidecar_path(path), text.encode())
    _replace(path, save({name: value.clone() for name, value in state.items()}))


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _content(sidecar: Sidecar) -> dict[str, Any]:
    values = {key: value for key, value in vars(sidecar).items() if value is not None}
    if sidecar.preprocessing is not None:
        known = sidecar.preprocessing
        values["preprocessing"] = {key: getattr(known, key) for key in _PREPROCESSING}
    return {"format": _FORMAT, **values}


def _parsed(content: dict[str, Any], path: Path) -> Sidecar:
    if content["format"] != _FORMAT:
        raise ModelError(
            f"{path} has the format {content['format']!r}; this version reads {_FORMAT}"
        )
    _refuse_unknown(content, _FIELDS, path)
    known = content.get("preprocessing")
    return Sidecar(
        architecture=_text(content, "architecture", path),
        classes=_names(content, "classes", "names, in output order", path),
        preprocessing=None if known is None else _preprocessing(known, path),
        target_layer=_text(content, "target_layer", path),
        trained_on=_text(content, "trained_on", path),
        words=_names(content, "words", "words, in the order of their numbers", path),
    )


def _refuse_unknown(content: dict[str, Any], known: tuple[str, ...], path: Path) -> None:
    for key in content:
        if key not in known:
            raise ModelError(f"{path}: unknown key {key!r}; {nearest(key, known)}")


def _text(content: dict[str, Any], key: str, path: Path) -> str | None:
    value = content.get(key)
    if value is None or (isinstance(value, str) and value):
        return value
    raise ModelError(f"{path}: {key} must be a text, not {value!r}")


def _names(content: dict[str, Any], key: str, rule: str, path: Path) -> tuple[str, ...] | None:
    value = content.get(key)
    if value is None or (
        isinstance(value, list)
        and all(isinstance(name, str) for name in value)
        and (0 < len(value) == len(set(value)))
    ):
        return None if value is None else tuple(value)
    raise ModelError(f"{path}: {key} must be a list of different {rule}")


def _preprocessing(content: Any, path: Path) -> Preprocessing:
    if not isinstance(content, dict):
        raise ModelError(
            f"{path}: preprocessing must be an object with {', '.join(_PREPROCESSING)}"
        )
    _refuse_unknown(content, _PREPROCESSING, path)
    default = Preprocessing()
    interpolation = content.get("interpolation", default.interpolation)
    if interpolation not in _INTERPOLATIONS:
        known = nearest(str(interpolation), _INTERPOLATIONS)
        raise ModelError(f"{path}: interpolation {interpolation!r}; {known}")
    crop = _size(content.get("crop"), "crop", path)
    return Preprocessing(
        resize=_size(content.get("resize"), "resize", path),
        crop=(crop, crop) if isinstance(crop, int) else crop,
        mean=valid_mean(_numbers(content, "mean", default.mean, path), f"{path}: mean", ModelError),
        std=valid_std(_numbers(content, "std", default.std, path), f"{path}: std", ModelError),
        interpolation=interpolation,
        source=f"sidecar {path.name}",
    )


def _size(value: Any, key: str, path: Path) -> int | tuple[int, int] | None:
    sides = value if isinstance(value, list) else [value]
    if value is None:
        return None
    if not all(type(side) is int and side > 0 for side in sides) or len(sides) not in (1, 2):
        raise ModelError(f"{path}: {key} must be N or [height, width] in pixels, not {value!r}")
    return (sides[0], sides[1]) if isinstance(value, list) and len(sides) > 1 else int(sides[0])


def _numbers(
    content: dict[str, Any], key: str, default: tuple[float, ...], path: Path
) -> tuple[float, ...]:
    values = content.get(key, list(default))
    if not isinstance(values, list) or not all(type(v) in (int, float) for v in values):
        raise ModelError(f"{path}: {key} must be three numbers [r, g, b], not {values!r}")
    return tuple(float(value) for value in values)
