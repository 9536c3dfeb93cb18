"""Means over images of the mass on what is asked for, by hand."""

import numpy as np
import pandas as pd
import pytest

from audit.looked import as_columns, looked

T_1 = 12.7062  # Student's t of one degree of freedom at .975


def _looked(*rows):
    """Image, mass, area, mass on the others."""
    image, mass, area, other = zip(*rows, strict=True) if rows else ((),) * 4
    return looked(*(pd.Series(one, dtype=object) for one in (mass, area, other, image)))


def test_rows_of_an_image_count_as_one():
    # image 1: masses 0, .5 and 1 have the mean .5; image 2: 1
    found = _looked((1, 0.0, 0.25, 0.5), (1, 0.5, 0.25, 0.5), (1, 1.0, 0.25, 0.5), (2, 1, 0.75, 0))
    assert found["images"] == 2
    assert (found["mass"]["value"], found["area"], found["other"]) == (0.75, 0.5, 0.25)
    # .5 and 1: s = √.125, s/√2 = .25
    assert found["mass"]["low"] == pytest.approx(0.75 - T_1 * 0.25, abs=1e-4)
    assert found["mass"]["high"] == pytest.approx(0.75 + T_1 * 0.25, abs=1e-4)
    assert found["mass"]["n"] == 2


def test_differences_are_within_an_image():
    # above the area: .25 and .5; above the others: 0 and .75
    found = _looked((1, 0.5, 0.25, 0.5), (2, 1.0, 0.5, 0.25))
    assert found["above_area"]["value"] == 0.375
    assert found["above_area"]["low"] == pytest.approx(0.375 - T_1 * 0.125, abs=1e-4)
    assert found["above_other"]["value"] == 0.375
    assert found["above_other"]["high"] == pytest.approx(0.375 + T_1 * 0.375, abs=1e-4)


def test_what_has_no_other_objects_is_left_out_of_these_alone():
    found = _looked((1, 0.5, 0.25, None), (2, 1.0, 0.25, 0.25), (3, 0.75, 0.25, np.nan))
    assert (found["images"], found["mass"]["value"], found["other"]) == (3, 0.75, 0.25)
    assert (found["above_other"]["value"], found["above_other"]["n"]) == (0.75, 1)
    assert found["above_other"]["low"] is None


def test_without_any_other_object_there_is_no_such_mean():
    found = _looked((1, 0.5, 0.25, None), (2, 1.0, 0.25, None))
    assert found["other"] is None
    assert found["above_other"] == {"value": None, "low": None, "high": None, "n": 0}


@pytest.mark.parametrize("gap", [(2, None, 0.5, 0.5), (2, 0.5, None, 0.5), (2, np.nan, 1.0, 1.0)])
def test_a_map_that_was_not_scored_counts_nowhere(gap):
    assert _looked((1, 0.5, 0.25, 0.5), gap) == _looked((1, 0.5, 0.25, 0.5))


def test_a_single_image_has_no_interval():
    found = _looked((1, 0.5, 0.25, 0.125))
    assert found["mass"] == {"value": 0.5, "low": None, "high": None, "n": 1}


@pytest.mark.parametrize("rows", [(), ((1, None, None, None),), ((1, np.nan, 0.5, 0.5),)])
def test_nothing_scored_is_none(rows):
    assert _looked(*rows) is None


def test_an_image_is_told_by_its_path_as_well_as_by_its_number():
    found = _looked(("a.jpg", 0.5, 0.25, None), ("a.jpg", 1.0, 0.25, None), ("é", 0.25, 0.25, None))
    assert (found["images"], found["mass"]["value"]) == (2, 0.5)


def test_rows_are_those_of_a_part_of_a_table():
    table = pd.DataFrame({"mass": [0.0, 0.5, 1.0], "area": 0.25, "other": 0.5, "index": [7, 8, 9]})
    mine = table[table["mass"] > 0]
    found = looked(mine["mass"], mine["area"], mine["other"], mine["index"])
    assert (found["images"], found["mass"]["value"]) == (2, 0.75)


def test_the_columns_of_a_table_say_the_same():
    found = _looked((1, 0.5, 0.25, 0.5), (2, 1.0, 0.5, 0.25))
    assert as_columns(found) == {
        "mass": 0.75,
        "mass_low": found["mass"]["low"],
        "mass_high": found["mass"]["high"],
        "area": 0.375,
        "other_mass": 0.375,
    }
    assert set(as_columns(None).values()) == {None}
    assert list(as_columns(None)) == list(as_columns(found))
