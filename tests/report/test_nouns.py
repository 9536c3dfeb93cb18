"""The captions' nouns on the page."""

from types import SimpleNamespace

import pytest

from audit.report.load import read_run
from audit.report.nouns import MAX_NOUNS, nouns
from audit.report.render import render_report
from audit.report.text import NOT_AVAILABLE

SCRIPT = "<script>alert(1)</script>"


def _noun(label, **more):
    return {
        "class": 0,
        "label": label,
        "said": 40,
        "hallucinated": 10,
        "referred": 50,
        "missed": 20,
        "mass": 0.5,
        "mass_low": 0.375,
        "mass_high": 0.625,
        "area": 0.125,
        "other_mass": 0.25,
    } | more


def _mean(value, low=None, high=None):
    return {"value": value, "low": low, "high": high, "n": 1}


ATTENTION = {
    "images": 1200,
    "mass": _mean(0.5, 0.375, 0.625),
    "area": 0.125,
    "other": 0.25,
    "above_area": _mean(0.375, 0.25, 0.5),
    "above_other": _mean(0.25, 0.125, 0.375),
}


def _words(attention=ATTENTION, **more):
    wrong = {"n": 25, "value": 0.25, "low": 0.125, "high": 0.375}
    return {"said": 1100, "hallucinated": wrong, "attention": attention} | more


def _run(rows, words):
    return SimpleNamespace(nouns=tuple(rows), summary={"words": words})


def test_a_run_without_captions_has_no_section(run):
    assert nouns(_run([], None)) is None
    assert nouns(read_run(run)) is None


def test_the_rate_of_hallucination_with_its_interval():
    section = nouns(_run([], _words()))
    assert (section["said"], section["hallucinated"]) == ("1,100", "25")
    assert (section["share"], section["interval"]) == ("25.0%", "12.5–37.5%")
    assert section["strip"] == {"low": "12.50%", "high": "37.50%", "dot": "25.00%"}
    assert section["looks"]["bars"][0] == ("Heat on objects of the word’s class", "50.0%", "50.00%")
    assert (section["rows"], section["total"], section["capped"]) == ([], "0", False)


def test_without_a_judged_word_there_is_no_rate():
    nothing = {"n": 0, "value": None, "low": None, "high": None}
    section = nouns(_run([], _words(None, said=0, hallucinated=nothing)))
    assert (section["share"], section["interval"]) == (NOT_AVAILABLE, NOT_AVAILABLE)
    assert (section["strip"], section["looks"]) == (None, None)


def test_a_word_in_words():
    (row,) = nouns(_run([_noun("dog")], _words()))["rows"]
    assert row == {
        "name": "dog",
        "said": "40",
        "hallucinated": "10",
        "rate": "25.0%",
        "referred": "50",
        "missed": "20",
        "mass": "50.0%",
        "interval": "37.5–62.5%",
        "strip": {"low": "12.50%", "high": "50.00%", "dot": "50.00%"},
        "below": False,
        "area": "12.5%",
        "other": "25.0%",
    }


def test_where_nothing_is_annotated_no_rate_is_claimed():
    (row,) = nouns(_run([_noun("dog", hallucinated=None)], _words()))["rows"]
    assert (row["hallucinated"], row["rate"]) == (NOT_AVAILABLE, "")


def test_a_word_that_is_never_said_has_no_rate_and_no_map():
    nothing = dict.fromkeys(("mass", "mass_low", "mass_high", "area", "other_mass"))
    (row,) = nouns(_run([_noun("bus", said=0, hallucinated=0, **nothing)], _words()))["rows"]
    assert (row["said"], row["hallucinated"], row["rate"]) == ("0", "0", "")
    assert (row["mass"], row["interval"], row["strip"]) == (NOT_AVAILABLE, NOT_AVAILABLE, None)
    assert row["below"] is False


@pytest.mark.parametrize(("mass", "below"), [(0.125, True), (0.25, False)])
def test_heat_no_denser_than_chance_is_marked(mass, below):
    (row,) = nouns(_run([_noun("dog", mass=mass)], _words()))["rows"]
    assert row["below"] is below


def test_the_order_is_that_of_the_classes_where_all_are_shown():
    rows = [_noun("a", hallucinated=0), _noun("b", hallucinated=9)]
    section = nouns(_run(rows, _words()))
    assert [row["name"] for row in section["rows"]] == ["a", "b"]
    assert section["capped"] is False


def test_of_very_many_those_hallucinated_most_are_shown():
    rows = [_noun(f"word {k}", hallucinated=0, said=k) for k in range(1000)]
    rows[3] = _noun("ghost", hallucinated=2, said=2)
    rows[5] = _noun("unknown", hallucinated=None, said=5000)
    section = nouns(_run(rows, _words()))
    assert (section["shown"], section["total"], section["capped"]) == (
        f"{MAX_NOUNS}",
        "1,000",
        True,
    )
    assert [row["name"] for row in section["rows"]][:3] == ["ghost", "unknown", "word 999"]


def test_the_page_shows_hostile_words_as_text(tmp_path, write_run, case):
    caption = {"true_class": None, "pred_class": None, "pred_label": f"a {SCRIPT}"}
    caption |= {"true_label": "a dog", "correct": False}
    run = write_run(
        tmp_path / "run",
        [case(0, 0, 1, on=True, galleries=["misclassified"], **caption)],
        summary={"words": _words()},
        nouns=[_noun(SCRIPT)],
        words=[{"index": 0, "caption": "pred", "position": 1, "word": SCRIPT, "present": False}],
    )
    page = render_report(run).read_text()
    assert SCRIPT not in page
    assert "No verdict: what a caption rests on is not tested by changing pictures." in page
