"""The recipe of a captioner: every word after the true ones before it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from audit.errors import DataError
from audit.fitting.recipe import Opened, Recipe
from audit.fitting.words import Mentions
from audit.models.small_captioner import SmallCaptioner
from audit.models.vocabulary import Vocabulary, split_words

__all__ = ["captions_recipe"]


def captions_recipe(source: Opened, name: str) -> Recipe:
    """SmallCaptioner learns the captions of ``source``.

    The loss is cross-entropy of their words and ends, and that of spotting their words in the
    image. Raises DataError where no image has a caption.
    """
    captions = [row.get("caption", "") for row in source.listing.texts or ()]
    indices = np.flatnonzero([split_words(caption) != () for caption in captions])
    if not len(indices):
        raise DataError(f"{name} has no image with a caption")
    vocabulary = Vocabulary.of(captions)
    mentions = Mentions.of(vocabulary, captions)
    module = SmallCaptioner(vocabulary.words)

    def loss(inputs: Tensor, index: np.ndarray) -> tuple[Tensor, Tensor]:
        said = [captions[row] for row in index]
        words, counts = (part.to(inputs.device) for part in vocabulary.encode(said))
        features = module.encode(inputs)
        wanted = F.pad(words, (0, 1))  # the boundary after the last word
        within = torch.arange(wanted.shape[1], device=inputs.device) <= counts[:, None]
        found, wanted = module.follow(features, words)[within], wanted[within]
        spotting = mentions.loss(module.spotter(features), index.tolist())
        return F.nll_loss(found, wanted) + spotting, found.argmax(1) == wanted

    return Recipe(
        module,
        indices,
        loss,
        rate=5e-3,
        epochs=6,
        batch_size=16,
        judged="words",
        words=vocabulary.words,
    )
