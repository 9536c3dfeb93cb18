"""A classifier ready to be audited: module, preprocessing, outputs, target layer, hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from audit.errors import ConfigError, ModelError
from audit.models.architectures import blueprint_of, is_builtin_name
from audit.models.blueprint import Blueprint, Weights
from audit.models.checkpoint import read_weights
from audit.models.preprocessing import (
    PreprocessingOverrides,
    merge_preprocessing,
    preprocessing_notes,
)
from audit.models.sidecar import Sidecar, read_sidecar, sidecar_path
from audit.models.target_layer import check_target_layer, default_target_layer, split_layers
from audit.models.user_model import user_model
from audit.models.weights import check_finite, count_outputs, fit_weights, hash_weights
from audit.records import Preprocessing
from audit.user_code import is_function_name

__all__ = ["Classifier", "load_classifier"]

_AS_KNOWN = PreprocessingOverrides()


@dataclass(frozen=True)
class Classifier:
    """A model with all that an audit needs to know of it.

    ``module`` takes float B×3×H×W and gives what ``audit.models.logits.logits_of`` understands; it
    is in evaluation mode, float32, on the CPU, its parameters frozen. ``outputs`` are the names of
    its M outputs and ``wnids`` their WordNet ids, None where unknown. ``notes`` are sentences for
    the manifest.
    """

    module: nn.Module
    name: str  # short, for run names: the checkpoint's stem, else the architecture
    architecture: str
    preprocessing: Preprocessing
    outputs: tuple[str, ...] | None
    wnids: tuple[str, ...] | None
    target_layers: tuple[str, ...]
    weights_hash: str
    notes: tuple[str, ...]

    @property
    def target_layer(self) -> str:
        """The target layers as ``--target-layer`` names them, with commas between."""
        return ",".join(self.target_layers)


@dataclass(frozen=True)
class _Model:
    """A module with its weights, and what its origin says about them."""

    module: nn.Module
    outputs: int | None = None  # None: a user's module, where only a forward tells
    preprocessing: Preprocessing | None = None
    names: tuple[str, ...] | None = None
    wnids: tuple[str, ...] | None = None


def load_classifier(
    model: str | None = None,
    checkpoint: Path | None = None,
    target_layer: str | None = None,
    overrides: PreprocessingOverrides = _AS_KNOWN,
) -> Classifier:
    """Build the model that ``--model``, ``--checkpoint`` and ``--target-layer`` describe.

    ``model`` may be None where the checkpoint's sidecar names the architecture. Preprocessing is
    taken from the weights' metadata, then the sidecar, then ``overrides``, the later winning;
    metadata holds for weights with as many outputs as it describes. Where nothing is known, images
    enter as RGB in [0, 1] at their own size, and a note says so.

    Raises
    ------
    ConfigError
        Where neither ``model`` nor a sidecar says what to build, or the two disagree.
    ModelError
        For every other reason why the model cannot be used.
    """
    weights = read_weights(checkpoint) if checkpoint else None
    sidecar = (read_sidecar(checkpoint) if checkpoint else None) or Sidecar()
    architecture = _architecture(model, checkpoint, sidecar)
    layer = target_layer or sidecar.target_layer
    built = _described(
        _built(architecture, weights, checkpoint, sidecar.words), sidecar, checkpoint
    )
    _ready(built.module)
    preprocessing = merge_preprocessing(built.preprocessing or Preprocessing(), overrides)
    return Classifier(
        module=built.module,
        name=checkpoint.stem if checkpoint else architecture,
        architecture=architecture,
        preprocessing=preprocessing,
        outputs=built.names,
        wnids=built.wnids,
        target_layers=_target_layers(layer, architecture, built.module),
        weights_hash=_hashed(built.module, sidecar.words),
        notes=_notes(built, overrides, preprocessing, sidecar),
    )


def _hashed(module: nn.Module, words: tuple[str, ...] | None) -> str:
    """The hash of the weights, and of the words that a vocabulary gives them a meaning by."""
    weights = hash_weights(module)
    if words is None:
        return weights
    return hashlib.sha256(json.dumps([weights, words]).encode()).hexdigest()


def _architecture(model: str | None, checkpoint: Path | None, sidecar: Sidecar) -> str:
    named = sidecar.architecture
    if named is not None and checkpoint is not None and not is_builtin_name(named):
        raise ModelError(
            f"{sidecar_path(checkpoint)} names the architecture {named!r}, which is not built in;"
            " a file never makes this program import code: say --model package.module:function"
        )
    if model is not None and named is not None and model != named:
        raise ConfigError(
            f"--model {model} disagrees with {checkpoint}'s sidecar, which says {named!r}"
        )
    chosen = model or named
    if chosen is None:
        beside = f"{checkpoint} has no sidecar that names its architecture: " if checkpoint else ""
        raise ConfigError(f"{beside}say --model NAME, such as resnet18 or timm:NAME")
    return chosen


def _built(
    architecture: str,
    weights: Weights | None,
    checkpoint: Path | None,
    words: tuple[str, ...] | None,
) -> _Model:
    if is_function_name(architecture) and not is_builtin_name(architecture):
        return _from_user(architecture, weights, checkpoint)
    blueprint = blueprint_of(architecture, checkpoint.name if checkpoint else None, words)
    return _from_blueprint(blueprint, architecture, weights, checkpoint)


def _from_user(name: str, weights: Weights | None, checkpoint: Path | None) -> _Model:
    module, preprocessing = user_model(name)
    if weights is not None:
        fit_weights(module, weights, f"checkpoint {checkpoint}")
    return _Model(module, preprocessing=preprocessing)


def _from_blueprint(
    blueprint: Blueprint, name: str, weights: Weights | None, checkpoint: Path | None
) -> _Model:
    source = f"checkpoint {checkpoint}" if checkpoint else f"{name}'s published file"
    weights = blueprint.adapt(blueprint.fetch() if weights is None else weights)
    module = blueprint.build(blueprint.outputs)
    outputs = count_outputs(module, weights, blueprint.outputs)
    published = outputs == blueprint.outputs
    if not published:
        module = blueprint.build(outputs)
    fit_weights(module, weights, source)
    if not published:
        return _Model(module, outputs)
    return _Model(module, outputs, blueprint.preprocessing, blueprint.names, blueprint.wnids)


def _described(model: _Model, sidecar: Sidecar, checkpoint: Path | None) -> _Model:
    """``model`` with what the sidecar says in place of what its architecture says."""
    preprocessing = sidecar.preprocessing or model.preprocessing
    if sidecar.classes is None or sidecar.classes == model.names:
        return replace(model, preprocessing=preprocessing)
    if checkpoint and model.outputs not in (None, len(sidecar.classes)):
        raise ModelError(
            f"{sidecar_path(checkpoint)} lists {len(sidecar.classes)} classes, but the weights have"
            f" {model.outputs} outputs"
        )
    return replace(model, preprocessing=preprocessing, names=sidecar.classes, wnids=None)


def _ready(module: nn.Module) -> None:
    module.eval().float().cpu().requires_grad_(requires_grad=False)
    check_finite(module)


def _target_layers(asked: str | None, architecture: str, module: nn.Module) -> tuple[str, ...]:
    if asked is None:
        return (default_target_layer(architecture, module),)
    layers = split_layers(asked)
    for layer in layers:
        check_target_layer(module, layer)
    return layers


def _notes(
    model: _Model, asked: PreprocessingOverrides, used: Preprocessing, sidecar: Sidecar
) -> tuple[str, ...]:
    notes = preprocessing_notes(used)
    if model.preprocessing is None and asked.mean is None and asked.std is None:
        size = "; their size is their own" if used.resize is None and used.crop is None else ""
        notes += (
            "nothing says how these weights want their images: they enter as RGB in [0, 1], not"
            f" normalised (--mean and --std change that){size}",
        )
    if sidecar.trained_on:
        notes += (f"trained on {sidecar.trained_on}",)
    return notes
