import pandas as pd
import pytest

from audit import triage
from audit.slices import slice_table
from audit.tables.schema import arrow_schema

OFF = {"pred_mass_lift": 0.5}
WRONG = {"correct": False, "pred_class": 2, "pred_label": "bus"}
UNLABELLED = {"correct": None, "true_class": None}


def of(table, name, value):
    (row,) = table[(table["slice"] == name) & (table["value"] == value)].to_dict("records")
    return row


def test_figures_by_hand(read_sliced, make_images):
    """n: right, right and off the object, wrong; s: one without a label, one unreadable."""
    images = make_images(
        {"true_relevance_mass_accuracy": 0.2},
        {"true_relevance_mass_accuracy": 0.4} | OFF,
        {"true_relevance_mass_accuracy": 0.9} | WRONG,
        UNLABELLED | {"true_relevance_mass_accuracy": None},
        "unreadable",
    )
    found = read_sliced([{"site": "n"}] * 3 + [{"site": "s"}] * 2)
    table = slice_table(found, images, triage.flag(images))
    assert table.columns.tolist() == arrow_schema("slices").names
    north, south = of(table, "site", "n"), of(table, "site", "s")
    assert (north["n_images"], north["n"], north["n_correct"]) == (3, 3, 2)
    # 2 of 3, z = 1.96: (2 + z²/2 ± z·√(2/3 + z²/4)) / (3 + z²) = .2077, .9385
    assert north["accuracy"] == pytest.approx(2 / 3)
    assert north["accuracy_low"] == pytest.approx(0.2077, abs=1e-4)
    assert north["accuracy_high"] == pytest.approx(0.9385, abs=1e-4)
    assert (north["n_scored"], north["median_mass"]) == (3, pytest.approx(0.4))
    assert north["off_object_rate"] == pytest.approx(1 / 3)
    assert (south["n_images"], south["n"], south["n_scored"]) == (2, 0, 0)
    assert pd.isna(south["accuracy"])
    assert pd.isna(south["median_mass"])


def test_an_images_regions_that_do_not_count_in_a_class_do_not_count_here(read_sliced, make_images):
    estimated = {"region_source": "pseudo:grabcut", "true_relevance_mass_accuracy": 0.9}
    images = make_images({}, estimated | OFF)
    table = slice_table(read_sliced([{"a": "x"}, {"a": "x"}]), images, triage.flag(images))
    row = of(table, "a", "x")
    assert (row["n_images"], row["n_scored"], row["median_mass"]) == (2, 1, 0.5)
    assert row["off_object_rate"] == 0


def test_without_further_columns_there_are_no_rows(read_sliced, make_images):
    images = make_images({}, {})
    assert slice_table(read_sliced([{}, {}]), images, triage.flag(images)).empty
