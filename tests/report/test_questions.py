"""The types of question on the page."""

from types import SimpleNamespace

import pytest

from audit.report.load import read_run
from audit.report.questions import MAX_TYPES, links, looks, questions, told
from audit.report.render import render_report
from audit.report.text import NOT_AVAILABLE

SCRIPT = "<script>alert(1)</script>"
_UNTESTED = {
    "verdict": "not_tested",
    "verdict_sentence": "",
    "tested": 0,
    **dict.fromkeys(("unchanged", "drop", "control_drop", "q_value")),
    "asked_elsewhere": 0,
    "same_elsewhere": 0,
}


def _run(rows, attention=None):
    return SimpleNamespace(questions=tuple(rows), summary={"questions": attention})


def _mean(value, low=None, high=None):
    return {"value": value, "low": low, "high": high, "n": 1}


def _attention(**more):
    return {
        "images": 1200,
        "mass": _mean(0.5, 0.375, 0.625),
        "area": 0.125,
        "other": 0.25,
        "above_area": _mean(0.375, 0.25, 0.5),
        "above_other": _mean(-0.25, -0.5, 0.0),
    } | more


def test_a_dataset_without_questions_has_no_section(run):
    assert questions(_run([])) is None
    assert questions(read_run(run)) is None


def test_a_tested_type_in_words(question_row):
    (row,) = questions(_run([question_row("what colour")]))["rows"]
    assert row == {
        "id": "question-0",
        "name": "what colour",
        "n": "240",
        "accuracy": "75.0%",
        "interval": "62.5–87.5%",
        "mass": "50.0%",
        "strip": {"low": "12.50%", "high": "50.00%", "dot": "50.00%"},
        "below": False,
        "area": "12.5%",
        "other": "25.0%",
        "mark": "clean",
        "verdict": "nothing found",
        "tested": "40",
        "stays": "10.0%",
        "drop": "0.50",
        "controls": "−0.02",
        "same": "25.0%",
        "q": "0.75",
    }


def test_a_type_that_was_not_tested_says_nothing_of_tests(question_row):
    (row,) = questions(_run([question_row("why", **_UNTESTED)]))["rows"]
    assert (row["verdict"], row["tested"], row["q"]) == ("not tested", "", "")
    assert (row["stays"], row["drop"], row["same"]) == (NOT_AVAILABLE,) * 3


def test_what_there_is_not_is_said_and_nothing_is_drawn(question_row):
    names = ("accuracy", "accuracy_low", "accuracy_high", "mass", "area", "other_mass", "tested")
    nothing = _UNTESTED | dict.fromkeys(names)
    (row,) = questions(_run([question_row("why", **nothing)]))["rows"]
    told_of = ("accuracy", "interval", "mass", "area", "other")
    assert {row[name] for name in told_of} == {NOT_AVAILABLE}
    assert (row["strip"], row["below"], row["tested"]) == (None, False, "")


@pytest.mark.parametrize(("mass", "below"), [(0.125, True), (0.0625, True), (0.25, False)])
def test_heat_no_denser_than_chance_is_marked(question_row, mass, below):
    (row,) = questions(_run([question_row("what", mass=mass)]))["rows"]
    assert row["below"] is below


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("spurious", "without looking"), ("not_enough_images", "too few questions")],
)
def test_verdicts_in_words(question_row, verdict, words):
    (row,) = questions(_run([question_row("what", verdict=verdict)]))["rows"]
    assert (row["mark"], row["verdict"]) == (verdict, words)


def test_what_was_found_comes_first_then_what_was_tested_then_the_most_frequent(question_row):
    rows = [
        question_row("untested", **_UNTESTED, questions=900),
        question_row("few", verdict="not_enough_images", questions=800),
        question_row("rare", questions=5),
        question_row("clean", questions=500),
        question_row("blind", verdict="spurious", questions=3),
        question_row("as rare", questions=5),
    ]
    section = questions(_run(rows))
    assert [row["name"] for row in section["rows"]] == [
        *("blind", "clean", "rare", "as rare", "few", "untested"),
    ]
    assert [row["id"] for row in section["rows"]][:2] == ["question-4", "question-3"]
    assert [one["name"] for one in section["found"]] == ["blind"]
    assert (section["shown"], section["total"], section["capped"]) == ("6", "6", False)


def test_of_a_thousand_types_those_found_are_among_the_shown(question_row):
    rows = [question_row(f"type {k}", questions=1000 - k) for k in range(1000)]
    rows[-1] = question_row("blind", verdict="spurious", questions=1)
    section = questions(_run(rows))
    assert (section["shown"], section["total"], section["capped"]) == ("100", "1,000", True)
    assert section["rows"][0]["name"] == "blind"
    assert section["rows"][-1]["name"] == "type 98"
    # a link leads only to what is on the page
    assert set(links(rows).values()) == {row["id"] for row in section["rows"]}
    assert links(rows)[999] == "question-999"
    assert 99 not in links(rows)


def test_what_was_found_is_told_without_its_name_twice(question_row):
    rows = [question_row("clean"), question_row("what's it", verdict="spurious")]
    assert told(rows) == [
        {
            "place": "question-1",
            "name": "what's it",
            "sentence": "answered without looking",
            "picture": "",
        }
    ]
    assert told([question_row("clean")]) == []
    assert len(told([question_row("x", verdict="spurious")] * 150)) == MAX_TYPES


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("où est", "où est"),
        ("two\nlines", "two␊lines"),
        ("\u202ehsiw", "hsiw"),
        ("", ""),
        ("x" * 100, "x" * 29 + "…" + "x" * 30),
    ],
)
def test_a_hostile_name_is_one_visible_line(question_row, name, shown):
    (one,) = told([question_row(name, verdict="spurious")])
    assert (one["name"], one["sentence"]) == (shown, "answered without looking")
    (row,) = questions(_run([question_row(name)]))["rows"]
    assert row["name"] == shown


def test_where_the_maps_look_is_set_against_chance():
    found = looks(_attention(), "what is asked for")
    assert found["images"] == "1,200"
    assert found["interval"] == "37.5–62.5%"
    assert found["bars"] == [
        ("Heat on what is asked for", "50.0%", "50.00%"),
        ("Heat on the other objects", "25.0%", "25.00%"),
        ("Chance: its share of the view", "12.5%", "12.50%"),
    ]
    assert found["above"] == [
        ("its area", "37.5 (25.0 to 50.0) points"),
        ("the other objects", "−25.0 (−50.0 to 0.0) points"),
    ]


def test_without_other_objects_there_is_no_bar_for_them():
    found = looks(_attention(other=None, above_other=_mean(None)), "it")
    assert [words for words, _, _ in found["bars"]] == [
        *("Heat on it", "Chance: its share of the view"),
    ]
    assert [words for words, _ in found["above"]] == ["its area"]


def test_one_image_has_no_interval():
    found = looks(_attention(mass=_mean(0.5), above_area=_mean(0.375)), "it")
    assert found["interval"] == NOT_AVAILABLE
    assert found["above"][0] == ("its area", "37.5 points")


def test_where_nothing_was_scored_there_is_no_panel(question_row):
    assert looks(None, "it") is None
    assert questions(_run([question_row("what")]))["looks"] is None


def test_the_page_shows_hostile_types_as_text(tmp_path, write_run, question_row, verdicts):
    rows = [
        question_row(SCRIPT, verdict="spurious", verdict_sentence=f"it says {SCRIPT}"),
        question_row("what"),
        question_row("why", **_UNTESTED),
    ]
    judged = verdicts(groups="question type", measured=None)
    judged |= {"not_tested": [{"label": "why", "images": 240}], "cutoffs": {}}
    run = write_run(
        tmp_path / "run",
        summary={"verdicts": judged, "questions": _attention()},
        questions=rows,
    )
    page = render_report(run).read_text()
    assert SCRIPT not in page
    assert page.count('id="question-0"') == 1
    assert 'href="#question-0"' in page
    assert "Found to be answered without looking at what is asked for." in page
    assert "Not tested: 1 type of question: why." in page
