"""The nouns of captions on a linear model: a word's map is the one channel that it is made of."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from audit.answers import answered, asked
from audit.explain.forward import class_map
from audit.findings import examine, unpack
from audit.models.classifier import Classifier
from audit.models.layout import finest
from audit.nouns import noun_columns, noun_rows
from audit.records import OTHER, UNCLASSED, Batch, Groups, Preprocessing
from audit.tables.schema import arrow_schema
from audit.target_regions import AnnotatedBatch
from audit.tasks.base import Answers, Word
from audit.tasks.nouns import Noun
from audit.tasks.own import OwnAnswers

CPU = torch.device("cpu")
CLASSES = ("dog", "cat", "bus")
DOG, CAT, BUS = range(3)
TOP_LEFT, BOTTOM_RIGHT, TOP_RIGHT = (
    (slice(0, 8), slice(0, 8)),
    (slice(8, 16), slice(8, 16)),
    (slice(0, 8), slice(8, 16)),
)
#: Column of the scores: the caption itself, then a word for each of the channels.
RED, GREEN, BLUE = 1, 2, 3


class Captioner(nn.Module):
    """Feature maps are the channels; column 1 + k is the mean of channel k, column 0 of all."""

    def __init__(self, words=(), factor=1.0):
        super().__init__()
        self.maps = nn.AdaptiveAvgPool2d(8)
        self.words, self.factor = words, factor

    def ask(self, images, _asked):
        means = self.maps(images).mean((2, 3)) * self.factor
        scores = torch.cat([means.sum(1, keepdim=True), means], dim=1)
        first = torch.zeros(len(images), dtype=torch.int64)
        said = (("a reference", "a caption"),) * len(images)
        known = scores.detach() - 2
        return Answers(scores, known, first, first, said, tuple(self.words))


def _classifier(module):
    return Classifier(module.eval(), "toy", "toy", Preprocessing(), None, None, ("maps",), "0", ())


@pytest.fixture
def pixels():
    """Both images: red top left, green bottom right, blue top right, each of another level."""
    found = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    for channel, (level, where) in enumerate(
        ((255, TOP_LEFT), (102, BOTTOM_RIGHT), (51, TOP_RIGHT))
    ):
        found[(slice(None), channel, *where)] = level
    return found


def _groups(objects):
    """``objects``: image, class, where."""
    if not objects:
        return None
    raster = torch.zeros(len(objects), 16, 16, dtype=torch.bool)
    for one, (_, _, where) in zip(raster, objects, strict=True):
        one[where] = True
    n = len(objects)
    return Groups(
        image=np.array([image for image, _, _ in objects]),
        label=np.array([label for _, label, _ in objects]),
        raster=raster,
        n_objects=np.ones(n, dtype=np.int32),
        visible=np.ones(n, dtype=np.float32),
        boxes=(np.empty((0, 4)),) * n,
    )


def _batch(pixels, objects):
    n = len(pixels)
    held = _groups(objects)
    with_any = set() if held is None else set(held.image.tolist())
    return Batch(
        index=np.arange(n) + 100,
        pixels=pixels,
        to_view=None,
        readable=np.ones(n, dtype=bool),
        label=np.full(n, -1),
        groups=held,
        ignore=None,
        source=tuple("annotation" if i in with_any else "none" for i in range(n)),
        size=np.full((n, 2), 16, dtype=np.int32),
        frame=np.tile(np.array([0, 0, 16, 16], dtype=np.float32), (n, 1)),
        digest=("d",) * n,
        texts=({"caption": "a reference"},) * n,
        detail=("",) * n,
        path=(None,) * n,
        slices=({},) * n,
        present=(None,) * n,
    )


#: In image 100 a dog and a cat, in 101 a dog where 100 has its cat.
OBJECTS = [(0, DOG, TOP_LEFT), (0, CAT, BOTTOM_RIGHT), (1, DOG, BOTTOM_RIGHT)]


def _noun(image, column, cls, position=0, caption="pred"):
    return Noun(Word(image, column, caption, position, CLASSES[cls]), cls)


NOUNS = (
    _noun(0, RED, DOG, 1),
    _noun(1, GREEN, CAT, 2),
    _noun(0, GREEN, CAT, 4),
    _noun(0, BLUE, BUS, 6),
)


def _answered(pixels, module=None):
    module = module or Captioner()
    classifier = _classifier(module)
    return answered(classifier, OwnAnswers((), CLASSES), pixels, asked(pixels), torch.float32)


def _columns(pixels, objects=OBJECTS, nouns=NOUNS, module=None):
    found = _answered(pixels, module)
    annotated = AnnotatedBatch.of(_batch(pixels, objects), (16, 16), finest(found.ran.layouts), CPU)
    columns = noun_columns(found, nouns, annotated, "grad-cam")
    return {name: value.numpy() for name, value in columns.items()}


def _rows(pixels, objects=OBJECTS, nouns=NOUNS, readable=(True, True)):
    batch = replace(_batch(pixels, objects), readable=np.array(readable))
    return noun_rows(batch, _columns(pixels, objects, nouns), nouns, CLASSES, 64)


def test_each_word_has_the_map_of_its_own_channel(pixels):
    cam = _columns(pixels)["cam"].reshape(4, 8, 8)
    expected = np.zeros((4, 8, 8))
    expected[0, :4, :4] = expected[3, :4, 4:] = expected[1, 4:, 4:] = expected[2, 4:, 4:] = 1
    np.testing.assert_allclose(cam, expected, atol=1e-6)


def test_a_word_is_judged_by_the_objects_of_its_class(pixels):
    found = _columns(pixels)
    mass = found["relevance_mass_accuracy"]
    # a sharp quarter, but for the halo of bilinear upsampling
    assert (mass[[0, 2]] > 0.85).all()
    assert found["mass_lift"][0] == pytest.approx(mass[0] / 0.25)
    assert found["pointing_game_hit"][[0, 2]].tolist() == [1, 1]
    assert found["area"][[0, 2]].tolist() == [0.25, 0.25]


def test_a_word_whose_object_is_not_there_is_not_present_and_not_scored(pixels):
    found = _columns(pixels)
    assert found["present"].tolist() == [True, False, True, False]
    for name in ("relevance_mass_accuracy", "mass_lift", "pointing_game_hit", "area"):
        assert np.isnan(found[name]).tolist() == [False, True, False, True], name
    # what it looks at instead is the dog of image 101; the bus of 100 is at none of the objects
    assert found["other_mass"][1] > 0.85
    assert found["other_mass"][3] < 0.2
    assert (found["cam_status"] == 0).all()


def test_the_other_objects_are_those_of_other_classes(pixels):
    found = _columns(pixels, nouns=(_noun(0, RED, CAT),))
    # red lies on the dog: not on the cat, and .9 or so on the other object
    assert found["relevance_mass_accuracy"][0] < 0.01
    assert found["other_mass"][0] > 0.85
    assert found["pointing_game_hit"][0] == 0


def test_probabilities_are_each_words_own(pixels):
    # means over the view: red 1/4, green .4/4, blue .2/4; the log-probability is 2 less
    expected = np.exp(np.array([0.25, 0.1, 0.1, 0.05]) - 2)
    np.testing.assert_allclose(_columns(pixels)["probability"], expected, rtol=1e-6)


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (2, 0, 3, 1), (1, 3, 0, 2)])
def test_the_order_of_the_nouns_is_kept(pixels, order):
    straight = _columns(pixels)
    turned = _columns(pixels, nouns=tuple(NOUNS[i] for i in order))
    for name, values in straight.items():
        np.testing.assert_array_equal(turned[name], values[list(order)], err_msg=name)


def test_each_noun_has_what_it_has_alone(pixels):
    together = _columns(pixels)
    for place, noun in enumerate(NOUNS):
        for name, value in _columns(pixels, nouns=(noun,)).items():
            np.testing.assert_allclose(
                together[name][place], value[0], atol=1e-6, err_msg=f"{name} {place}"
            )


def test_one_image_may_have_all_the_nouns(pixels):
    nouns = tuple(_noun(1, column, DOG, column) for column in (BLUE, GREEN, RED, GREEN))
    found = _columns(pixels, nouns=nouns)
    assert found["present"].tolist() == [True] * 4
    assert (found["relevance_mass_accuracy"] > 0.5).tolist() == [False, True, False, True]


def test_further_maps_can_be_had_afterwards(pixels):
    found = _answered(pixels)
    annotated = AnnotatedBatch.of(_batch(pixels, OBJECTS), (16, 16), (8, 8), CPU)
    noun_columns(found, NOUNS, annotated, "grad-cam")
    maps = class_map(found.ran, found.answers.true, "grad-cam", last=True)
    assert maps.shape == (2, 8, 8)


def test_without_annotations_nothing_is_present(pixels):
    found = _columns(pixels, [])
    assert not found["present"].any()
    for name in ("relevance_mass_accuracy", "other_mass", "area"):
        assert np.isnan(found[name]).all(), name


def test_a_word_that_nothing_speaks_for_has_a_zero_map(pixels):
    found = _columns(pixels, module=Captioner(factor=-1.0))
    assert found["cam_status"].tolist() == [1] * 4
    assert np.isnan(found["relevance_mass_accuracy"]).all()
    assert found["present"].tolist() == [True, False, True, False]


def test_a_map_that_is_not_finite_does_not_touch_its_neighbour(pixels):
    class Overflow(Captioner):
        def ask(self, images, asking):
            answers = super().ask(images, asking)
            bad = torch.where(torch.arange(len(images)) == 1, torch.inf, 1.0)[:, None]
            return replace(answers, scores=answers.scores * bad)

    found = _columns(pixels, module=Overflow())
    assert found["cam_status"].tolist() == [0, 2, 0, 0]
    assert np.isnan(found["cam"][1]).all()
    assert found["relevance_mass_accuracy"][2] > 0.85


def test_rows_say_where_a_word_stands_and_what_it_names(pixels):
    table = _rows(pixels)
    assert table.schema.equals(arrow_schema("words", 64), check_metadata=False)
    rows = table.to_pylist()
    assert [row["index"] for row in rows] == [100, 101, 100, 100]
    assert [(row["position"], row["word"]) for row in rows] == [
        *((1, "dog"), (2, "cat"), (4, "cat"), (6, "bus")),
    ]
    assert [(row["class"], row["label"]) for row in rows] == [
        *((DOG, "dog"), (CAT, "cat"), (CAT, "cat"), (BUS, "bus")),
    ]
    assert [row["present"] for row in rows] == [True, False, True, False]
    assert [row["pointing_game_hit"] for row in rows] == [True, None, True, None]
    assert [row["region_area_fraction"] for row in rows] == [0.25, None, 0.25, None]
    assert {row["cam_status"] for row in rows} == {"ok"}
    assert {row["caption"] for row in rows} == {"pred"}
    assert sum(rows[0]["cam"]) == 16 * 255


def test_where_nothing_is_annotated_no_word_is_absent(pixels):
    rows = _rows(pixels, OBJECTS[:2]).to_pylist()  # image 101 has nothing
    assert [row["present"] for row in rows] == [True, None, True, False]
    assert {row["present"] for row in _rows(pixels, []).to_pylist()} == {None}


@pytest.mark.parametrize(("label", "present"), [(UNCLASSED, None), (OTHER, False), (BUS, False)])
def test_an_object_of_no_said_class_does_not_say_what_is_absent(pixels, label, present):
    rows = _rows(pixels, [(1, label, TOP_LEFT)], nouns=NOUNS[1:2]).to_pylist()
    assert [row["present"] for row in rows] == [present]
    assert rows[0]["relevance_mass_accuracy"] is None


def test_an_unreadable_image_has_no_words(pixels):
    rows = _rows(pixels, readable=(True, False)).to_pylist()
    assert [(row["index"], row["word"]) for row in rows] == [
        *((100, "dog"), (100, "cat"), (100, "bus")),
    ]
    assert _rows(pixels, readable=(False, False)).num_rows == 0


def test_a_zero_map_is_null_in_the_rows(pixels):
    found = _columns(pixels, module=Captioner(factor=-1.0))
    rows = noun_rows(_batch(pixels, OBJECTS), found, NOUNS, CLASSES, 64).to_pylist()
    assert [(row["cam"], row["cam_status"]) for row in rows] == [(None, "zero")] * 4


def _examined(pixels, words):
    batch, classifier = _batch(pixels, OBJECTS), _classifier(Captioner(words))
    return batch, examine(batch, classifier, OwnAnswers((), CLASSES), "grad-cam", CPU)


def test_a_batch_of_captions_is_examined_with_its_words(pixels):
    words = (
        Word(1, GREEN, "pred", 1, "Cats,"),
        Word(0, BLUE, "true", 0, "a"),
        Word(0, RED, "true", 1, "dog"),
    )
    batch, packed = _examined(pixels, words)
    assert packed.said == (("a reference", "a caption"),) * 2
    assert [noun.cls for noun in packed.words.nouns] == [CAT, DOG]
    figures = unpack(packed.words.matrix.numpy(), packed.words.layout)
    rows = noun_rows(batch, figures, packed.words.nouns, CLASSES, 64).to_pylist()
    assert [(row["index"], row["caption"], row["present"]) for row in rows] == [
        (101, "pred", False),
        (100, "true", True),
    ]
    found = unpack(packed.matrix.numpy(), packed.layout)
    assert "topk_class" not in found  # columns are no alternatives
    assert found["true_probability"] == pytest.approx(np.exp(0.4 - 2))


def test_captions_without_a_noun_have_no_table_of_words(pixels):
    _, packed = _examined(pixels, (Word(0, RED, "pred", 0, "hello"),))
    assert packed.words is None
