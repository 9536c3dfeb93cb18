"""Which model a run audits, and how its outputs match the dataset's classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audit.config import FitConfig, RunConfig
from audit.errors import ConfigError
from audit.fit import fit, reference_checkpoint
from audit.models.class_map import ClassMap, load_class_map
from audit.models.classifier import Classifier, load_classifier
from audit.models.imagenet import imagenet_names
from audit.models.label_space import LabelSpace, match_labels
from audit.models.preprocessing import parse_overrides
from audit.records import Listing

__all__ = ["choose_classifier", "match"]

#: The models that are fitted on a dataset's first use, and then kept.
_FITTED = {
    "decoy": "small_resnet",
    "decoy-vqa": "small_vqa",
    "decoy-captions": "small_captioner",
}
#: The model that another dataset is audited with when none is named.
_DEFAULT_MODELS = {"stl10": "resnet18", "photos": "efficientnet_lite0"}
#: The class map that a dataset takes where the model's outputs are ImageNet's.
_DEFAULT_MAPS = {"stl10": "stl10_imagenet"}


def choose_classifier(config: RunConfig, say: Callable[[str], object]) -> Classifier:
    """The classifier that ``config`` names, or the dataset's own.

    ``say`` is told where one has to be fitted first. Raises ConfigError where neither is known,
    ModelError where it cannot be loaded.
    """
    model, checkpoint = config.model, config.checkpoint
    if model is None and checkpoint is None:
        model, checkpoint = _default(config, say)
    asked = parse_overrides(config.input_size, config.resize, config.crop, config.mean, config.std)
    return load_classifier(model, checkpoint, config.target_layer, asked)


def match(
    config: RunConfig, listing: Listing, classifier: Classifier, n_outputs: int
) -> LabelSpace:
    """The label space of a dataset's classes under ``classifier``, which gives ``n_outputs``.

    An answer to a question that is none of the model's can only be answered wrongly; any other
    class without an output is a ModelError.
    """
    return match_labels(
        listing.classes,
        classifier.outputs,
        classifier.wnids,
        n_outputs,
        _class_map(config, classifier),
        closed_set=config.closed_set,
        answers=listing.texts is not None,
    )


def _default(config: RunConfig, say: Callable[[str], object]) -> tuple[str | None, Path | None]:
    if config.dataset in _FITTED:
        return None, _fitted(config, say)
    if config.dataset in _DEFAULT_MODELS:
        return _DEFAULT_MODELS[config.dataset], None
    raise ConfigError(
        f"--dataset {config.dataset} has no model of its own: name one with --model (resnet18, "
        "timm:NAME, package.module:function) or --checkpoint FILE"
    )


def _fitted(config: RunConfig, say: Callable[[str], object]) -> Path:
    """The reference model of a drawn dataset, fitted once and kept."""
    model = _FITTED[config.dataset]
    checkpoint = reference_checkpoint(config.data_root, config.dataset, model)
    if checkpoint.exists() and checkpoint.with_suffix(".json").exists():
        return checkpoint
    say("the reference model is fitted once; later audits use it again")
    wanted = FitConfig(config.dataset, config.data_root, model=model, device=config.device)
    return fit(wanted, say)


def _class_map(config: RunConfig, classifier: Classifier) -> ClassMap | None:
    if config.class_map is not None:
        return load_class_map(config.class_map)
    builtin = _DEFAULT_MAPS.get(config.dataset)
    if builtin is not None and classifier.outputs == imagenet_names():
        return load_class_map(builtin)
    return None
