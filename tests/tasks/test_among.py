"""A classifier's answers, and those to questions, by hand."""

import math

import pytest
import torch
from torch import nn

from audit.errors import ModelError
from audit.models.label_space import LabelSpace, match_labels
from audit.tasks.among import Classes, Questions
from audit.tasks.base import Asked

# ln 1 and ln 3: probabilities 1/4 and 3/4, and the other way round
LOGITS = torch.tensor([[1.0, 3.0], [3.0, 1.0]]).log()
IMAGES = torch.zeros(2, 3, 4, 4)


class Says(nn.Module):
    """Gives fixed logits, and keeps what it was given."""

    def __init__(self, logits):
        super().__init__()
        self.logits, self.given = logits, []

    def forward(self, *given):
        self.given.append(given)
        return self.logits


def _asked(*labels, texts=None):
    return Asked(texts or ({},) * len(labels), torch.tensor(labels))


def _classes(n=2):
    return Classes(match_labels([f"c{i}" for i in range(n)], None, None, n))


def test_the_label_is_true_and_the_highest_score_predicted():
    answers = _classes().ask(Says(LOGITS), IMAGES, _asked(0, 0))
    assert answers.true.tolist() == [0, 0]
    assert answers.predicted.tolist() == [1, 0]
    expected = torch.tensor([[0.25, 0.75], [0.75, 0.25]])
    torch.testing.assert_close(answers.log_probability.exp(), expected)
    assert (answers.said, answers.words) == (None, ())


def test_without_a_label_the_predicted_answer_stands_for_the_true_one():
    answers = _classes().ask(Says(LOGITS), IMAGES, _asked(-1, 1))
    assert answers.true.tolist() == [1, 1]


def test_scores_keep_their_graph_and_probabilities_have_none():
    logits = LOGITS.clone().requires_grad_()
    answers = _classes().ask(Says(logits), IMAGES, _asked(0, 0))
    assert answers.scores.requires_grad
    assert not answers.log_probability.requires_grad


def test_half_precision_is_widened_before_the_softmax():
    answers = _classes().ask(Says(LOGITS.bfloat16()), IMAGES, _asked(0, 0))
    assert answers.scores.dtype == answers.log_probability.dtype == torch.float32


def test_a_classifier_is_given_images_alone():
    model = Says(LOGITS)
    texts = ({"question": "what?"}, {})
    _classes().ask(model, IMAGES, _asked(0, 0, texts=texts))
    assert [len(given) for given in model.given] == [1]


def test_each_image_comes_with_its_question_and_with_none_where_it_has_none():
    model = Says(LOGITS)
    task = Questions(_classes().space)
    texts = ({"question": "où?"}, {"caption": "a dog"})
    answers = task.ask(model, IMAGES, _asked(1, 0, texts=texts))
    ((images, questions),) = model.given
    assert images is IMAGES
    assert questions == ["où?", ""]
    assert answers.true.tolist() == [1, 0]


def test_an_answer_that_the_model_cannot_give_has_no_probability():
    space = LabelSpace(("no", "maybe", "yes"), 3, ((0,), (), (1,)), 2, "name")
    answers = Questions(space).ask(Says(LOGITS), IMAGES, _asked(1, 1))
    assert answers.true.tolist() == [1, 1]
    assert answers.predicted.tolist() == [2, 0]
    expected = torch.tensor([[0.25, 0, 0.75], [0.75, 0, 0.25]])
    torch.testing.assert_close(answers.log_probability.exp(), expected)


def test_outputs_of_one_class_are_summed():
    # e^ln1 + e^ln3 = 4 of 4 + 4
    space = LabelSpace(("a", "b"), 2, ((0, 1), (2,)), 3, "class map")
    logits = torch.tensor([[1.0, 3.0, 4.0]]).log()
    answers = Classes(space).ask(Says(logits), IMAGES[:1], _asked(0))
    assert answers.log_probability[0, 0].item() == pytest.approx(math.log(0.5))


@pytest.mark.parametrize("task", [Classes, Questions])
def test_names_are_the_label_spaces_and_no_word_is_judged(task):
    space = _classes().space
    assert (task(space).names, task(space).nouns) == (("c0", "c1"), ())


@pytest.mark.parametrize("task", [Classes, Questions])
def test_a_row_for_each_image_is_needed(task):
    with pytest.raises(ModelError, match="2 rows of scores for 3 images"):
        task(_classes().space).ask(Says(LOGITS), torch.zeros(3, 3, 4, 4), _asked(0, 0, 0))


def test_what_is_no_logits_is_named():
    with pytest.raises(ModelError, match="must return a tensor of logits"):
        Questions(_classes().space).ask(Says("yes"), IMAGES, _asked(0, 0))


def test_scores_that_are_not_finite_are_handed_on():
    logits = torch.tensor([[torch.nan, 0.0], [0.0, 1.0]])
    answers = _classes().ask(Says(logits), IMAGES, _asked(0, 0))
    assert answers.scores.isfinite().all(dim=1).tolist() == [False, True]
    assert answers.predicted[1].item() == 1
