"""Recipes on a hand-made source: what is read, what is learnt, what is left out."""

import numpy as np
import pytest
import torch

from audit.errors import DataError
from audit.fitting.captions import captions_recipe
from audit.fitting.classes import classes_recipe
from audit.fitting.questions import questions_recipe
from audit.records import Listing


class Listed:
    """A source of which only the listing is asked for."""

    def __init__(self, labels, paths=None, texts=None, classes=("no", "red", "yes")):
        labels = np.array(labels, dtype=np.int64)
        self.listing = Listing(classes, labels, paths, np.ones(len(labels), np.int64), texts=texts)


def questions(*texts):
    return tuple({"question": text} for text in texts)


ASKED = Listed(
    labels=[1, 2, 0, -1, 2],
    paths=("a.png", "b.png", "a.png", "a.png", "c.png"),
    texts=questions("What color?", "Is it red?", "Is it big?", "Who?", "Is it so?"),
)


class TestQuestions:
    def test_every_image_is_read_once(self):
        recipe = questions_recipe(ASKED, "here")
        assert recipe.indices.tolist() == [0, 1, 4]
        assert recipe.classes == ("no", "red", "yes")
        assert recipe.words == ("big", "color", "is", "it", "red", "so", "what")

    def test_all_its_answered_questions_are_judged(self):
        recipe = questions_recipe(ASKED, "here")
        loss, right = recipe.loss(torch.zeros(2, 3, 32, 32), np.array([1, 0]))
        assert loss.isfinite()
        assert (right.shape, right.dtype) == ((3,), torch.bool)

    def test_images_that_share_a_file_are_their_own(self):
        asked = Listed([0, 1], texts=questions("a", "b"))
        assert questions_recipe(asked, "here").indices.tolist() == [0, 1]

    def test_one_answer_teaches_nothing(self):
        with pytest.raises(DataError, match="here has fewer than two"):
            questions_recipe(Listed([1, 1, -1], texts=questions("a", "b", "c")), "here")


class TestCaptions:
    SAID = Listed([-1] * 4, texts=({"caption": "A dog."}, {}, {"caption": "…"}, {"caption": "cat"}))

    def test_images_without_a_caption_are_left_out(self):
        recipe = captions_recipe(self.SAID, "here")
        assert recipe.indices.tolist() == [0, 3]
        assert recipe.classes is None
        assert recipe.words == ("a", "cat", "dog")

    def test_words_and_ends_are_judged(self):
        recipe = captions_recipe(self.SAID, "here")
        loss, right = recipe.loss(torch.zeros(2, 3, 32, 32), np.array([3, 0]))
        assert loss.isfinite()
        assert right.shape == (2 + 3,)

    def test_no_caption_teaches_nothing(self):
        with pytest.raises(DataError, match="here has no image with a caption"):
            captions_recipe(Listed([0, 1], texts=({}, {})), "here")


class TestClasses:
    def test_images_without_a_label_are_left_out(self):
        recipe = classes_recipe(Listed([0, -1, 2]), "small_resnet", "here")
        assert recipe.indices.tolist() == [0, 2]
        loss, right = recipe.loss(torch.zeros(2, 3, 32, 32), np.array([2, 0]))
        assert loss.isfinite()
        assert right.shape == (2,)

    def test_one_class_teaches_nothing(self):
        with pytest.raises(DataError, match="here has fewer than two"):
            classes_recipe(Listed([1, 1, -1]), "small_resnet", "here")
