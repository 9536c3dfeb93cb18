"""Which task a dataset and a model make together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.models.label_space import LabelSpace
from audit.models.logits import logits_of
from audit.records import Listing
from audit.tasks.among import Classes, Questions
from audit.tasks.base import Answering, Answers, Asked, Task
from audit.tasks.own import OwnAnswers

__all__ = ["call_of", "scores_of", "space_of", "task_of"]


def call_of(module: nn.Module, listing: Listing) -> Callable[[Tensor], Any]:
    """How ``module`` is called for images alone: with what the dataset says of its first image.

    Raises ModelError where the dataset asks for what such a model does not give.
    """
    if isinstance(module, Answering):
        return lambda images: module.ask(images, _like_first(listing, images))
    if _says(listing, "question"):
        return lambda images: module(images, [_first(listing).get("question", "")] * len(images))
    if _says(listing, "caption"):
        raise ModelError(
            f"the dataset holds captions, and {type(module).__name__} gives none: a captioner has "
            "a method ask(images, asked) that returns audit.tasks.base.Answers"
        )
    return module


def scores_of(output: Any) -> Tensor:
    """The scores, float B×C, of whatever ``call_of`` gave; ModelError where it holds none."""
    return output.scores if isinstance(output, Answers) else logits_of(output)


def space_of(output: Any, listing: Listing, match: Callable[[int], LabelSpace]) -> LabelSpace:
    """The label space of a model that gave ``output``: none where its answers are texts.

    ``match`` matches that many outputs to the dataset's classes. Raises ModelError where a model
    that brings its answers itself has not one score for each class.
    """
    if not isinstance(output, Answers):
        return match(logits_of(output).shape[1])
    if output.said is not None:
        return LabelSpace((), 0, (), 0, "none: its answers are texts")
    if output.scores.ndim != 2:  # noqa: PLR2004 - B×C
        raise ModelError(f"the model's scores must be B×C, not {tuple(output.scores.shape)}")
    n, classes = output.scores.shape[1], listing.classes
    if n != len(classes):
        raise ModelError(
            f"the model gives {n} scores an image for the dataset's {len(classes)} classes"
        )
    return LabelSpace(classes, n, tuple((i,) for i in range(n)), n, "the model's own answers")


def task_of(module: nn.Module, listing: Listing, space: LabelSpace) -> Task:
    """The task that ``module`` and a dataset make, over the classes of ``space``."""
    if isinstance(module, Answering):
        return OwnAnswers(space.names, () if space.names else listing.classes)
    return Questions(space) if _says(listing, "question") else Classes(space)


def _like_first(listing: Listing, images: Tensor) -> Asked:
    label = torch.full((len(images),), -1, dtype=torch.int64, device=images.device)
    return Asked((_first(listing),) * len(images), label)


def _first(listing: Listing) -> dict[str, str]:
    return dict(listing.texts[0]) if listing.texts else {}


def _says(listing: Listing, key: str) -> bool:
    return listing.texts is not None and any(key in text for text in listing.texts)
