"""A case's strings."""

import base64

import pytest

from audit.errors import DataError
from audit.report.cards import card
from audit.report.load import read_run
from audit.report.text import NOT_AVAILABLE


@pytest.fixture
def cards(run):
    return {case.index: card(case) for case in read_run(run).cases}


def test_label_and_prediction_alike_are_one_slot(cards):
    one = cards[3]
    assert one.predicted is None
    assert (one.true.role, one.true.name) == ("Label and prediction", "two␊lines")
    assert (one.true.probability, one.true.mass, one.true.lift) == ("0.750", "50.0%", "4.00×")
    assert (one.tone, one.area, one.tags) == ("right", "12.5%", ())


def test_a_wrong_answer_has_a_slot_for_each(cards):
    one = cards[1]
    assert (one.true.role, one.true.lift) == ("Label", "4.00×")
    assert (one.predicted.role, one.predicted.mass) == ("Prediction", "5.0%")
    assert (one.tone, one.tags) == ("wrong", ("off object",))


def test_without_a_label_there_is_the_prediction(cards):
    one = cards[4]
    assert (one.true, one.tone) == (None, "open")
    assert one.predicted.role == "Prediction"


def test_an_output_outside_the_classes_has_its_name(cards):
    assert cards[5].predicted.name == "tench"


def test_what_there_is_not_is_said(cards):
    one = cards[5]
    assert (one.area, one.outline) == (NOT_AVAILABLE, "")
    assert (one.predicted.mass, one.predicted.lift) == (NOT_AVAILABLE, NOT_AVAILABLE)
    assert one.tags == ("no region",)


def test_a_zero_map_says_why_nothing_is_drawn(cards):
    assert cards[6].true.heat == ""
    assert cards[6].true.note.startswith("No positive evidence")
    assert cards[6].name == "image 6"


def test_heat_is_the_grid_as_it_is(cards, run):
    first = next(case for case in read_run(run).cases if case.index == 0)
    assert base64.b64decode(cards[0].true.heat) == first.true.cam


def test_size_and_outline_are_in_the_pictures_pixels(cards):
    assert (cards[0].width, cards[0].height) == (120, 90)
    assert cards[0].outline.startswith("M")


@pytest.mark.parametrize("column", ["view", "region"])
def test_a_picture_that_cannot_be_decoded_is_named(tmp_path, write_run, case, column):
    broken = case(7, 0, 0, on=True, galleries=["control"], **{column: b"not a picture"})
    run = write_run(tmp_path / "run", [broken, case(8, 0, 0, on=True, galleries=["control"])])
    with pytest.raises(DataError, match=f"the {column} of image 7 is no picture"):
        [card(one) for one in read_run(run).cases]


def test_a_verified_case_has_its_patch_and_what_covering_it_did(found):
    one = next(card(case) for case in read_run(found).cases if case.index == 12)
    # the patch is x 96 to 120, y 72 to 90; the first pixel's centre is 0, its edge −0.5
    assert one.patch == ("95.5", "71.5", "24.0", "18.0")
    assert (one.covered, one.change) == ("assets/images/12-covered.jpg", "0.750 → 0.125")
    assert one.tags == ("off object", "spurious, verified")


def test_a_case_that_was_not_covered_has_neither(cards):
    assert (cards[0].patch, cards[0].covered, cards[0].change) == ((), "", "")


def test_on_estimated_regions_a_case_is_a_warning(found):
    cases = {case.index: case for case in read_run(found).cases}
    tags = card(cases[12], estimated=True).tags
    assert tags == ("off object", "warning: cause outside the estimated region")
    assert card(cases[11], estimated=True).tags == ("off object", "local cause")


def test_a_covered_picture_that_cannot_be_decoded_is_named(tmp_path, write_run, case):
    broken = case(7, 0, 0, on=True, galleries=["control"], covered=b"no picture")
    run = write_run(tmp_path / "run", [broken])
    with pytest.raises(DataError, match="the covered view of image 7 is no picture"):
        card(read_run(run).cases[0])


def _said(position, word, present, mass=None, caption="pred", cam=(255,) * 48, index=0):
    row = {"index": index, "caption": caption, "position": position, "word": word}
    return row | {
        "present": present,
        "relevance_mass_accuracy": mass,
        "cam": None if cam is None else list(cam),
    }


@pytest.fixture
def captioned(tmp_path, write_run, case):
    """The card of one captioned image, given the nouns of its captions; ``more`` as ``case``'s."""

    def make(words=(), **more):
        texts = {"true_label": "a dog", "pred_label": "a cat and\na dog", "correct": False}
        texts |= {"true_class": None, "pred_class": None}
        one = case(0, 0, 1, on=True, galleries=["control"], **texts | more)
        run = write_run(tmp_path / "run", [one], words=list(words))
        return card(read_run(run).cases[0])

    return make


def test_a_caption_has_a_slot_for_what_is_true_and_one_for_what_is_said(captioned):
    one = captioned()
    assert (one.true.role, one.true.name, one.true.index) == ("Label", "a dog", -1)
    assert (one.predicted.role, one.predicted.name) == ("Prediction", "a cat and␊a dog")
    assert (one.tone, one.words, one.question) == ("wrong", (), "")


def test_a_caption_that_says_the_same_is_one_slot(captioned):
    one = captioned(pred_label="a dog", correct=True)
    assert (one.true.role, one.predicted) == ("Label and prediction", None)


def test_without_a_reference_there_is_what_is_said(captioned):
    one = captioned(true_label=None, correct=None)
    assert (one.true, one.tone) == (None, "open")
    assert one.predicted.name == "a cat and␊a dog"


def test_a_long_caption_is_cut_later_than_a_classes_name(captioned):
    one = captioned(pred_label="x" * 500, true_label="y" * 70, true_class=0)
    assert (len(one.predicted.name), len(one.true.name)) == (160, 60)


def test_words_come_in_the_captions_order_and_say_whether_their_object_is_there(captioned):
    words = [
        _said(4, "dog", present=True, mass=0.75),
        _said(1, "cat", present=False),
        _said(6, "bus", present=None),
        _said(0, "dog", present=True, mass=1.0, caption="true"),
        _said(0, "cat", present=True, mass=1.0, index=99),  # of another image
    ]
    found = captioned(words).words
    assert [(one.name, one.said) for one in found] == [
        *(("cat", "not in the image"), ("dog", "75.0% on it"), ("bus", "")),
    ]
    assert {base64.b64decode(one.heat) for one in found} == {bytes([255] * 48)}
    assert {one.note for one in found} == {""}


def test_a_word_without_a_map_says_so(captioned):
    (one,) = captioned([_said(0, "dog", present=True, cam=None)]).words
    assert (one.heat, one.note) == ("", "There is no map.")
    assert one.said == "in the image"


def test_at_most_six_words_are_shown_and_hostile_ones_as_one_line(captioned):
    words = [_said(k, f"{k}\n\u202e" + "x" * 99, present=False) for k in range(9)]
    found = captioned(words).words
    assert [one.name[:2] for one in found] == ["0␊", "1␊", "2␊", "3␊", "4␊", "5␊"]
    assert {len(one.name) for one in found} == {40}


def test_a_question_is_shown_with_its_answer(cards, tmp_path, write_run, case):
    assert cards[0].question == ""
    asked = {"question": "what\nis\u202e it?" + "x" * 300}
    run = write_run(tmp_path / "asked", [case(0, 0, 0, on=True, galleries=["control"], **asked)])
    one = card(read_run(run).cases[0])
    assert one.question.startswith("what␊is it?")
    assert len(one.question) == 200
