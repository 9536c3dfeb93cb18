"""What a text says of an image besides its order: which words it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from audit.models.vocabulary import BOUNDARY, UNKNOWN, Vocabulary

__all__ = ["Mentions"]

_SHARE = 0.3  # of the spotter in the loss


@dataclass(frozen=True)
class Mentions:
    """Which words are said of N images."""

    held: Tensor  # float N×V of 0 and 1
    telling: Tensor  # bool V: said of some images and not of others

    @classmethod
    def of(cls, vocabulary: Vocabulary, texts: Sequence[str]) -> Mentions:
        """The mentions of the N images of which ``texts`` are said."""
        words, _ = vocabulary.encode(texts)
        held = torch.zeros(len(texts), len(vocabulary)).scatter_(1, words, 1.0)
        held[:, [BOUNDARY, UNKNOWN]] = 0.0
        return cls(held, held.any(dim=0) & ~held.all(dim=0))

    def loss(self, spotted: Tensor, images: Sequence[int]) -> Tensor:
        """The words said of an image should be seen in some of its cells, the others in none.

        ``spotted``, logits B×V×h×w, are of ``images``, places among the N. An image's logit is
        the mean over its cells, weighted by their softmax: near the largest, and every cell
        learns. Words that are said of all images, or of none, tell nothing and are left alone.
        """
        cells = spotted[:, self.telling.to(spotted.device)].flatten(2)
        pooled = (cells * cells.softmax(dim=2)).sum(dim=2)
        wanted = self.held[list(images)][:, self.telling].to(spotted.device)
        told = F.binary_cross_entropy_with_logits(pooled, wanted, reduction="sum")
        return _SHARE * told / len(spotted)
