import json

import numpy as np
import pytest

from audit.data.vqa_files import read_answers, read_questions
from audit.errors import DataError

ASKED = {"question_id": 42001, "image_id": 42, "question": "what color is the star?"}
ANSWERED = {
    "question_id": 42001,
    "image_id": 42,
    "question_type": "what color is",
    "answer_type": "other",
    "multiple_choice_answer": "red",
    "answers": [{"answer": "red", "answer_confidence": "yes", "answer_id": 1}],
}


@pytest.fixture
def questions(tmp_path):
    def of(*entries, **more):
        (tmp_path / "q.json").write_text(json.dumps({"questions": list(entries)} | more))
        return read_questions(tmp_path / "q.json")

    return of


@pytest.fixture
def answers(tmp_path, questions):
    def of(*entries, asked=(ASKED,)):
        (tmp_path / "a.json").write_text(json.dumps({"annotations": list(entries)}))
        return read_answers(tmp_path / "a.json", questions(*asked))

    return of


def test_questions_in_their_order(questions):
    found = questions(
        ASKED,
        {"question_id": "b", "image_id": 0, "question": " is  it\n</script>?"},
        data_subtype="val2014",
    )
    assert found.ids == (42001, "b")
    assert found.texts == ("what color is the star?", "is it </script>?")
    assert found.images.tolist() == [42, 0]
    assert found.images.dtype == np.int64
    assert found.subset == "val2014"
    assert questions(ASKED, data_subtype=["val"]).subset is None


@pytest.mark.parametrize(
    "bad",
    [
        "what?",
        None,
        {"image_id": 1, "question": "what?"},
        {"question_id": 1, "question": "what?"},
        {"question_id": 1, "image_id": 1},
        {"question_id": True, "image_id": 1, "question": "what?"},
        {"question_id": [1], "image_id": 1, "question": "what?"},
        {"question_id": 1, "image_id": "1", "question": "what?"},
        {"question_id": 1, "image_id": 1.0, "question": "what?"},
        {"question_id": 1, "image_id": True, "question": "what?"},
        {"question_id": 1, "image_id": -1, "question": "what?"},
        {"question_id": 1, "image_id": 10**12, "question": "what?"},
        {"question_id": 1, "image_id": 1, "question": ""},
        {"question_id": 1, "image_id": 1, "question": " \n"},
        {"question_id": 1, "image_id": 1, "question": "what\0?"},
        {"question_id": 1, "image_id": 1, "question": "what\x1b[2J?"},
        {"question_id": 1, "image_id": 1, "question": "what\ud800?"},
        {"question_id": 1, "image_id": 1, "question": ["what?"]},
    ],
)
def test_a_bad_question_is_named(questions, bad):
    with pytest.raises(DataError, match=r"questions need a question_id, an .*: 1 \(") as error:
        questions(ASKED, bad)
    assert len(str(error.value)) < 500
    str(error.value).encode()  # no half of a surrogate pair
    assert str(error.value).isprintable()


def test_questions_must_be_there_once(questions, tmp_path):
    with pytest.raises(DataError, match=r"question ids that occur twice: 1 \('42001'\)"):
        questions(ASKED, ASKED | {"image_id": 7})
    with pytest.raises(DataError, match="holds no questions"):
        questions()
    (tmp_path / "q.json").write_text('{"annotations": []}')
    with pytest.raises(DataError, match="not a VQA questions file: it lacks the lists questions"):
        read_questions(tmp_path / "q.json")


def test_answers_in_the_order_of_the_questions(answers):
    asked = [ASKED | {"question_id": number} for number in (5, 3, 9, 4)]
    given = [
        ANSWERED | {"question_id": 9, "multiple_choice_answer": " no  idea\n"},
        ANSWERED | {"question_id": 5},
        {"question_id": 4, "image_id": 42, "multiple_choice_answer": ""},
    ]
    found = answers(*given, asked=asked)
    assert found.answers == ("red", None, "no idea", None)
    assert found.question_types == ("what color is", None, "what color is", None)
    assert found.answer_types == ("other", None, "other", None)


@pytest.mark.parametrize(
    "changed",
    [
        {"question_id": None},
        {"image_id": None},
        {"image_id": "42"},
        {"multiple_choice_answer": None},
        {"multiple_choice_answer": 2},
        {"multiple_choice_answer": ["red"]},
        {"multiple_choice_answer": "r\0ed"},
        {"multiple_choice_answer": "\udfff"},
        {"question_type": 3},
        {"question_type": "what\x07"},
        {"answer_type": {"other": 1}},
    ],
)
def test_a_bad_annotation_is_named(answers, changed):
    with pytest.raises(DataError, match=r"annotations need a question_id, an .*: 1 \(") as error:
        answers(ANSWERED | changed)
    assert len(str(error.value)) < 500
    str(error.value).encode()
    assert str(error.value).isprintable()


def test_annotations_that_do_not_fit_the_questions(answers):
    with pytest.raises(DataError, match=r"question ids that occur twice: 1 \('42001'\)"):
        answers(ANSWERED, ANSWERED)
    with pytest.raises(DataError, match=r"questions that the questions file lacks: 1 \('7'\)"):
        answers(ANSWERED, ANSWERED | {"question_id": 7})
    with pytest.raises(DataError, match=r"another image than their question's: 1 \('42001'\)"):
        answers(ANSWERED | {"image_id": 43})


def test_an_annotation_in_the_place_of_the_file(answers, tmp_path):
    """What looks like one person's answer is let go, wherever it stands."""
    (tmp_path / "a.json").write_text('{"annotations": [{"answer_id": 1}], "answers": 3}')
    (tmp_path / "q.json").write_text(json.dumps({"questions": [ASKED]}))
    with pytest.raises(DataError, match=r"annotations need a question_id.*: 1 \('None'\)"):
        read_answers(tmp_path / "a.json", read_questions(tmp_path / "q.json"))
    (tmp_path / "a.json").write_text('{"answer_id": 1, "annotations": []}')
    with pytest.raises(DataError, match="is not a VQA file"):
        read_answers(tmp_path / "a.json", read_questions(tmp_path / "q.json"))
