from collections import Counter, defaultdict

import numpy as np
import pytest

from audit.data.scenes.objects import SceneObject, draw_objects
from audit.data.scenes.questions import QUESTION_TYPES, Question, ask, caption_of

STAR = SceneObject("star", "red", "striped", "left")
MOON = SceneObject("moon", "blue", "plain", "right")


def test_one_question_of_every_type():
    assert ask(np.random.default_rng(0), [STAR]) == (
        Question("what color is the star?", "what color is", "red", 0),
        Question("what is the red thing?", "what is the", "star", 0),
        Question("is the star on the left or on the right?", "is the", "left", 0),
        Question("what pattern does the star have?", "what pattern", "striped", 0),
    )


def test_questions_are_about_any_object():
    rng = np.random.default_rng(0)
    about = Counter(q.about for _ in range(100) for q in ask(rng, [STAR, MOON]))
    assert set(about) == {0, 1}
    assert about[0] == pytest.approx(200, abs=40)


def test_an_answer_is_that_of_its_object():
    for question in ask(np.random.default_rng(3), [STAR, MOON]):
        one = (STAR, MOON)[question.about]
        assert question.answer in (one.colour, one.shape, one.side, one.pattern)
        assert one.shape in question.text or one.colour in question.text


def test_only_the_pattern_can_be_told_from_the_question():
    """The most frequent answer to a question's words is right by chance alone, but for patterns."""
    rng = np.random.default_rng(0)
    answers = {kind: defaultdict(Counter) for kind in QUESTION_TYPES}
    for _ in range(3000):
        for question in ask(rng, draw_objects(rng, (2, 4), 0.95)):
            answers[question.type][question.text][question.answer] += 1
    blind = {
        kind: sum(max(counts.values()) for counts in texts.values()) / 3000
        for kind, texts in answers.items()
    }
    assert blind["what color is"] == pytest.approx(1 / 6, abs=0.04)
    assert blind["what is the"] == pytest.approx(1 / 6, abs=0.04)
    assert blind["is the"] == pytest.approx(1 / 2, abs=0.04)
    assert blind["what pattern"] == pytest.approx(0.95, abs=0.02)


def test_captions_name_the_objects_in_their_order():
    assert caption_of([STAR, MOON]) == "a red star and a blue moon"
    assert caption_of([MOON, STAR, MOON]) == "a blue moon and a red star and a blue moon"
