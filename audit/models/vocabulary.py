"""Texts as numbers: the words that a language model knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["BOUNDARY", "UNKNOWN", "Vocabulary", "split_words"]

BOUNDARY = 0  # before the first word and after the last one
UNKNOWN = 1
_FIRST = 2

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def split_words(text: str) -> tuple[str, ...]:
    """The words of ``text``, lower-cased, without punctuation."""
    return tuple(_WORD.findall(text.lower()))


@dataclass(frozen=True)
class Vocabulary:
    """Words and their numbers: 0 is a text's boundary, 1 an unknown word, then ``words``."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """Every word of ``texts``, in alphabetical order."""
        return cls(tuple(sorted({word for text in texts for word in split_words(text)})))

    def __len__(self) -> int:
        return _FIRST + len(self.words)

    def encode(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Numbers int64[B×T] of the words, filled up with BOUNDARY, and int64[B] their counts.

        T is the longest text's count of words, at least one; a text without words has the count 0.
        """
        numbers = {word: number for number, word in enumerate(self.words, start=_FIRST)}
        rows = [[numbers.get(word, UNKNOWN) for word in split_words(text)] for text in texts]
        width = max([1, *(len(row) for row in rows)])
        filled = [row + [BOUNDARY] * (width - len(row)) for row in rows]
        table = torch.tensor(filled, dtype=torch.int64).reshape(len(rows), width)
        return table, torch.tensor([len(row) for row in rows], dtype=torch.int64)

    def decode(self, numbers: Iterable[int]) -> str:
        """The words of ``numbers`` up to the first BOUNDARY, with spaces between."""
        words = []
        for number in numbers:
            if number == BOUNDARY:
                break
            words.append("(unknown)" if number == UNKNOWN else self.words[number - _FIRST])
        return " ".join(words)
