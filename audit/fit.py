"""A short reference fit: a model good enough to audit, from a dataset's train split.

Not a training framework: one recipe for each kind of model (``audit.fitting``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from audit.config import FitConfig
from audit.data.catalogue import open_source
from audit.data.loader import Views, view_size
from audit.errors import ConfigError
from audit.fitting.captions import captions_recipe
from audit.fitting.classes import classes_recipe
from audit.fitting.questions import questions_recipe
from audit.fitting.recipe import Opened, Recipe, train
from audit.models.preprocessing import parse_overrides
from audit.models.sidecar import Sidecar, write_checkpoint
from audit.models.target_layer import default_target_layer
from audit.records import Listing, Preprocessing

__all__ = ["fit", "reference_checkpoint"]

_MEAN, _STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)

#: The one model that learns what comes with the images, by what it is called in the listing.
_TEXT_MODELS = {"question": "small_vqa", "caption": "small_captioner"}
_CLASSIFIER = "small_resnet"


def fit(config: FitConfig, say: Callable[[str], object] = lambda _line: None) -> Path:
    """Fit ``config.model`` on ``config.dataset`` and write weights and JSON; returns the weights.

    The JSON holds the classes or the words, the preprocessing and the target layer, so that
    ``cam-audit run --checkpoint`` needs nothing else. Raises ConfigError for a bad option or a
    model that does not learn what the dataset teaches, and DataError where it teaches nothing.
    """
    _check(config)
    source = open_source(config.dataset, config.data_root, config.split)
    model = _model(config, source.listing)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        recipe = _recipe(source, model, f"{config.dataset} {config.split}")
        views = _views(source, recipe, config)
        share = train(recipe, views, config)
    target = config.output or reference_checkpoint(config.data_root, config.dataset, model)
    write_checkpoint(target, recipe.module, _sidecar(config, model, recipe, views.preprocessing))
    say(
        f"fitted {model} on {len(recipe.indices)} images of {config.dataset} {config.split}: "
        f"{share:.1%} of the {recipe.judged} right in the last pass"
    )
    return target


def reference_checkpoint(data_root: Path, dataset: str, model: str) -> Path:
    """Where ``cam-audit fit`` keeps a dataset's reference model."""
    name = "".join(c if c.isalnum() else "-" for c in dataset)
    return data_root / "models" / name / f"{model}.safetensors"


def _check(config: FitConfig) -> None:
    for name, low in {"epochs": 1, "batch_size": 2, "seed": 0, "workers": 0}.items():
        value = getattr(config, name)
        if value is not None and value < low:
            flag = name.replace("_", "-")
            raise ConfigError(f"--{flag} {value}: a whole number of at least {low} is needed")
    if config.output is not None and config.output.suffix != ".safetensors":
        raise ConfigError(f"--output {config.output}: the name must end in .safetensors")


def _model(config: FitConfig, listing: Listing) -> str:
    """The model that is fitted: the one named, if it learns what comes with the images."""
    held = {key for texts in listing.texts or () for key in texts}
    kind = next((kind for kind in _TEXT_MODELS if kind in held), None)
    if kind is not None and config.model not in (None, _TEXT_MODELS[kind]):
        raise ConfigError(
            f"--model {config.model}: {config.dataset} has a {kind} with each image, which only"
            f" {_TEXT_MODELS[kind]} learns; leave --model out, or name that"
        )
    if kind is None and config.model in _TEXT_MODELS.values():
        raise ConfigError(
            f"--model {config.model}: {config.dataset} has neither questions nor captions; leave"
            f" --model out ({_CLASSIFIER}), or name a torchvision model"
        )
    return config.model or (_CLASSIFIER if kind is None else _TEXT_MODELS[kind])


def _recipe(source: Opened, model: str, name: str) -> Recipe:
    if model == _TEXT_MODELS["question"]:
        return questions_recipe(source, name)
    if model == _TEXT_MODELS["caption"]:
        return captions_recipe(source, name)
    return classes_recipe(source, model, name)


def _views(source: Opened, recipe: Recipe, config: FitConfig) -> Views:
    asked = parse_overrides(config.input_size)
    wanted = Preprocessing(asked.resize, asked.crop, _MEAN, _STD, source="cam-audit fit")
    size = view_size(source, recipe.indices, wanted)
    return Views(source, wanted, size, regions=None)


def _sidecar(config: FitConfig, model: str, recipe: Recipe, used: Preprocessing) -> Sidecar:
    return Sidecar(
        architecture=model,
        classes=recipe.classes,
        preprocessing=used,
        target_layer=default_target_layer(model, recipe.module),
        trained_on=f"{config.dataset} {config.split}",
        words=recipe.words,
    )
