import pytest

from audit.gates.measures import Bounds, Mean, Plain, Share
from audit.gates.summary_evidence import evidence_of


def test_accuracy_is_a_share_so_that_any_level_can_be_asked_for(summary, class_rows):
    found = evidence_of(summary, class_rows)
    assert found.overall["accuracy.value"] == Share(216, 240)


def test_counts_that_the_summary_leaves_out_as_empty_are_zero(summary, class_rows):
    found = evidence_of(summary, class_rows).overall
    assert found["verdicts.counts.not_tested"].value == 0
    assert found["problems.duplicate"].value == 2
    assert found["problems.unreadable"].value == 0


@pytest.mark.parametrize(
    ("verdicts", "why"),
    [
        ({"counts": {"not_tested": 3}, "budget": 0}, "--budget 0"),
        ({"counts": {"not_tested": 3}, "has_regions": False}, "where the objects are"),
        ({"counts": {"not_enough_images": 3}}, "enough images"),
        (None, "changed no picture"),
    ],
)
def test_where_nothing_was_tested_there_is_no_count_of_what_was_found(
    summary, class_rows, verdicts, why
):
    summary["verdicts"] = None if verdicts is None else summary["verdicts"] | verdicts
    found = evidence_of(summary, class_rows)
    assert found.overall["verdicts.counts.spurious"].value is None
    assert found.overall["verdicts.counts.clean"].value is None
    assert why in found.reasons["verdicts"]


def test_what_was_not_looked_for_is_null_and_known(summary, class_rows):
    summary["accuracy"] = summary["attention"] = None
    found = evidence_of(summary, class_rows).overall
    assert found["flags.label_suspect"] == Plain(None)
    assert found["accuracy.value"].value is None
    assert found["attention.median_lift"].value is None
    assert found["sanity.deletion.difference.value"].value is None
    assert "accuracy.valu" not in found


def test_a_run_of_before_has_no_verdicts_and_is_still_read(summary, class_rows):
    del summary["verdicts"], summary["sanity"]
    rows = [{k: v for k, v in row.items() if not k.startswith("s1_")} for row in class_rows]
    found = evidence_of(summary, rows)
    assert found.overall["verdicts.counts.spurious"].value is None
    assert [one.n for one in found.classes["s1_rate"]] == [0, 0, 0]


def test_columns_are_counted_in_what_they_are_made_of(summary, class_rows):
    class_rows[1]["n_scored"] = 7
    found = evidence_of(summary, class_rows).classes
    assert [one.measure for one in found["accuracy"]] == [
        Share(95, 100),
        Share(90, 100),
        Share(31, 40),
    ]
    assert [one.n for one in found["median_lift"]] == [100, 7, 40]
    assert found["s1_rate"][1].measure == Share(3, 30)
    assert found["s1_effect"][1].measure == Mean(0.1, 0.05, 0.15000000000000002, 10)
    assert found["s1_effect"][1].measure.bounds(0.95) == Bounds(
        pytest.approx(0.05), pytest.approx(0.15)
    )
    assert "label" not in found
    assert "verdict" not in found


def test_a_column_of_four_byte_floats_is_read_as_it_was_meant(summary, class_rows):
    class_rows[0]["median_lift"] = 1.2000000476837158  # what float32 makes of 1.2
    assert evidence_of(summary, class_rows).classes["median_lift"][0].measure == Plain(1.2)


def test_estimated_regions_cap_what_rests_on_them(summary, class_rows):
    assert evidence_of(summary, class_rows).capped == frozenset()
    summary["verdicts"]["estimated_regions"] = True
    capped = evidence_of(summary, class_rows).capped
    assert {"verdicts", "s1_rate", "q_value"} <= capped
    assert "accuracy" not in capped


SPURIOUS = "verdicts.counts.spurious"


def _question(name, verdict="spurious"):
    return {"question_type": name, "verdict": verdict, "verdict_sentence": f"{name!r}: found"}


def test_types_answered_without_looking_are_named(summary, class_rows):
    rows = [_question("what"), _question("why", "clean"), _question("où\n<b>")]
    only = evidence_of(summary, class_rows[:2], (), rows).named[SPURIOUS]
    # numbers of their own: 0, 1, … are those of the classes
    assert only == ((-1, "what", "'what': found"), (-3, "où\n<b>", "'où\\n<b>': found"))


def test_classes_come_before_types_and_a_missing_sentence_is_empty(summary, class_rows):
    rows = [_question("what") | {"verdict_sentence": None}]
    only = evidence_of(summary, class_rows, (), rows).named[SPURIOUS]
    assert only == ((2, "fox", "class 'fox': decides by a patch"), (-1, "what", ""))


@pytest.mark.parametrize("rows", [(), [_question("why", "not_tested")]])
def test_without_such_a_type_none_is_named(summary, class_rows, rows):
    assert evidence_of(summary, class_rows[:2], (), rows).named[SPURIOUS] == ()


def test_the_untested_are_named_too_by_what_was_tested(summary, class_rows):
    """Where types of question are tested, every class is not: its count is of the types alone."""
    classes = [row | {"verdict": "not_tested", "verdict_sentence": ""} for row in class_rows[:2]]
    classes.append(class_rows[2] | {"verdict": "not_enough_images", "verdict_sentence": "few"})
    found = evidence_of(summary, classes).named
    assert found["verdicts.counts.not_tested"] == ((0, "cat", ""), (1, "dog", ""))
    assert found["verdicts.counts.not_enough_images"] == ((2, "fox", "few"),)
    rows = [_question("why", "not_tested"), _question("what", "not_enough_images")]
    summary["verdicts"]["groups"] = "question type"
    found = evidence_of(summary, classes, (), rows).named
    assert found["verdicts.counts.not_tested"] == ((-1, "why", "'why': found"),)
    assert found["verdicts.counts.not_enough_images"] == ((-2, "what", "'what': found"),)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"verdicts": {"groups": "question type"}}, "no type of question had enough to test"),
        ({"words": {"said": 0}}, "what a caption rests on is not tested"),
    ],
)
def test_why_questions_and_captions_have_no_verdict(summary, class_rows, more, why):
    nothing = {"counts": {"not_tested": 3}, "budget": 0 if "words" in more else 400}
    summary["verdicts"] |= nothing | more.pop("verdicts", {})
    found = evidence_of(summary | more, class_rows)
    assert found.overall["verdicts.counts.spurious"].value is None
    assert found.reasons["verdicts"].startswith(why)
