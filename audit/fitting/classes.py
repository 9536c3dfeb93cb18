"""The recipe of a classifier: cross-entropy, no augmentation.

What the images teach, shortcuts included, is what the model learns.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from audit.errors import DataError
from audit.fitting.recipe import Opened, Recipe
from audit.models.architectures import build_module

__all__ = ["classes_recipe", "labelled"]


def classes_recipe(source: Opened, model: str, name: str) -> Recipe:
    """``model`` learns the labels of ``source``; ``name`` is what messages call the dataset.

    Raises DataError where there are no two classes to learn from.
    """
    listing = source.listing
    indices = labelled(listing.labels, name)
    module = build_module(model, len(listing.classes))

    def loss(inputs: Tensor, index: np.ndarray) -> tuple[Tensor, Tensor]:
        labels = torch.from_numpy(listing.labels[index]).to(inputs.device)
        logits = module(inputs)
        return F.cross_entropy(logits, labels), logits.argmax(1) == labels

    return Recipe(
        module,
        indices,
        loss,
        rate=1e-2,
        epochs=6,
        batch_size=64,
        judged="images",
        classes=listing.classes,
    )


def labelled(labels: np.ndarray, name: str) -> np.ndarray:
    """The rows that have a label; DataError where there are no two of them that differ."""
    indices = np.flatnonzero(labels >= 0)
    if len(set(labels[indices].tolist())) < 2:  # noqa: PLR2004 - nothing to tell apart
        raise DataError(f"{name} has fewer than two labelled classes")
    return indices
