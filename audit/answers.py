"""What a classifier says of the views it is shown, in the run's precision and label space."""

from __future__ import annotations

import torch
from torch import Tensor

from audit.device import autocast
from audit.explain.forward import Forward, forward
from audit.models.classifier import Classifier
from audit.models.label_space import LabelSpace
from audit.models.logits import logits_of
from audit.models.preprocessing import normalise

__all__ = ["answered", "probabilities"]


def answered(
    classifier: Classifier, space: LabelSpace, view: Tensor, dtype: torch.dtype
) -> Forward:
    """One forward of uint8 views B×3×H×W in ``dtype``, from which maps can be had.

    Its scores are float32 B×C over ``space``. Raises ModelError as ``forward`` does.
    """
    inputs = normalise(view, classifier.preprocessing)
    with autocast(view.device, dtype):
        return forward(
            classifier.module,
            classifier.target_layers,
            inputs,
            lambda output: space.scores(logits_of(output).float()),
        )


def probabilities(
    classifier: Classifier, space: LabelSpace, view: Tensor, dtype: torch.dtype
) -> Tensor:
    """The probabilities float32 B×C over ``space`` of uint8 views B×3×H×W, without a graph."""
    with torch.inference_mode(), autocast(view.device, dtype):
        output = classifier.module(normalise(view, classifier.preprocessing))
        return space.scores(logits_of(output).float()).softmax(dim=1)
