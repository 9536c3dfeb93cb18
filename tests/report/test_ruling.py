"""What a policy says of the run, worked out by hand from small class tables."""

import pytest

from audit.errors import ConfigError
from audit.gates.policy import Gate, Policy
from audit.gates.summary_evidence import evidence_of
from audit.report.render import render_report
from audit.report.ruling import judged, policy_of, ruling

SCRIPT = "<script>alert(1)</script>"


def _policy(*gates):
    return Policy("gates.toml", gates)


def _told(policy, summary, classes, places=()):
    verdict = judged(policy, evidence_of(summary, classes), "run")
    return ruling(policy, verdict, {"class": dict(places)}, ("data", "confusions"))


def _accuracy(k, n):
    return {"accuracy": {"value": k / n, "low": 0.8, "high": 0.95, "n": n}}


def test_a_gate_that_fails_leads_to_where_its_figure_is():
    metrics = {
        "flags.misclassified": "case-table?flag=misclassified",
        "counts.unreadable": "data",
        "two_by_two.correct_off": "",  # this page has no overview
    }
    summary = {
        "flags": {"misclassified": 3},
        "counts": {"unreadable": 2},
        "two_by_two": {"correct_on": 1, "correct_off": 4, "wrong_on": 0, "wrong_off": 0},
    }
    policy = _policy(*(Gate(metric, "max", 1) for metric in metrics))
    rows = _told(policy, summary, [])["rows"]
    assert [row["outcome"] for row in rows] == ["fail"] * 3
    assert [row["section"] for row in rows] == list(metrics.values())


def test_the_worst_gate_is_the_outcome_and_comes_first():
    policy = _policy(
        Gate("accuracy.value", "min", 0.5),
        Gate("accuracy.value", "min", 0.89, severity="warn", title="nearly all"),
    )
    told = _told(policy, _accuracy(90, 100), [])
    # Wilson on 90 of 100: 0.8256 to 0.9448; 0.89 lies above the lower bound, 0.5 below
    assert told["outcome"] == "warn"
    assert [(row["name"], row["outcome"]) for row in told["rows"]] == [
        ("nearly all", "warn"),
        ("accuracy.value ≥ 0.5", "pass"),
    ]
    assert told["rows"][0]["value"] == "0.9"
    assert told["rows"][0]["interval"] == {"span": "0.8256 to 0.9448", "level": ""}
    assert told["rows"][0]["limit"] == "≥ 0.89"
    assert told["rows"][0]["section"] == "confusions"
    assert told["reasons"] == "Of 2 gates, 1 warned, 1 passed."


def test_offenders_lead_to_their_place(class_row):
    classes = [class_row(0, n_correct=30, n=300), class_row(1), class_row(2, n_correct=0, n=1)]
    policy = _policy(Gate("accuracy", "min", 0.5, scope="class", min_n=10))
    (row,) = _told(policy, _accuracy(90, 100), classes, {0: "class-0"}.items())["rows"]
    assert row["outcome"] == "fail"
    assert row["offenders"] == [{"name": "cat", "place": "class-0"}]
    assert row["left_out"].startswith("1 class with too few images left out: the ")
    assert row["interval"]["level"] == " (97.5%)"  # 1 − 0.05/2 for two tested classes


def test_what_does_not_exist_fails_and_says_why():
    policy = _policy(Gate("accuracy.value", "min", 0.5))
    told = _told(policy, {"accuracy": None}, [])
    assert told["outcome"] == "fail"
    assert told["reasons"] == "Of 1 gate, 1 failed. 1 could not be tested."
    assert told["rows"][0]["value"] == ""
    assert told["rows"][0]["missing"] == (
        "has no value: no image has both a label and an answer; that is not passed."
    )


def test_gates_on_a_change_are_left_out_and_counted():
    change = Gate("accuracy.value", "min", 0, change=True)
    told = _told(_policy(change, Gate("accuracy.value", "min", 0.5)), _accuracy(90, 100), [])
    assert (told["outcome"], told["changes"], len(told["rows"])) == ("pass", "1 gate", 1)
    told = _told(_policy(change), _accuracy(90, 100), [])
    assert (told["outcome"], told["word"], told["rows"]) == ("none", "", [])


def test_a_long_policy_is_cut_and_says_so():
    gates = [Gate("accuracy.value", "min", 0.5, title=f"gate {at}") for at in range(45)]
    told = _told(_policy(*gates), _accuracy(90, 100), [])
    assert (len(told["rows"]), told["left"]) == (40, "5 gates")


def test_an_unknown_metric_names_the_nearest():
    policy = _policy(Gate("accuracy.valeu", "min", 0.5))
    with pytest.raises(ConfigError, match=r"accuracy\.value"):
        judged(policy, evidence_of(_accuracy(9, 10), []), "run")


def test_the_report_shows_the_policy_that_it_is_given(run, tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text(f'[[gate]]\nname = "{SCRIPT}"\nmetric = "accuracy.value"\nmin = 0.95\n')
    html = render_report(run, path).read_text("utf-8")
    assert SCRIPT not in html
    assert '<section id="release" class="ruling fail"' in html
    assert "By gates.toml." in html


def test_the_report_of_a_mistaken_policy_is_not_written(run, tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text('[[gate]]\nmetric = "accuracy.value"\n')
    with pytest.raises(ConfigError, match="min and max"):
        render_report(run, path)
    assert not (run / "report").exists()


def test_without_a_policy_the_shipped_one_holds():
    assert policy_of(None).name == "default"
    assert not policy_of(None).needs_baseline
