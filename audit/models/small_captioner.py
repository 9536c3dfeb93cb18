"""The project's own captioner: small, and each of its words is seen somewhere in the image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audit.models.captioning import answers_of
from audit.models.trunk import PLACED, Trunk, with_places
from audit.models.vocabulary import BOUNDARY, UNKNOWN, Vocabulary
from audit.tasks.base import Answers, Asked

__all__ = ["SmallCaptioner"]

_WORD = 64
_HIDDEN = 128
_LONGEST = 16  # words of a caption that the model writes


class SmallCaptioner(nn.Module):
    """Describes an image word by word, attending to the cells that the next word is about.

    Soft attention as in Show, Attend and Tell (Xu et al. 2015, arXiv:1502.03044), led by the state
    *after* the words so far, which sees no image itself (Lu et al. 2017, arXiv:1612.01887): so the
    gradient of a word's log-probability is of that word alone, and all words are one pass.
    ``spotter`` says of each cell which words it looks like; what it says of the attended cells,
    and what the words before tell, make the next word.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        super().__init__()
        self.vocabulary = Vocabulary(words)
        size = len(self.vocabulary)
        self.trunk = Trunk()
        self.spotter = nn.Conv2d(PLACED, size, kernel_size=1)
        self.embedding = nn.Embedding(size, _WORD)
        self.reader = nn.LSTM(_WORD, _HIDDEN, batch_first=True)
        self.key = nn.Conv2d(PLACED, _WORD, kernel_size=1)
        self.query = nn.Linear(_HIDDEN, _WORD)
        self.weight = nn.Linear(_HIDDEN, 1)  # of the last word
        nn.init.zeros_(self.weight.weight)
        nn.init.constant_(self.weight.bias, 0.5)
        self.told = nn.Linear(_HIDDEN, size)

    def forward(self, images: Tensor, captions: Sequence[str]) -> Tensor:
        """Log-probabilities B×T×V of every word after the true ones before it.

        T is the longest caption's count of words and one more, for the end; V the vocabulary with
        its boundary and its unknown word. What comes after a caption's end means nothing.
        """
        words, _ = self.vocabulary.encode(captions)
        return self.follow(self.encode(images), words.to(images.device))

    def encode(self, images: Tensor) -> Tensor:
        """Features B×66×h×w: the trunk's, and each cell's place."""
        return with_places(self.trunk(images))

    def follow(self, features: Tensor, words: Tensor) -> Tensor:
        """Log-probabilities B×(T+1)×V where int64[B×T] ``words`` are said of ``features``."""
        before = F.pad(words, (1, 0), value=BOUNDARY)
        states, _ = self.reader(self.embedding(before))
        return self._next(self._look(features), states, before)

    def ask(self, images: Tensor, asked: Asked) -> Answers:
        """See ``audit.models.captioning``; the images are encoded once."""
        features = self.encode(images)
        said = [self.vocabulary.decode(row) for row in self.write(features).tolist()]
        return answers_of(self, features, said, asked)

    @torch.no_grad()
    def write(self, features: Tensor) -> Tensor:
        """The likeliest next word again and again, int64[B×T], filled up with BOUNDARY.

        At least one word, at most 16, never the unknown one.
        """
        looked = self._look(features)
        word = features.new_full((len(features), 1), BOUNDARY, dtype=torch.int64)
        ended = torch.zeros_like(word, dtype=torch.bool)
        state, written = None, list[Tensor]()
        while len(written) < _LONGEST and not bool(ended.all()):
            states, state = self.reader(self.embedding(word), state)
            scores = self._next(looked, states, word)
            scores[..., [UNKNOWN] if written else [UNKNOWN, BOUNDARY]] = -torch.inf
            word = scores.argmax(dim=-1).masked_fill(ended, BOUNDARY)
            ended = ended | (word == BOUNDARY)
            written.append(word)
        return torch.cat(written, dim=1)

    def _look(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """What the hw cells are to attention, B×64×hw, and the words spotted there, B×V×hw."""
        return self.key(features).flatten(2), self.spotter(features).flatten(2)

    def _next(self, looked: tuple[Tensor, Tensor], states: Tensor, last: Tensor) -> Tensor:
        """Log-probabilities B×T×V of the word after each of the states B×T×128.

        ``last``, int64[B×T], are the words that led to the states: what was just said is looked at
        first, "red" before what is red.
        """
        keys, spotted = looked
        said = F.one_hot(last, len(self.vocabulary)).to(states.dtype) * self.weight(states)
        match = torch.bmm(self.query(states), keys) / math.sqrt(_WORD)
        attention = (match + torch.bmm(said, spotted)).softmax(dim=-1)
        seen = torch.bmm(attention, spotted.transpose(1, 2))
        logits: Tensor = seen + self.told(states)
        return logits.log_softmax(dim=-1)
