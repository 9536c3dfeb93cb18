"""What the first screen says, for every way that testing can end."""

import pytest

from audit.report.banner import (
    MAX_SENTENCES,
    banner,
    caption_banner,
    measured,
    names,
    question_banner,
)
from audit.verdicts.cutoffs import VERDICT_VERSION

MEASURED = {
    "verdict_version": VERDICT_VERSION,
    "false_alarms": {"k": 0, "n": 272, "rate": 0.0, "high": 0.01},
    "found": {"k": 9, "n": 12, "rate": 0.75, "low": 0.5},
    "verified_precision": {"k": 97, "n": 100, "rate": 0.97, "low": 0.95},
}


def test_what_was_found_is_said_first_and_leads_to_its_block(verdicts, judged_row):
    rows = [judged_row(0), judged_row(1, ("background",))]
    said = banner(verdicts(), rows, {1: "verdict-1"}, {1: "assets/cues/1-0.png"})
    assert (said["state"], said["figure"], said["of"]) == ("found", "1", "of 2 tested classes")
    assert said["headline"] == "Found to decide by something beside its object."
    assert said["found"] == [
        {
            "place": "verdict-1",
            "name": "<script>alert(1)</script>",
            "sentence": "decides by the background: its objects lose 0.25 of probability on other"
            " backgrounds (30 objects); other objects gain 0.25 on its backgrounds (30 objects)",
            "picture": "assets/cues/1-0.png",
        }
    ]
    assert said["lines"][0].startswith("Tested on 60 images, drawn evenly")


def test_of_many_only_the_first_have_their_sentence(verdicts, judged_row):
    n = MAX_SENTENCES + 2
    rows = [judged_row(at, ("local",)) for at in range(n)]
    counts = {"counts": {"spurious": n}}
    said = banner(verdicts(**counts), rows, {at: f"verdict-{at}" for at in range(n)}, {})
    assert len(said["found"]) == MAX_SENTENCES
    assert [one["name"] for one in said["more"]] == ["class 5", "class 6"]
    assert said["headline"] == "Found to decide by something beside their object."


def test_nothing_found_says_what_was_not_tested(verdicts, judged_row, class_row):
    rows = [
        judged_row(0),
        class_row(1, verdict="not_enough_images"),
        class_row(2),
        class_row(3),
    ]
    left = [{"label": "rare", "images": 3}, {"label": "two\nlines", "images": 40}]
    counts = {"clean": 1, "not_enough_images": 1, "not_tested": 2}
    said = banner(verdicts(counts=counts, not_tested=left), rows, {}, {})
    assert (said["state"], said["figure"], said["of"]) == ("none", "0", "of 1 tested class")
    assert said["headline"] == "No class was found to decide by something beside its object."
    assert "Not enough images: 1 class: <script>alert(1)</script>." in said["lines"]
    # 3 + 40 images; the class with more of them first
    assert "Not tested: 2 classes (43 images predicted so): two␊lines, rare." in said["lines"]


@pytest.mark.parametrize(
    ("by", "headline"),
    [
        (("local",), "Warning: a cause outside the estimated region may decide."),
        ((), "No class was found to decide by a cause outside its estimated region."),
    ],
)
def test_estimated_regions_allow_a_warning_at_most(verdicts, judged_row, by, headline):
    counts = {"spurious": len(by), "clean": 2 - len(by)}
    estimated = verdicts(estimated_regions=True, counts=counts)
    rows = [judged_row(0, by, verdict_estimated=True), judged_row(1)]
    said = banner(estimated, rows, {0: "verdict-0"} if by else {}, {})
    assert (said["state"], said["headline"]) == ("warned" if by else "none", headline)
    assert "spurious" not in str(said)


@pytest.mark.parametrize(
    ("more", "headline"),
    [
        ({"has_regions": False}, "No verdict: nothing says where the objects are."),
        ({"budget": 0}, "Not tested: the run was given no budget for it (--budget 0)."),
        (
            {"counts": {"not_enough_images": 2}},
            "No verdict: no class had enough images to test.",
        ),
        ({}, "No verdict: no class was tested."),
    ],
)
def test_where_nothing_was_tested_the_reason_is_said(verdicts, class_row, more, headline):
    rows = [class_row(0, verdict="not_enough_images"), class_row(1)]
    said = banner(verdicts(**{"counts": {"not_tested": 2}} | more), rows, {}, {})
    assert (said["state"], said["headline"], said["found"]) == ("untested", headline, [])
    assert said["lines"][-1].startswith("What follows is triage")
    few = "counts" in more
    assert ("Not enough images: 1 class: cat." in said["lines"]) is few


def test_a_run_of_before_was_not_tested(class_row):
    said = banner(None, [class_row(0)], {}, {})
    assert (said["state"], said["figure"]) == ("untested", "")
    assert said["headline"].startswith("Not tested: this run changed no picture")


def test_how_often_the_tests_are_right_is_quoted(verdicts):
    assert measured(verdicts(measured=MEASURED)) == (
        "Measured beforehand on planted shortcuts: 0 alarms in 272 classes without one (at most"
        " 1.0% if classes of one model fail independently);"
        " 9 of 12 classes that use one found (at least 50.0%); 97.0% of the images flagged"
        " as verified truly so (at least 95.0%). Bounds hold with 95% confidence."
    )
    estimated = measured(verdicts(measured=MEASURED, estimated_regions=True))
    assert estimated.startswith("Measured beforehand on planted shortcuts, with exact regions:")


@pytest.mark.parametrize("found", [None, {}, MEASURED | {"verdict_version": 99}])
def test_what_was_not_measured_by_these_rules_is_not_quoted(verdicts, found):
    assert measured(verdicts(measured=found)).endswith("was not measured for this report.")


def test_many_names_are_cut_short():
    assert names(["a", "b", "c"]) == "a, b, c"
    assert names(list("abcdefgh"), 2) == "a, b and 6 more"


def _blind(n):
    return [
        {"place": f"question-{k}", "name": f"type {k}", "sentence": "…", "picture": ""}
        for k in range(n)
    ]


def test_types_answered_without_looking_are_said_first(verdicts):
    said = question_banner(verdicts(counts={"spurious": 1, "clean": 2}), _blind(1))
    assert (said["state"], said["figure"]) == ("found", "1")
    assert said["of"] == "of 3 tested types of question"
    assert said["headline"] == "Found to be answered without looking at what is asked for."
    assert (said["found"], said["more"]) == (_blind(1), [])
    assert said["lines"] == [
        "Tested on 60 questions, drawn evenly within each type, by covering what is asked for and"
        " asking again.",
        "How often these tests raise a false alarm was not measured for questions.",
    ]


def test_no_type_found_says_what_was_not_tested(verdicts):
    left = [{"label": name, "images": 3} for name in ("why", "two\nlines")]
    counts = {"clean": 1, "not_tested": 2}
    said = question_banner(verdicts(counts=counts, not_tested=left, images_tested=1), [])
    assert (said["state"], said["figure"], said["of"]) == (
        *("none", "0", "of 1 tested type of question"),
    )
    assert said["headline"] == "No type of question was found to be answered without looking."
    assert said["lines"][0].startswith("Tested on 1 question, drawn")
    assert said["lines"][1] == "Not tested: 2 types of question: why, two␊lines."


def test_of_many_types_the_first_have_their_sentence_and_all_are_counted(verdicts):
    """The page shows a hundred; what the first screen counts are all."""
    said = question_banner(verdicts(counts={"spurious": 150, "clean": 850}), _blind(100))
    assert (said["figure"], said["of"]) == ("150", "of 1,000 tested types of question")
    assert len(said["found"]) == MAX_SENTENCES
    assert len(said["more"]) == 100 - MAX_SENTENCES


@pytest.mark.parametrize(
    ("more", "headline"),
    [
        ({"has_regions": False}, "No verdict: nothing says where the objects are."),
        ({"budget": 0}, "Not tested: the run was given no budget for it (--budget 0)."),
        (
            {"counts": {"not_enough_images": 2}},
            "No verdict: no type of question had enough to test.",
        ),
        ({}, "No verdict: no type of question had enough to test."),
    ],
)
def test_where_no_type_was_tested_the_reason_is_said(verdicts, more, headline):
    said = question_banner(verdicts(**{"counts": {"not_tested": 2}} | more), [])
    assert (said["state"], said["figure"], said["found"]) == ("untested", "", [])
    assert said["headline"] == headline
    assert said["lines"][-1].startswith("What follows is triage")


def test_captions_have_no_verdict():
    said = caption_banner()
    assert (said["state"], said["figure"], said["found"], said["more"]) == ("untested", "", [], [])
    assert said["headline"].startswith("No verdict: what a caption rests on is not tested")
    assert set(said) == set(question_banner({"counts": {}, "has_regions": False}, []))
