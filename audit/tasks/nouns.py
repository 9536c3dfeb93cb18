"""Which words of a caption name a class of the dataset."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from audit.tasks.base import Word

__all__ = ["Noun", "nouns_among"]

_ENDINGS = ("", "s", "es")  # of an English plural
_AROUND = "CPSZ"  # Unicode's controls, punctuation, symbols and spaces


@dataclass(frozen=True)
class Noun:
    """A word that names class ``cls``."""

    said: Word
    cls: int


def nouns_among(words: Sequence[Word], classes: Sequence[str]) -> list[Noun]:
    """The ``words`` that are the name of one of ``classes``, or its plural in -s or -es.

    Case and punctuation do not count. Names of several words are found in no single word.
    """
    named = {
        _plain(name) + ending: cls
        for ending in reversed(_ENDINGS)  # a class called "bus" is no plural of "bu"
        for cls, name in enumerate(classes)
        if _plain(name)
    }
    found = [(word, named.get(_plain(word.word))) for word in words]
    return [Noun(word, cls) for word, cls in found if cls is not None]


def _plain(word: str) -> str:
    """In lower case and one spelling, without what stands round its letters and digits."""
    folded = unicodedata.normalize("NFC", word).casefold()
    kept = [i for i, sign in enumerate(folded) if unicodedata.category(sign)[0] not in _AROUND]
    return folded[kept[0] : kept[-1] + 1] if kept else ""
