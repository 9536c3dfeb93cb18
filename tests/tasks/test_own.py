"""What a model that brings its own answers has to keep to."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from audit.errors import ModelError
from audit.tasks.base import Answers, Asked, Word
from audit.tasks.own import OwnAnswers

IMAGES = torch.zeros(2, 3, 4, 4)
ASKED = Asked(({}, {}), torch.tensor([0, -1]))
SCORES = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]).log()
OF_CLASSES = Answers(SCORES, SCORES, torch.tensor([0, 1]), torch.tensor([0, 1]))
OF_TEXTS = replace(OF_CLASSES, said=(("a dog", "a dog"), (None, "a cat")))


class Own(nn.Module):
    def __init__(self, answers):
        super().__init__()
        self.answers, self.given = answers, []

    def ask(self, images, asked):
        self.given.append((images, asked))
        return self.answers


def _asked(answers, names=("x", "y", "z")):
    return OwnAnswers(names).ask(Own(answers), IMAGES, ASKED)


def test_answers_come_back_as_the_module_gave_them():
    module = Own(OF_CLASSES)
    assert OwnAnswers(("x", "y", "z")).ask(module, IMAGES, ASKED) is OF_CLASSES
    assert module.given == [(IMAGES, ASKED)]


def test_texts_and_their_words_come_back_too():
    words = (Word(0, 2, "pred", 1, "dog"), Word(1, 0, "true", 0, "cat"))
    answers = replace(OF_TEXTS, words=words)
    assert _asked(answers, ()) is answers


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"scores": SCORES[0]}, r"scores must be floating point B×C, not \(3,\) torch.float32"),
        ({"scores": SCORES.long()}, r"scores must be floating point B×C, not \(2, 3\) torch.int64"),
        ({"scores": SCORES[:1], "log_probability": SCORES[:1]}, "1 rows of scores for 2 images"),
        ({"log_probability": SCORES[:, :2]}, r"log_probability has the shape \(2, 2\), scores"),
        ({"true": torch.tensor([0])}, r"true must be one int64 column an image, not \(1,\)"),
        ({"predicted": torch.tensor([0.0, 1.0])}, "predicted must be one int64 .* torch.float32"),
        ({"true": torch.tensor([0, -1])}, "true must name one of the 3 columns"),
        ({"predicted": torch.tensor([3, 0])}, "predicted must name one of the 3 columns"),
        (
            {"words": (Word(2, 0, "pred", 0, "dog"),)},
            "the word 'dog' has image 2 of 2, column 0 of 3",
        ),
        (
            {"words": (Word(0, -1, "pred", 0, "dog"),)},
            "the word 'dog' has image 0 of 2, column -1 of",
        ),
        ({"said": OF_TEXTS.said}, "said holds texts; the answers to the first image were classes"),
    ],
)
def test_what_does_not_fit_is_named(changes, told):
    with pytest.raises(ModelError, match=f"^Own.ask: {told}"):
        _asked(replace(OF_CLASSES, **changes))


def test_there_is_one_score_for_each_class():
    with pytest.raises(ModelError, match="3 scores an image for the dataset's 2 classes"):
        _asked(OF_CLASSES, ("x", "y"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (OF_TEXTS.said[:1], "1 pairs of texts for 2 images"),
        (None, "said is None; the answers to the first image were texts"),
    ],
)
def test_every_image_has_its_texts(said, told):
    with pytest.raises(ModelError, match=told):
        _asked(replace(OF_TEXTS, said=said), ())


def test_what_is_no_answers_is_named():
    with pytest.raises(ModelError, match=r"Own.ask returned a Tensor; it must return audit\.tasks"):
        _asked(SCORES)


def test_a_module_without_ask_is_named():
    with pytest.raises(ModelError, match=r"Linear has no method ask\(images, asked\)"):
        OwnAnswers(()).ask(nn.Linear(1, 1), IMAGES, ASKED)
