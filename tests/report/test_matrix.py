"""The confusion matrix and its links."""

from audit.report.matrix import MAX_CLASSES, matrix, pairs_table


def _pair(true, pred, n):
    return {"true_class": true, "pred_class": pred, "n": n, "true_label": "a", "pred_label": "b"}


def _classes(n):
    return [{"true_class": at, "label": f"c{at}", "n": 100} for at in range(n)]


def test_cells_are_counts_and_lead_to_cases_that_are_held():
    pairs = [_pair(0, 0, 90), _pair(0, 1, 8), _pair(1, 0, 2), _pair(1, 7, 3)]
    found = matrix(pairs, _classes(2), {(0, 1)})
    first, second = found["rows"]
    assert [cell["n"] for cell in first["cells"]] == ["90", "8"]
    assert first["cells"][1]["link"] == "case-table?true=0&pred=1"
    assert first["cells"][1]["said"] == "c0, predicted c1: 8"
    assert (first["cells"][0]["link"], second["cells"][0]["link"]) == ("", "")
    # shades by the square root of n over the largest confusion, 8: 5 · √(2/8) = 2.5, to even 2
    assert [cell["tone"] for cell in (*first["cells"], second["cells"][0])] == [
        "right",
        "shade-5",
        "shade-2",
    ]
    assert found["other"]  # class 7 is none of the dataset's
    assert (first["other"], second["other"]) == ("", "3")


def test_beyond_fifty_classes_there_are_pairs_alone():
    pairs = [_pair(0, 1, 1)]
    assert matrix(pairs, _classes(MAX_CLASSES), set()) is not None
    assert matrix(pairs, _classes(MAX_CLASSES + 1), set()) is None
    assert pairs_table(pairs, _classes(60), {(0, 1)})["rows"][0]["link"]


def test_without_pairs_there_is_no_matrix():
    assert matrix([], _classes(3), set()) is None
