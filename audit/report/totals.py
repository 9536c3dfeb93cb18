"""How many images of a kind the whole run has, of the kinds that the case table can be asked for.

The page holds a choice of the cases. What its filters leave of them says little without the number
that the run has.
"""

from __future__ import annotations

from collections import Counter

from audit.report.load import RunFolder
from audit.report.matrix import shown_pairs
from audit.report.slice_table import held_slices, slice_words

__all__ = ["totals"]


def totals(run: RunFolder) -> dict[str, dict[str, int]]:
    """By filter, and by its value: images of each label, prediction, pair of both, flag and slice.

    Only of values that a case of the page has, since a filter offers no others. A pair is written
    ``3 5``: the label's class, then the prediction's.
    """
    true, pred, pair = Counter[int](), Counter[int](), Counter[tuple[int, int]]()
    for row in run.pairs:
        true[row["true_class"]] += row["n"]
        pred[row["pred_class"]] += row["n"]
        pair[row["true_class"], row["pred_class"]] = row["n"]
    held = shown_pairs(run.cases) & pair.keys()
    labels, answers = ({both[side] for both in held} for side in (0, 1))
    if run.summary["counts"]["unlabelled"]:
        answers = set()  # images without a label are in no pair
    slices = held_slices(run.cases)
    return {
        "true": {str(one): true[one] for one in sorted(labels)},
        "pred": {str(one): pred[one] for one in sorted(answers)},
        "pair": {f"{a} {b}": pair[a, b] for a, b in sorted(held)},
        "flag": {name: n for name, n in run.summary["flags"].items() if n is not None},
        "slice": {
            slice_words(key): row["n_images"]
            for row in run.slices
            if (key := (row["slice"], row["value"])) in slices
        },
    }
