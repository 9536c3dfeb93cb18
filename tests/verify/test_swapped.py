from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from audit.tables.schema import arrow_schema
from audit.verify.swapped import swap_examples

COLOURS = ("red", "green", "blue")


@pytest.fixture
def ready(intervened):
    """The plan, its parts, the interventions' rows, and verdicts that all passed."""
    plan, images, tested = intervened
    verdicts = pd.DataFrame({"true_class": [0, 1, 2], "background_passes": True})
    return plan, images, tested.rows, verdicts


def _corner(coded):
    """The colour of the corner that says the class, which is part of the background."""
    picture = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert picture.shape == (32, 32, 3)
    return COLOURS[picture[:4, :4].mean(axis=(0, 1)).argmax()]


def test_each_class_has_two_objects_of_either_test(ready):
    found = swap_examples(*ready)
    assert found.schema.equals(arrow_schema("swaps"), check_metadata=False)
    rows = found.to_pylist()
    assert [(row["watched_label"], row["test"]) for row in rows] == [
        (name, test) for name in COLOURS for test in ("B-necessity",) * 2 + ("B-sufficiency",) * 2
    ]
    for row in rows:
        own = row["label"] == row["watched_label"]
        assert own == (row["test"] == "B-necessity")
        assert row["other_label"] != row["watched_label"]
        assert len({row["index"], row["same_index"], row["other_index"]}) == 3


def test_the_pictures_show_what_the_numbers_say(ready):
    for row in swap_examples(*ready).to_pylist():
        assert _corner(row["picture"]) == row["label"] == COLOURS[row["index"] % 3]
        assert _corner(row["same_picture"]) == row["watched_label"]
        assert _corner(row["other_picture"]) == row["other_label"]
        # 8 × the level of the corner: 1 where it is the class's, 0 where not
        sure = torch.tensor([8.0, 0, 0]).softmax(0)
        assert row["same_p"] == pytest.approx(float(sure[0]), abs=1e-3)
        assert row["other_p"] == pytest.approx(float(sure[1]), abs=1e-3)
        before = sure[0] if row["test"] == "B-necessity" else sure[1]
        assert row["p_before"] == pytest.approx(float(before), abs=1e-3)


def test_the_largest_difference_comes_first(ready):
    plan, images, rows, verdicts = ready
    rows = rows.astype({"p_after": "float64"})
    mine = (rows["test"] == "B-necessity") & (rows["watched_class"] == 1)
    order = rows.loc[mine, "index"].unique()
    level = {index: place / 100 for place, index in enumerate(order)}
    same, other = mine & (rows["kind"] == "same"), mine & (rows["kind"] == "other")
    rows.loc[same, "p_after"] = 0.5 + rows.loc[same, "index"].map(level)
    rows.loc[other, "p_after"] = 0.25
    first, second = swap_examples(plan, images, rows, verdicts).to_pylist()[4:6]
    assert (first["index"], second["index"]) == (order[-1], order[-2])
    assert first["same_p"] == pytest.approx(0.5 + (len(order) - 1) / 100)
    assert first["other_p"] == 0.25


def test_of_an_objects_swaps_the_two_that_differ_most(ready):
    plan, images, rows, verdicts = ready
    rows = rows.astype({"p_after": "float64"})
    chosen = swap_examples(plan, images, rows, verdicts).to_pylist()[0]
    mine = (rows["test"] == "B-necessity") & (rows["index"] == chosen["index"])
    same, other = (rows.index[mine & (rows["kind"] == kind)] for kind in ("same", "other"))
    rows["p_after"] = 0.5  # no other object's differ
    rows.loc[same, "p_after"] = [0.75, 0.875]
    rows.loc[other, "p_after"] = [0.0, 0.125]
    again = swap_examples(plan, images, rows, verdicts).to_pylist()[0]
    assert again["index"] == chosen["index"]
    assert (again["same_index"], again["same_p"]) == (rows.loc[same[1], "other_index"], 0.875)
    assert (again["other_index"], again["other_p"]) == (rows.loc[other[0], "other_index"], 0.0)


def test_objects_that_could_not_be_swapped_are_passed_over(ready):
    plan, images, rows, verdicts = ready
    chosen = swap_examples(*ready).to_pylist()[0]["index"]
    mine = (rows["test"] == "B-necessity") & (rows["index"] == chosen)
    refused = rows[mine].iloc[:1].assign(kind="untestable", other_index=pd.NA, p_after=np.nan)
    less = pd.concat([rows[~mine], refused])
    assert chosen not in [
        row["index"] for row in swap_examples(plan, images, less, verdicts).to_pylist()[:2]
    ]


def test_only_classes_that_the_background_decides(ready):
    plan, images, rows, verdicts = ready
    some = verdicts.assign(background_passes=pd.Series([False, True, None], dtype="boolean"))
    assert set(swap_examples(plan, images, rows, some)["watched_class"].to_pylist()) == {1}
    none = swap_examples(plan, images, rows, verdicts.assign(background_passes=None))
    assert none.num_rows == 0
    assert none.schema.equals(arrow_schema("swaps"), check_metadata=False)
    assert swap_examples(plan, images, rows[:0], verdicts).num_rows == 0


def test_neither_batches_nor_repetition_change_a_picture(ready):
    first = swap_examples(*ready)
    assert swap_examples(*ready).equals(first)
    plan, *rest = ready
    assert swap_examples(replace(plan, batch_size=64), *rest).equals(first)
