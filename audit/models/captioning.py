"""Captions as answers: log-probabilities of whole captions, and of their words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor

from audit.models.vocabulary import Vocabulary, split_words
from audit.tasks.base import Answers, Asked, Word

__all__ = ["Teller", "answers_of"]

_TRUE, _PRED = 0, 1  # columns of the whole captions; those of the words come after
_WHOLE = 2


class Teller(Protocol):
    """What a captioner does with features that it has once made of its images."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The words it knows."""
        ...

    def follow(self, features: Tensor, words: Tensor) -> Tensor:
        """Log-probabilities B×(T+1)×V of int64[B×T] ``words`` and what comes after them."""
        ...


def answers_of(teller: Teller, features: Tensor, said: Sequence[str], asked: Asked) -> Answers:
    """The answers of ``teller``, which says ``said`` of ``features``, B of each.

    Columns: 0 the reference's log-probability, its end with it; 1 that of what is said; then one a
    word of the reference and one a word of what is said, in order, each given the words before it.
    A word that the vocabulary lacks is scored as the unknown one. Columns of no word, and 0 without
    a reference, are zeros. Captions of the same words are one answer, column 0: their words are
    still named for both, for a person reads either.
    """
    references = [_reference(texts.get("caption")) for texts in asked.texts]
    true = [text or "" for text in references]
    words, counts = teller.vocabulary.encode([*true, *said])
    words, counts = words.to(features.device), counts.to(features.device)
    found = _log_probabilities(teller.follow(torch.cat([features, features]), words), words)
    within = torch.arange(words.shape[1] + 1, device=words.device) <= counts[:, None]
    spoken = torch.tensor([split_words(text) != () for text in [*true, *said]], device=words.device)
    totals = torch.where(within & spoken[:, None], found, 0).sum(dim=1)
    single = torch.where(within[:, 1:], found[:, :-1], 0)
    n = len(said)
    scores = torch.cat([totals.view(2, n).T, single[:n], single[n:]], dim=1)
    columns = [_columns(a, b) for a, b in zip(references, said, strict=True)]
    chosen = torch.tensor(columns, dtype=torch.int64, device=scores.device).reshape(n, 2)
    first = {"true": _WHOLE, "pred": _WHOLE + words.shape[1]}
    return Answers(
        scores=scores,
        log_probability=scores.detach().clamp(max=0),
        true=chosen[:, 0],
        predicted=chosen[:, 1],
        said=tuple(zip(references, said, strict=True)),
        words=(*_words("true", true, first["true"]), *_words("pred", said, first["pred"])),
    )


def _reference(text: str | None) -> str | None:
    """``text``; None where it has no words."""
    return text if text and split_words(text) else None


def _log_probabilities(follow: Tensor, words: Tensor) -> Tensor:
    """log p of every word and of the end: B×(T+1) of B×(T+1)×V."""
    wanted = torch.nn.functional.pad(words, (0, 1))  # BOUNDARY after the last word
    return follow.gather(2, wanted[..., None])[..., 0]


def _columns(reference: str | None, said: str) -> tuple[int, int]:
    if reference is None:
        return _PRED, _PRED
    return _TRUE, _TRUE if split_words(reference) == split_words(said) else _PRED


def _words(caption: Literal["true", "pred"], texts: Sequence[str], first: int) -> Iterator[Word]:
    for image, text in enumerate(texts):
        for position, word in enumerate(split_words(text)):
            yield Word(image, first + position, caption, position, word)
