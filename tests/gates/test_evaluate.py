import pytest

from audit.errors import ConfigError
from audit.gates.evaluate import evaluate
from audit.gates.evidence import Evidence, Group, measures_of
from audit.gates.measures import Plain, Share
from audit.gates.policy import Gate, Policy
from audit.gates.summary_evidence import evidence_of
from audit.gates.verdict import Outcome


def _verdict(evidence, *gates, **more):
    return evaluate(Policy("p", gates), evidence, run="r", **more)


@pytest.fixture
def evidence(summary, class_rows):
    return evidence_of(summary, class_rows)


def test_the_worst_gate_is_the_outcome(evidence):
    good = Gate("counts.unreadable", "max", 0)
    warns = Gate("counts.audited", "min", 1000, severity="warn")
    fails = Gate("counts.audited", "min", 1000)
    assert _verdict(evidence, good).outcome is Outcome.PASS
    assert _verdict(evidence, good, warns).outcome is Outcome.WARN
    assert _verdict(evidence, warns, good).exit_code == 0
    found = _verdict(evidence, warns, fails, good)
    assert found.outcome is Outcome.FAIL
    assert found.exit_code == 1
    assert [row.outcome for row in found.rows] == [Outcome.WARN, Outcome.FAIL, Outcome.PASS]


def test_an_overall_gate_tests_the_bound(evidence):
    # 216 of 240, z = 1.96: (216 + 1.9207 ± 1.96·√(216·24/240 + .9604)) / 243.8415 = .8555, .9320
    row = _verdict(evidence, Gate("accuracy.value", "min", 0.86)).rows[0]
    assert row.outcome is Outcome.FAIL
    assert (row.value, row.level) == (0.9, 0.95)
    assert row.low == pytest.approx(0.8555, abs=1e-4)
    assert _verdict(evidence, Gate("accuracy.value", "min", 0.85)).outcome is Outcome.PASS


def test_classes_share_the_level(evidence):
    """Three classes: each is tested at 1 − .05/3, z = 2.3940, and the worst bound decides."""
    # fox, 31 of 40: (31 + 2.8656 − 2.394·√(31·9/40 + 1.4328)) / 45.7312 = .5887, .8923
    row = _verdict(evidence, Gate("accuracy", "min", 0.7, scope="class")).rows[0]
    assert row.level == pytest.approx(1 - 0.05 / 3)
    assert row.outcome is Outcome.FAIL
    assert (row.n_tested, row.value) == (3, 0.775)
    assert row.low == pytest.approx(0.5887, abs=1e-4)
    assert [one.label for one in row.offenders] == ["fox"]
    assert row.offenders[0].index == 2
    assert row.sentence == (
        "accuracy of 'fox' is 0.775 (31 of 40; 98.33% interval 0.5887 to 0.8923): not shown to be "
        "at least 0.7, since its lower bound is 0.5887; 1 of 3 classes fails."
    )
    row = _verdict(evidence, Gate("accuracy", "min", 0.86, scope="class")).rows[0]
    assert [one.label for one in row.offenders] == ["fox", "dog"]
    assert row.sentence.endswith("; 2 of 3 classes fail, also 'dog'.")


def test_classes_with_too_few_images_are_left_out_by_name(evidence):
    """Without fox two classes are tested: level 1 − .05/2."""
    row = _verdict(evidence, Gate("accuracy", "min", 0.7, scope="class", min_n=50)).rows[0]
    assert row.outcome is Outcome.PASS
    assert row.level == pytest.approx(0.975)
    assert row.left_out == ("fox",)
    assert row.sentence.startswith("None of 2 classes fails; nearest to it, accuracy of 'dog' is")
    assert row.sentence.endswith("Left out, with fewer than 50 images: 'fox'.")


def test_no_class_to_test_is_not_passed(evidence):
    row = _verdict(evidence, Gate("accuracy", "min", 0.1, scope="class", min_n=101)).rows[0]
    assert row.outcome is Outcome.FAIL
    assert row.value is None
    assert row.n_tested == 0
    assert row.sentence == (
        "accuracy: no class has 101 images to test it on: n (labelled so and classified) is 100 at "
        "most; that is not passed."
    )
    empty = Evidence("summary.json", {}, {"accuracy": ()})
    assert _verdict(empty, Gate("accuracy", "min", 0, scope="class")).outcome is Outcome.FAIL


@pytest.mark.parametrize(("min_n", "wanted"), [(1, "any images"), (50, "50 images")])
def test_classes_without_a_figure_say_which_count_is_0_and_why(summary, class_rows, min_n, wanted):
    """As on a run without regions: 40 and more images a class, of which none is scored."""
    summary["attention"] = None
    rows = [row | {"n_scored": 0, "median_lift": None} for row in class_rows]
    gate = Gate("median_lift", "min", 1, scope="class", min_n=min_n)
    row = _verdict(evidence_of(summary, rows), gate).rows[0]
    assert row.sentence == (
        f"median_lift: no class has {wanted} to test it on: n_scored (with a map and a region at "
        "least a quarter visible) is 0 in each, since no map could be scored against a region; "
        "that is not passed."
    )


def test_objects_are_counted_as_objects(summary, class_rows):
    """The classes were tested, so that nothing is said of why none has any."""
    gates = [Gate("necessity_effect", "max", 0.1, scope="class", min_n=n) for n in (1, 9)]
    row = _verdict(evidence_of(summary, class_rows), gates[0]).rows[0]
    assert row.sentence == (
        "necessity_effect: no class has any objects to test it on: necessity_n (in the test) is 0 "
        "in each; that is not passed."
    )
    class_rows[1] |= {"necessity_n": 8, "necessity_effect": 0.1}
    row = _verdict(evidence_of(summary, class_rows), gates[1]).rows[0]
    assert "has 9 objects to test it on: necessity_n (in the test) is 8 at most;" in row.sentence


def test_a_null_of_a_class_with_images_says_why(summary, class_rows):
    summary["two_by_two"] = None
    gate = Gate("off_object_rate", "max", 0.5, scope="class")
    row = _verdict(evidence_of(summary, class_rows), gate).rows[0]
    assert row.sentence.startswith(
        "off_object_rate of 'cat' has no value: no image could be judged; that is not passed; "
        "3 of 3 classes fail, also"
    )


def test_a_class_whose_figure_is_null_is_the_worst(evidence):
    rows = (Group(0, "cat", 9, Plain(0.1)), Group(1, "dog", 9, Plain(None)))
    found = Evidence("summary.json", {}, {"x": rows})
    row = _verdict(found, Gate("x", "min", 0.5, scope="class")).rows[0]
    assert [one.label for one in row.offenders] == ["dog", "cat"]
    assert row.outcome is Outcome.FAIL


def test_a_null_is_not_passed_at_its_own_severity(evidence):
    gates = (Gate("sanity.depends", "min", 1), Gate("sanity.depends", "min", 1, severity="warn"))
    rows = _verdict(evidence, *gates).rows
    assert [row.outcome for row in rows] == [Outcome.FAIL, Outcome.WARN]
    assert "has no value: the maps' sanity checks were left out" in rows[0].sentence


def test_slices_are_tested_as_classes_are(summary, class_rows, slice_rows):
    """Four slices: each at 1 − .05/4, z = 2.4977."""
    evidence = evidence_of(summary, class_rows, slice_rows)
    row = _verdict(evidence, Gate("accuracy", "min", 0.7, scope="slice", min_n=10)).rows[0]
    assert (row.n_tested, row.left_out) == (3, ("site = 12",))
    # south, 30 of 40, z = 2.3940: (30 + 2.8656 − 2.394·√(30·10/40 + 1.4328)) / 45.7312 = .5622
    assert row.low == pytest.approx(0.5622, abs=1e-4)
    assert [(one.index, one.label) for one in row.offenders] == [(1, "camera = south")]
    assert row.sentence.startswith("accuracy of 'camera = south' is 0.75 (30 of 40; 98.33%")
    left = "Left out, with fewer than 10 images: 'site = 12'."
    assert row.sentence.endswith(f"; 1 of 3 slices fails. {left}")
    one = _verdict(evidence, Gate("accuracy", "min", 0.8, scope="slice", slice="site", min_n=9))
    assert (one.outcome, one.rows[0].n_tested) == (Outcome.PASS, 1)
    # medians count the images that are scored: half of them here, 2 of the 4
    lift = Gate("median_lift", "min", 1, scope="slice", min_n=3)
    row = _verdict(evidence, lift).rows[0]
    assert row.left_out == ("site = 12",)
    assert row.sentence.endswith("Left out, with fewer than 3 images (n_scored): 'site = 12'.")


@pytest.mark.parametrize(
    ("slice_", "said"),
    [
        ("", "the dataset has no further column"),
        ("site", "the dataset has no column 'site', nor another further one"),
    ],
)
def test_no_slice_to_test_is_not_passed(summary, class_rows, slice_, said):
    gate = Gate("accuracy", "min", 0, scope="slice", slice=slice_)
    row = _verdict(evidence_of(summary, class_rows), gate).rows[0]
    assert (row.outcome, row.value, row.n_tested) == (Outcome.FAIL, None, 0)
    assert row.sentence == f"accuracy: there are no slices to test ({said}); that is not passed."


def test_a_column_that_there_is_not_is_named_with_the_nearest(summary, class_rows, slice_rows):
    summary["slices"] = {"columns": [], "left_out": [{"name": "id", "why": "more than 9 values"}]}
    evidence = evidence_of(summary, class_rows, slice_rows)
    gates = [Gate("n", "min", 1, scope="slice", slice=name) for name in ("camra", "id")]
    near, left = _verdict(evidence, *gates).rows
    assert "has no column 'camra'; did you mean 'camera'" in near.sentence
    assert "its column 'id' was left out: more than 9 values" in left.sentence
    assert near.outcome is left.outcome is Outcome.FAIL


def test_a_missing_figure_may_have_its_own_severity(evidence):
    rows = (Group(0, "cat", 9, Plain(0.1)), Group(1, "dog", 9, Plain(None)))
    found = Evidence("summary.json", {"y": Plain(None)}, {"x": rows, "z": rows[1:]})
    gates = (
        Gate("y", "min", 0.5, missing="warn"),
        Gate("y", "min", 0.5, severity="warn", missing="fail"),
        Gate("x", "min", 0.5, scope="class", missing="warn"),  # cat's 0.1 is a figure
        Gate("z", "min", 0.5, scope="class", missing="warn"),
        Gate("z", "min", 0.5, scope="class", min_n=10, missing="warn"),
    )
    rows = _verdict(found, *gates).rows
    assert [row.outcome.value for row in rows] == ["warn", "fail", "fail", "warn", "warn"]
    assert [row.severity for row in rows] == ["warn", "fail", "fail", "warn", "warn"]


def test_the_classes_that_a_count_counts_are_named(evidence):
    row = _verdict(evidence, Gate("verdicts.counts.spurious", "max", 0)).rows[0]
    assert row.sentence == "verdicts.counts.spurious is 1: above the limit of 0 ('fox')."
    assert [(one.index, one.said) for one in row.offenders] == [
        (2, "class 'fox': decides by a patch")
    ]
    assert _verdict(evidence, Gate("verdicts.counts.spurious", "max", 1)).rows[0].offenders == ()


def test_on_estimated_regions_a_verdict_is_a_warning_at_most(summary, class_rows):
    summary["verdicts"]["estimated_regions"] = True
    evidence = evidence_of(summary, class_rows)
    gates = (
        Gate("verdicts.counts.spurious", "max", 0),
        Gate("s1_rate", "max", 0.01, scope="class"),
        Gate("accuracy.value", "min", 0.99),
    )
    rows = _verdict(evidence, *gates).rows
    assert [row.outcome for row in rows] == [Outcome.WARN, Outcome.WARN, Outcome.FAIL]
    assert rows[0].severity == "warn"
    assert "estimated regions: a warning at most" in rows[0].sentence


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (Gate("accuracy.valu", "min", 0), "did you mean 'accuracy.value'"),
        (Gate("acuracy", "min", 0, scope="class"), "did you mean 'accuracy'"),
        (Gate("median_lift", "min", 0), 'it is one of scope = "class"'),
        (Gate("accuracy.value", "min", 0, scope="class"), 'it is one of scope = "overall"'),
        (Gate("laebl", "min", 0, scope="class"), "is no column of classes.parquet: known: n, "),
        (
            Gate("verdict", "min", 0, scope="class"),
            "'verdict' is a column of classes.parquet, but holds no numbers to test: known: n, ",
        ),
        (
            Gate("value", "min", 0, scope="slice"),
            "'value' is a column of slices.parquet, but holds no numbers to test: known: n_images",
        ),
        (Gate("accuracy.value", "min", 0, change=True), "by --baseline"),
        (Gate("verdicts.whole_set.rate", "max", 0, level=0.9), "recorded at 0.95 only"),
    ],
)
def test_a_metric_that_there_is_not_is_refused_with_the_nearest(evidence, gate, said):
    with pytest.raises(ConfigError, match=said):
        _verdict(evidence, gate)


def test_a_comparisons_figures_are_gated_the_same_way():
    document = {"accuracy": {"difference": {"value": -0.02, "low": -0.05, "high": 0.01}}}
    evidence = Evidence("comparison.json", measures_of(document))
    metric = "accuracy.difference.value"
    kept = _verdict(evidence, Gate(metric, "min", 0)).rows[0]
    assert kept.outcome is Outcome.FAIL
    assert _verdict(evidence, Gate(metric, "min", 0, prove="broken")).outcome is Outcome.PASS
    with pytest.raises(ConfigError, match=r"no figure of comparison\.json"):
        _verdict(evidence, Gate("accuracy.diff", "min", 0))


def test_a_thousand_classes_are_told_shortly():
    rows = tuple(Group(i, f"class {i}", 5, Share(0, 5)) for i in range(1000))
    evidence = Evidence("summary.json", {}, {"accuracy": rows})
    row = _verdict(evidence, Gate("accuracy", "min", 0.9, scope="class")).rows[0]
    assert len(row.offenders) == 1000
    assert row.sentence.endswith("'class 5' and 994 more.")
    assert len(row.sentence) < 400
