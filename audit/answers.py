"""What a model answers to the views it is shown, in the run's precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audit.device import autocast
from audit.explain.forward import Forward, tapped
from audit.models.classifier import Classifier
from audit.models.preprocessing import normalise
from audit.tasks.base import Answers, Asked, Task

__all__ = ["Answered", "answered", "asked", "probabilities", "true_probability"]


@dataclass(frozen=True)
class Answered:
    """The answers to a batch, and the forward from which their maps can be had."""

    answers: Answers
    ran: Forward


def asked(
    view: Tensor, texts: Sequence[Mapping[str, str]] | None = None, label: Tensor | None = None
) -> Asked:
    """What comes with the views B×3×H×W: nothing but what is given."""
    n = len(view)
    if label is None:
        label = torch.full((n,), -1, dtype=torch.int64, device=view.device)
    return Asked(({},) * n if texts is None else tuple(texts), label)


def answered(
    classifier: Classifier, task: Task, view: Tensor, asking: Asked, dtype: torch.dtype
) -> Answered:
    """One forward of uint8 views B×3×H×W in ``dtype``, from which maps can be had.

    Raises ModelError as ``tapped`` and the task do.
    """
    module, inputs = classifier.module, normalise(view, classifier.preprocessing)
    size = (view.shape[-2], view.shape[-1])
    with autocast(view.device, dtype):
        answers, held, layouts = tapped(
            module, classifier.target_layers, size, lambda: task.ask(module, inputs, asking)
        )
    return Answered(answers, Forward(answers.scores, held, layouts))


def probabilities(
    classifier: Classifier, task: Task, view: Tensor, asking: Asked, dtype: torch.dtype
) -> Tensor:
    """The probability float32 B×C of every score, for uint8 views B×3×H×W, without a graph."""
    return _plainly(classifier, task, view, asking, dtype).log_probability.exp()


def true_probability(
    classifier: Classifier, task: Task, view: Tensor, asking: Asked, dtype: torch.dtype
) -> Tensor:
    """The same of each image's true answer alone, float32[B]."""
    answers = _plainly(classifier, task, view, asking, dtype)
    return answers.log_probability.gather(1, answers.true[:, None])[:, 0].exp()


def _plainly(
    classifier: Classifier, task: Task, view: Tensor, asking: Asked, dtype: torch.dtype
) -> Answers:
    with torch.inference_mode(), autocast(view.device, dtype):
        inputs = normalise(view, classifier.preprocessing)
        return task.ask(classifier.module, inputs, asking)
