"""Which shelf holds which case, and of how many."""

import pytest

from audit.report.galleries import absent, galleries
from audit.report.load import read_run


def shelves(run):
    folder = read_run(run)
    shown = galleries(folder.cases, folder.summary)
    return {one.shelf.id: ([case.index for case in one.cases], one.total) for one in shown}


def test_cases_by_answer_and_attention(run):
    # misclassified 120 of which 40 off; off object 150 of which 100 right and 40 wrong
    assert shelves(run) == {
        "right-off": ([0], 100),
        "wrong-off": ([1], 40),
        "wrong-other": ([2, 5], 80),
        "unlabelled-off": ([4], 10),
        "right-on": ([3], 800),
        "control": ([0, 3, 4, 6], 1240),
    }


def test_the_worst_come_first_and_the_control_sample_in_order(tmp_path, write_run, case):
    rows = [
        case(at, 0, 0, on=False, galleries=["off_object", "control"], severity=severity)
        for at, severity in enumerate((0.2, 0.9, 0.4, 0.9))
    ]
    found = shelves(write_run(tmp_path / "run", rows))
    assert found["right-off"][0] == [1, 3, 2, 0]
    assert found["control"][0] == [0, 1, 2, 3]


def test_without_regions_only_answers_are_sorted(tmp_path, write_run, case):
    rows = [
        case(0, 0, 1, on=True, galleries=["misclassified"]),
        case(1, 0, 0, on=True, galleries=["control"]),
    ]
    summary = {"two_by_two": None, "galleries": {"misclassified": 7, "control": 20}}
    run = write_run(tmp_path / "run", rows, summary=summary)
    assert shelves(run) == {"wrong-other": ([0], 7), "control": ([1], 20)}


def test_what_the_run_has_but_the_report_does_not_show_is_still_counted(tmp_path, write_run):
    assert shelves(write_run(tmp_path / "run", []))["right-off"] == ([], 100)


def test_what_was_tested_comes_first(tmp_path, write_run, case):
    flags = {
        "verified": "spurious_verified",
        "label_suspects": "label_suspect",
        "local_cause": "local_cause",
    }
    rows = [
        case(at, 1, 1, on=True, galleries=[name, "control"]) | {flag: True}
        for at, (name, flag) in enumerate(flags.items())
    ]
    counts = {"verified": 55, "label_suspects": 4, "local_cause": 3, "control": 90}
    found = shelves(write_run(tmp_path / "run", rows, summary={"galleries": counts}))
    assert list(found)[:3] == ["verified", "label-suspects", "local-cause"]
    assert found["verified"] == ([0], 55)
    assert found["label-suspects"] == ([1], 4)
    assert found["local-cause"] == ([2], 3)


EMPTY = {"confident_errors": 0, "label_suspects": 0, "disagreement": 0, "verified": 0}


@pytest.mark.parametrize(
    ("summary", "told"),
    [
        ({"galleries": {}}, []),  # a run of before counts none of them
        ({"galleries": EMPTY}, ["Confident errors", "Labels in doubt", "Two maps that disagree"]),
        ({"galleries": EMPTY | {"disagreement": 3}}, ["Confident errors", "Labels in doubt"]),
        (
            {"galleries": EMPTY, "two_by_two": None},
            ["Confident errors", "Two maps that disagree"],
        ),
        ({"galleries": EMPTY, "two_by_two": None, "accuracy": None}, []),
    ],
)
def test_what_was_looked_for_and_not_found_is_said(tmp_path, write_run, summary, told):
    folder = read_run(write_run(tmp_path / "run", [], summary=summary))
    shown = galleries(folder.cases, folder.summary)
    assert absent(shown, folder.summary) == told
