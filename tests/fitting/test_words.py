import math

import torch

from audit.fitting.words import Mentions
from audit.models.vocabulary import Vocabulary

TOLD = Mentions.of(Vocabulary(("a", "cat", "dog", "owl")), ["a cat", "a dog a dog", "a zebra"])


def test_which_words_are_said_of_which_image():
    assert TOLD.held[:, 2:].tolist() == [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0]]
    assert not TOLD.held[:, :2].any()  # the boundary, the unknown word


def test_words_said_of_all_images_or_of_none_tell_nothing():
    assert TOLD.telling.tolist() == [False, False, False, True, True, False]
    spotted = torch.zeros(1, 6, 2, 2, requires_grad=True)
    TOLD.loss(spotted, [0]).backward()
    assert spotted.grad.abs().sum(dim=(0, 2, 3)).bool().tolist() == TOLD.telling.tolist()


def test_loss_of_undecided_cells():
    # two telling words at even odds are log 2 each, of which .3 counts
    assert math.isclose(TOLD.loss(torch.zeros(1, 6, 2, 2), [2]), 0.6 * math.log(2), rel_tol=1e-5)


def test_a_word_needs_few_cells():
    spotted = torch.full((1, 6, 2, 2), -20.0)
    spotted[0, 3, 0, 1] = 20.0  # "cat", in one cell of four
    assert TOLD.loss(spotted, [0]) < 1e-5
    assert TOLD.loss(spotted, [1]) > 5
