"""The page's figures, worked out by hand from the fixture's tables."""

import pytest

from audit.report.class_table import MAX_CLASSES
from audit.report.context import cards_of, page
from audit.report.galleries import galleries
from audit.report.load import read_run
from audit.report.ruling import policy_of
from audit.report.text import NOT_AVAILABLE


@pytest.fixture
def context(tmp_path, write_run):
    def build(**overrides):
        run = read_run(write_run(tmp_path / "run", **overrides))
        rules = policy_of(None)
        return page(run, galleries(run.cases, run.summary), cards_of(run), rules)

    return build


def test_accuracy_with_its_interval(context):
    accuracy = context()["accuracy"]
    assert (accuracy["value"], accuracy["interval"], accuracy["n"]) == (
        "90.0%",
        "88.2–91.6%",
        "1,200",
    )


def test_unreadable_and_without_a_region_are_counted_even_where_there_are_none(context):
    names = ("unreadable", "nonfinite", "unlabelled", "no_region", "duplicates", "degenerate_cam")
    counts = {"audited": 9, "ok": 9} | dict.fromkeys(names, 0) | {"duplicates": 2}
    assert context(summary={"counts": counts})["counts"]["first"] == [
        ("Images that could not be read", "0"),
        ("Images without a region", "0"),
        ("Further copies of an image", "2"),
    ]


def test_attention_stands_beside_its_baselines(context):
    attention = context()["attention"]
    assert [value for _, value, _ in attention["bars"]] == ["52.0%", "27.0%", "31.0%", "16.0%"]
    assert (attention["lift"], attention["beats"]) == ("3.25×", "above")


@pytest.mark.parametrize(
    ("mass", "word"), [(0.32, "above"), (0.30, "mixed"), (0.16, "below"), (0.1, "below")]
)
def test_a_median_map_is_compared_with_every_baseline(context, mass, word):
    attention = {
        "median_mass": mass,
        "median_lift": None,
        "median_area": 0.16,
        "center_baseline": 0.31,
        "permuted_baseline": 0.27,
        "permuted_n": 9,
        "n": 10,
    }
    found = context(summary={"attention": attention})["attention"]
    assert (found["beats"], found["lift"]) == (word, NOT_AVAILABLE)


def test_a_missing_baseline_is_not_beaten(context):
    attention = {
        "median_mass": 0.5,
        "median_lift": 2.0,
        "median_area": 0.25,
        "center_baseline": 0.6,
        "permuted_baseline": None,
        "permuted_n": 9,
        "n": 10,
    }
    found = context(summary={"attention": attention})["attention"]
    assert found["beats"] == "mixed"
    assert found["bars"][1] == ("Another image’s map of the class (9 images)", NOT_AVAILABLE, None)


def test_each_cell_of_the_two_by_two_leads_to_its_images(context):
    cells = context()["quadrants"]
    assert cells["correct_off"] == {"n": "100", "share": "10.0%", "target": "right-off"}
    assert cells["wrong_on"] == {"n": "60", "share": "6.0%", "target": "wrong-other"}
    assert (cells["judged"], cells["off"]) == ("1,000", "14.0%")


def test_without_labels_and_regions_nothing_is_made_up(context):
    found = context(summary={"accuracy": None, "attention": None, "two_by_two": None})
    assert (found["accuracy"], found["attention"], found["quadrants"]) == (None, None, None)


def test_a_two_by_two_of_nothing_is_none(context):
    cells = dict.fromkeys(("correct_on", "correct_off", "wrong_on", "wrong_off"), 0)
    assert context(summary={"two_by_two": cells})["quadrants"] is None


def test_confusions_leave_out_right_answers_and_begin_with_the_most_frequent(context):
    rows = context()["pairs"]["rows"]
    assert [(row["n"], row["share"], row["bar"]) for row in rows] == [
        ("30", "10.0%", "100.00%"),
        ("25", "8.3%", "83.33%"),
    ]


def test_a_class_below_chance_is_marked(context, class_row):
    low = class_row(0, median_mass=0.08, median_lift=0.5)
    rows = context(classes=[low, class_row(1)])["classes"]["rows"]
    assert [row["below"] for row in rows] == [True, False]
    assert rows[0]["mass_strip"] == {"low": "16.00%", "high": "8.00%", "dot": "8.00%"}


def test_a_class_without_images_has_no_figures(context, class_row):
    nulls = dict.fromkeys(set(class_row(0)) - {"true_class", "label", "verdict"})
    empty = class_row(0, **nulls | {"n": 0, "n_correct": 0, "n_scored": 0})
    row = context(classes=[empty])["classes"]["rows"][0]
    assert {row[name] for name in ("accuracy", "interval", "mass", "lift", "area", "off")} == {
        NOT_AVAILABLE
    }
    assert (row["n"], row["mass_strip"], row["confusion"]) == ("0", None, None)


def test_of_very_many_classes_the_least_accurate_are_shown(context, class_row):
    rows = [class_row(at, accuracy=at / 1000) for at in range(1000)][::-1]
    classes = context(classes=rows)["classes"]
    assert (len(classes["rows"]), classes["shown"], classes["total"]) == (
        MAX_CLASSES,
        str(MAX_CLASSES),
        "1,000",
    )
    assert classes["rows"][0]["accuracy"] == "0.0%"


def test_verdicts_are_shown_once_a_class_was_tested(context, class_row):
    assert context()["classes"]["tested"] is False


def test_a_verdict_is_printed_in_words(context, class_row):
    classes = context(classes=[class_row(0, verdict="not_enough_images")])["classes"]
    assert (classes["tested"], classes["rows"][0]["verdict"]) == (True, "not enough images")


def test_problems_are_named_and_those_of_another_kind_too(context):
    problems = [
        {"kind": "unreadable", "count": 6, "examples": ["a.jpg"]},
        {"kind": "empty_class", "count": 1, "examples": ["zebra"]},
    ]
    found = context(summary={"problems": problems})["problems"]
    assert [one["kind"] for one in found] == ["Images that could not be read", "Empty class"]


def test_facts_leave_out_what_the_manifest_does_not_say(context):
    facts = dict(context(manifest={"device": None})["facts"])
    assert "Device" not in facts
    assert facts["Map’s grid"] == "6×8"
    assert facts["Preprocessing"] == "mean [0, 0.4981, 0]"
    assert facts["Method"] == "Grad-CAM"
