"""One bucket an image, and the two measures of a move at their thresholds."""

import pandas as pd

from audit.comparison.buckets import BUCKETS, attention_moved, bucket_of


def _row(**more):
    return {
        "base_index": 0,
        "candidate_index": 0,
        "relabelled": False,
        "base_correct": True,
        "candidate_correct": True,
        "prediction_changed": False,
        "attention_moved": False,
    } | more


def test_every_bucket_has_its_rule():
    wrong = {"base_correct": False, "candidate_correct": False}
    rows = {
        "only_in_base": _row(candidate_index=None, candidate_correct=None),
        "only_in_candidate": _row(base_index=None, base_correct=None),
        "not_judged": _row(base_correct=None, candidate_correct=None, attention_moved=None),
        "regressed": _row(candidate_correct=False, prediction_changed=True, attention_moved=True),
        "fixed": _row(base_correct=False, prediction_changed=True, attention_moved=True),
        "still_wrong": _row(**wrong, prediction_changed=True, attention_moved=True),
        "attention_moved": _row(**wrong, attention_moved=True),
        "unchanged": _row(attention_moved=None),
    }
    frame = pd.DataFrame(rows.values())
    for name in ("base_correct", "candidate_correct", "prediction_changed", "attention_moved"):
        frame[name] = frame[name].astype("boolean")
    assert list(rows) == list(BUCKETS)
    assert bucket_of(frame).tolist() == list(rows)


def test_another_label_is_not_judged():
    frame = pd.DataFrame([_row(relabelled=True, candidate_correct=False)])
    assert bucket_of(frame).tolist() == ["not_judged"]


def test_a_move_is_either_measure_at_its_threshold():
    agreement = pd.Series([0.5, 0.49, 0.9, 0.9, None, None])
    mass = pd.Series([0.24, 0.0, -0.25, 0.25, -0.3, None])
    found = attention_moved(agreement, mass)
    assert found.tolist()[:5] == [False, True, True, True, True]
    assert found.isna().tolist() == [False] * 5 + [True]
