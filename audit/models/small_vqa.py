"""The project's own model for questions about images: small, and it looks where it is asked."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from audit.models.trunk import PLACED, Trunk, with_places
from audit.models.vocabulary import Vocabulary

__all__ = ["SmallVqa"]

_WORD = 32
_HIDDEN = 64


class SmallVqa(nn.Module):
    """Answers a question about an image by attending to the cells that it asks for.

    The stacked attention of Yang et al. 2016 (arXiv:1511.02274) with one glimpse: a GRU reads the
    question, which weights the cells of the trunk's grid; the weighted features (``attended``,
    B×66×h×w, explained by default) are summed over the cells, and two layers answer from the sum
    and the question. The question reaches them directly too: what its words alone tell is learnt.
    """

    def __init__(self, answers: int, words: tuple[str, ...]) -> None:
        super().__init__()
        self.vocabulary = Vocabulary(words)
        self.trunk = Trunk()
        self.embedding = nn.Embedding(len(self.vocabulary), _WORD)
        self.reader = nn.GRU(_WORD, _HIDDEN, batch_first=True)
        self.spotter = nn.Conv2d(PLACED, len(self.vocabulary), kernel_size=1)
        self.attended = _Attended(len(self.vocabulary), _HIDDEN)
        self.asked = nn.Linear(_HIDDEN, PLACED)
        self.mixed = nn.Linear(PLACED + _HIDDEN, 2 * _HIDDEN)
        self.head = nn.Linear(2 * _HIDDEN, answers)

    def forward(self, images: Tensor, questions: Sequence[str]) -> Tensor:
        """Logits B×answers of one question about each image, B×3×H×W."""
        return self.answer(self.encode(images), questions)

    def encode(self, images: Tensor) -> Tensor:
        """Features B×66×h×w: the trunk's, and each cell's place."""
        return with_places(self.trunk(images))

    def answer(self, features: Tensor, questions: Sequence[str]) -> Tensor:
        """Logits B×answers; ``features`` B×66×h×w may repeat an image that is asked often."""
        question = self._read(questions)
        seen = self.attended(features, self.spotter(features), question).sum(dim=(-2, -1))
        both = torch.cat([seen * torch.sigmoid(self.asked(question)) , question], dim=1)
        logits: Tensor = self.head(torch.relu(self.mixed(both)))
        return logits

    def _read(self, questions: Sequence[str]) -> Tensor:
        """The question's code B×64: the reader's state after its last word."""
        device = self.embedding.weight.device
        words, counts = (part.to(device) for part in self.vocabulary.encode(questions))
        states, _ = self.reader(self.embedding(words))
        last: Tensor = states[torch.arange(len(words), device=device), (counts - 1).clamp(min=0)]
        return last


class _Attended(nn.Module):
    """Attention weight × features, B×K×h×w: what of each cell reaches the answer."""

    def __init__(self, words: int, question: int) -> None:
        super().__init__()
        self.sought = nn.Linear(question, words)

    def forward(self, features: Tensor, spotted: Tensor, question: Tensor) -> Tensor:
        scores = torch.einsum("bwij,bw->bij", spotted, self.sought(question))
        weights = scores.flatten(1).softmax(dim=1).view_as(scores)
        attended: Tensor = weights[:, None] * features
        return attended
