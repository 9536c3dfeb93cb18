"""The teller's log-probabilities are chosen, so that sums are worked out by hand."""

import torch

from audit.models.captioning import answers_of
from audit.models.vocabulary import Vocabulary
from audit.tasks.base import Asked, Word


class Teller:
    """Says -1, -2, -4, -8, … of the word at each place, the unknown one half as likely a word."""

    vocabulary = Vocabulary(("a", "cat", "dog"))

    def follow(self, features, words):
        places = -(2.0 ** torch.arange(words.shape[1] + 1))
        log_p = places[None, :, None].repeat(len(words), 1, len(self.vocabulary))
        log_p[..., 1] -= 0.5
        return log_p * features[:, None, None]


def asked(*captions):
    texts = tuple({} if one is None else {"caption": one} for one in captions)
    return Asked(texts, torch.full((len(captions),), -1))


def answered(captions, said):
    features = torch.ones(len(said), requires_grad=True)
    return answers_of(Teller(), features, said, asked(*captions)), features


def test_columns_are_both_captions_and_all_words():
    found, _ = answered(["A cat.", "a zebra and a dog"], ["a dog", "dog"])
    # Ends count: "a cat" is -1 -2 -4. "zebra" and "and" are unknown: half a unit less likely each.
    assert found.scores[0].tolist() == [-7, -7, -1, -2, 0, 0, 0, -1, -2, 0, 0, 0]
    assert found.scores[1].tolist() == [-64, -3, -1, -2.5, -4.5, -8, -16, -1, 0, 0, 0, 0]
    assert torch.equal(found.log_probability, found.scores)
    assert not found.log_probability.requires_grad
    assert (found.true.tolist(), found.predicted.tolist()) == ([0, 0], [1, 1])
    assert found.said == (("A cat.", "a dog"), ("a zebra and a dog", "dog"))


def test_every_word_of_both_captions_is_named():
    found, _ = answered(["A zebra."], ["dog"])
    assert found.words == (
        Word(0, 2, "true", 0, "a"),
        Word(0, 3, "true", 1, "zebra"),
        Word(0, 4, "pred", 0, "dog"),
    )


def test_captions_of_the_same_words_are_one_answer():
    found, _ = answered(["A  dog!"], ["a dog"])
    assert (found.true.tolist(), found.predicted.tolist()) == ([0], [0])
    assert [(word.caption, word.word) for word in found.words] == [
        ("true", "a"),
        ("true", "dog"),
        ("pred", "a"),
        ("pred", "dog"),
    ]


def test_without_a_reference_the_own_caption_is_the_true_one():
    found, _ = answered([None, " ?"], ["a", "a"])
    assert (found.true.tolist(), found.predicted.tolist()) == ([1, 1], [1, 1])
    assert found.said == ((None, "a"), (None, "a"))
    assert found.scores[:, 0].tolist() == [0, 0]
    assert {word.caption for word in found.words} == {"pred"}


def test_padding_depends_on_nothing_and_images_on_themselves():
    found, features = answered(["a", "a cat a"], ["dog", "cat"])
    (gradient,) = torch.autograd.grad(found.scores[0].sum(), features)
    # a + end, dog + end, then the words alone: -3 -3 -1 -1
    assert gradient.tolist() == [-8, 0]
    alone, _ = answered(["a"], ["dog"])
    assert alone.scores[0].tolist() == [-3, -3, -1, -1]
    assert found.scores[0].tolist() == [-3, -3, -1, 0, 0, -1, 0, 0]
