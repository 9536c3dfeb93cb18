"""The project's own model for questions about images: small, and it looks where it is asked."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audit.models.trunk import PLACED, Trunk, with_places
from audit.models.vocabulary import BOUNDARY, Vocabulary

__all__ = ["SmallVqa"]

_WORD = 32
_HIDDEN = 64
_LEAST = 1e-6  # a probability whose logarithm is still a number


class SmallVqa(nn.Module):
    """Answers a question about an image by attending to the cells where its words are seen.

    ``spotter`` says of each cell which words it looks like, and the words of the question weight
    the cells (spatial attention as in Xu and Saenko 2016, arXiv:1511.05234); every cell votes for
    an answer, from its features and the question's code, which a GRU reads. The target layer
    ``votes`` (B×answers×h×w) is attention × probability, summed over the cells. A vote has the
    question's own say in it: what its words alone tell is learnt as well.
    """

    def __init__(self, answers: int, words: tuple[str, ...]) -> None:
        super().__init__()
        self.vocabulary = Vocabulary(words)
        self.trunk = Trunk()
        self.spotter = nn.Conv2d(PLACED, len(self.vocabulary), kernel_size=1)
        self.embedding = nn.Embedding(len(self.vocabulary), _WORD)
        self.reader = nn.GRU(_WORD, _HIDDEN, batch_first=True)
        self.weight = nn.Linear(_HIDDEN, 1)  # of a word: at first all are sought alike
        nn.init.zeros_(self.weight.weight)
        nn.init.constant_(self.weight.bias, 0.5)
        self.votes = _Votes(PLACED, _HIDDEN, answers)

    def forward(self, images: Tensor, questions: Sequence[str]) -> Tensor:
        """Logits B×answers of one question about each image, B×3×H×W: log probabilities."""
        return self.answer(self.encode(images), questions)

    def encode(self, images: Tensor) -> Tensor:
        """Features B×66×h×w: the trunk's, and each cell's place."""
        return with_places(self.trunk(images))

    def answer(self, features: Tensor, questions: Sequence[str]) -> Tensor:
        """Logits B×answers; ``features`` B×66×h×w may repeat an image that is asked often."""
        sought, question = self._read(questions)
        scores = torch.einsum("bwij,bw->bij", self.spotter(features), sought)
        attention = scores.flatten(1).softmax(dim=1).view_as(scores)
        votes = self.votes(features, attention, question)
        logits: Tensor = (votes.sum(dim=(-2, -1)) + _LEAST).log()
        return logits

    def _read(self, questions: Sequence[str]) -> tuple[Tensor, Tensor]:
        """How much each word is sought, B×V, and the question's code B×64."""
        device = self.embedding.weight.device
        words, counts = (part.to(device) for part in self.vocabulary.encode(questions))
        states, _ = self.reader(self.embedding(words))
        weights = self.weight(states) * (words != BOUNDARY)[..., None]
        known = F.one_hot(words, len(self.vocabulary)).to(states.dtype)
        rows = torch.arange(len(words), device=device)
        return (weights * known).sum(dim=1), states[rows, (counts - 1).clamp(min=0)]


class _Votes(nn.Module):
    """What each cell answers, B×answers×h×w: probabilities × its attention weight."""

    def __init__(self, features: int, question: int, answers: int) -> None:
        super().__init__()
        self.seen = nn.Conv2d(features, question, kernel_size=1)
        self.asked = nn.Linear(question, question)
        self.answer = nn.Conv2d(question, answers, kernel_size=1)
        self.told = nn.Linear(question, answers)

    def forward(self, features: Tensor, attention: Tensor, question: Tensor) -> Tensor:
        mixed = torch.relu(self.seen(features) + self.asked(question)[:, :, None, None])
        logits = self.answer(mixed) + self.told(question)[:, :, None, None]
        votes: Tensor = attention[:, None] * logits.softmax(dim=1)
        return votes
