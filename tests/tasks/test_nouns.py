"""Which words name a class: singular and plural, as captions write them."""

import pytest

from audit.tasks.base import Word
from audit.tasks.nouns import nouns_among

CLASSES = ("dog", "bus", "glas", "glass", "traffic light", "Größe")


def _found(*words, classes=CLASSES):
    said = [Word(0, k, "pred", k, word) for k, word in enumerate(words)]
    return [(noun.said.word, noun.cls) for noun in nouns_among(said, classes)]


@pytest.mark.parametrize(
    ("word", "cls"),
    [
        ("dog", 0),
        ("dogs", 0),
        ("Dog", 0),
        ("DOGS.", 0),
        ("“dog”", 0),
        ("«dog»…", 0),
        (" dog\n", 0),
        ("buses", 1),
        ("bus", 1),
        ("glass", 3),  # a class of its own, and no plural of "glas"
        ("glasses", 3),
        ("GRÖSSE", 5),
        ("Gro\u0308ße", 5),  # the letter and its dots as two characters
    ],
)
def test_a_name_or_its_plural(word, cls):
    assert _found(word) == [(word, cls)]


@pytest.mark.parametrize(
    "word", ["", ".", "…", "do", "dogged", "hotdog", "bu", "traffic", "light", "s", "es", "dog-s"]
)
def test_other_words_name_nothing(word):
    assert _found(word) == []


def test_words_keep_their_order_and_what_is_known_of_them():
    words = [
        Word(1, 7, "true", 3, "buses"),
        Word(0, 2, "pred", 0, "a"),
        Word(0, 4, "pred", 1, "dog"),
    ]
    nouns = nouns_among(words, CLASSES)
    assert [noun.said for noun in nouns] == [words[0], words[2]]
    assert [noun.cls for noun in nouns] == [1, 0]


@pytest.mark.parametrize("name", ["", " ", "?", "—"])
def test_a_class_whose_name_has_no_letter_is_named_by_none(name):
    assert _found(".", "", "s", "es", "-", classes=(name,)) == []


def test_without_classes_or_words_there_is_no_noun():
    assert _found("dog", classes=()) == []
    assert _found() == []
