"""Which task a dataset and a model make: images, questions, captions, and what a user brings."""

import numpy as np
import pytest
import torch
from torch import nn

from audit.errors import ModelError
from audit.models.label_space import match_labels
from audit.records import Listing
from audit.tasks.among import Classes, Questions
from audit.tasks.base import Answering, Answers
from audit.tasks.choice import call_of, scores_of, space_of, task_of
from audit.tasks.own import OwnAnswers

ASKED = ({"question": "is it red?"}, {"question": "what is it?"})
CAPTIONED = ({"caption": "a dog"}, {"caption": "a cat"})
IMAGES = torch.zeros(2, 3, 4, 4)


class Plain(nn.Module):
    def forward(self, *given):
        return given


class Own(Plain):
    """Brings its answers: to every image the same scores."""

    def __init__(self, columns=2, said=None):
        super().__init__()
        self.columns, self.said = columns, said

    def ask(self, images, asked):
        self.given = asked
        scores = torch.zeros(len(images), self.columns)
        chosen = torch.zeros(len(images), dtype=torch.int64)
        said = None if self.said is None else (self.said,) * len(images)
        return Answers(scores, scores.log_softmax(1), chosen, chosen, said)


def _listing(texts=None, classes=("yes", "no")):
    labels = np.zeros(2, dtype=np.int64)
    return Listing(classes, labels, ("a.png", "b.png"), np.zeros(2, dtype=np.int64), texts=texts)


def _by_index(n):
    return match_labels(["yes", "no"], None, None, n)


SPACE = _by_index(2)


def test_a_module_with_ask_brings_its_answers():
    assert isinstance(Own(), Answering)
    assert not isinstance(Plain(), Answering)


def test_a_classifier_is_called_as_it_is():
    module = Plain()
    assert call_of(module, _listing()) is module


def test_a_model_of_questions_is_called_with_the_first_one():
    images, questions = call_of(Plain(), _listing(ASKED))(IMAGES)
    assert images is IMAGES
    assert questions == ["is it red?"] * 2


def test_where_the_first_image_has_no_question_an_empty_one_is_asked():
    _, questions = call_of(Plain(), _listing(({}, ASKED[1])))(IMAGES)
    assert questions == ["", ""]


def test_answers_of_its_own_are_asked_for_with_what_comes_with_the_first_image():
    module = Own()
    call_of(module, _listing(CAPTIONED))(IMAGES)
    assert module.given.texts == ({"caption": "a dog"},) * 2
    assert module.given.label.tolist() == [-1, -1]
    call_of(module, _listing())(IMAGES)
    assert module.given.texts == ({}, {})


def test_captions_need_a_captioner():
    with pytest.raises(ModelError, match=r"holds captions, and Plain gives none: .*method ask\("):
        call_of(Plain(), _listing(CAPTIONED))


def test_scores_are_logits_or_the_answers_own():
    logits = torch.ones(1, 2)
    assert scores_of(logits) is logits
    assert scores_of({"logits": logits}) is logits
    answers = Own().ask(IMAGES, None)
    assert scores_of(answers) is answers.scores
    with pytest.raises(ModelError, match="must return a tensor of logits"):
        scores_of("red")


def test_logits_are_matched_to_the_classes():
    asked = []

    def match(n):
        asked.append(n)
        return SPACE

    assert space_of(torch.zeros(1, 2), _listing(ASKED), match) is SPACE
    assert asked == [2]


def test_own_answers_stand_for_the_classes_in_their_order():
    space = space_of(Own(2).ask(IMAGES, None), _listing(), _by_index)
    assert (space.names, space.groups) == (("yes", "no"), ((0,), (1,)))
    assert (space.n_classes, space.n_outputs) == (2, 2)
    assert space.how == "the model's own answers"


def test_own_answers_need_one_score_for_each_class():
    with pytest.raises(ModelError, match="gives 3 scores an image for the dataset's 2 classes"):
        space_of(Own(3).ask(IMAGES, None), _listing(), _by_index)


def test_own_scores_that_are_no_rows_are_named():
    flat = torch.zeros(2)
    answers = Answers(flat, flat, torch.zeros(2), torch.zeros(2))
    with pytest.raises(ModelError, match=r"scores must be B×C, not \(2,\)"):
        space_of(answers, _listing(), _by_index)


def test_texts_have_no_label_space():
    space = space_of(Own(5, (None, "a dog")).ask(IMAGES, None), _listing(CAPTIONED), _by_index)
    assert (space.names, space.groups, len(space)) == ((), (), 0)
    assert space.how == "none: its answers are texts"


def test_the_task_follows_from_dataset_and_model():
    assert task_of(Plain(), _listing(), SPACE) == Classes(SPACE)
    assert task_of(Plain(), _listing(ASKED), SPACE) == Questions(SPACE)
    assert task_of(Own(), _listing(ASKED), SPACE) == OwnAnswers(("yes", "no"))


def test_of_texts_the_words_are_judged_by_the_classes():
    space = space_of(Own(5, (None, "a dog")).ask(IMAGES, None), _listing(CAPTIONED), _by_index)
    task = task_of(Own(), _listing(CAPTIONED), space)
    assert (task.names, task.nouns) == ((), ("yes", "no"))
