"""The frame of a run's parts, against plain ones of the same rows."""

import pandas as pd
import pyarrow as pa
import pytest

from audit.frame import read_images
from audit.results import Interventions, results_of, triaged, with_reasons
from audit.summary import problems
from audit.tables.parts import part_path, write_table
from audit.tables.schema import arrow_schema
from audit.triage import READ

CLASSES = ("plane", "car", "bus")
CAR = {"true_class": 1, "true_label": "car", "pred_class": 1, "pred_label": "car"}
BUS = {"pred_class": 2, "pred_label": "bus", "correct": False, "present_classes": [2]}
ROWS = (
    CAR,
    CAR | BUS | {"path": "a.png"},
    "unreadable",
    CAR | {"pred_cam_status": "zero", "pred_mass_lift": None, "path": None},
    CAR | {"status_detail": "turned by 90", "sample_id": "x#2"},
    CAR | {"n_regions": 0, "region_source": "none", "region_visible_fraction": None},
    CAR | {"status_detail": "turned by 180", "present_classes": []},
    CAR | {"pred_mass_lift": 0.5, "path": "never told.png"},
    CAR | BUS | {"true_class": None, "true_label": None, "correct": None, "path": "b.png"},
)


@pytest.fixture
def written(make_images, tmp_path):
    """What is read from parts of four rows each; the same rows as pandas alone makes them."""

    def read(*rows):
        made = make_images(*rows)
        schema = arrow_schema("images")
        plain = made.drop(columns=[name for name in made if name not in READ])
        kept = pa.schema([schema.field(name) for name in plain])
        table = pa.Table.from_pandas(plain, schema=kept, preserve_index=False)
        for k in range(-(-len(rows) // 4)):
            write_table(table.slice(4 * k, 4), part_path(tmp_path, k), {})
        nullable = {pa.bool_(): pd.BooleanDtype(), pa.int32(): pd.Int32Dtype()}
        return read_images(tmp_path), table.to_pandas(types_mapper=nullable.get)

    return read


def _results(images):
    none = arrow_schema("interventions").empty_table().to_pandas()
    tested = Interventions(none, 0, "blur", (90, 90))
    found = results_of(images, triaged(images), tested, CLASSES, limit=10, seed=0)
    return found, pd.concat(with_reasons(found, images, (90, 90)))


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], ("unreadable",)])
def test_results_are_those_of_plain_columns(written, rows):
    read, made = written(*rows)
    (found, cases), (expected, told) = _results(read), _results(made)
    assert found.summary == expected.summary
    for name in ("classes", "pairs", "chosen"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name))
    pd.testing.assert_frame_equal(cases, told, check_dtype=False)


def test_a_path_is_kept_where_a_problem_names_it(written):
    read, made = written(*ROWS)
    # what is unlabelled is the first of its kind; of the two notes, which differ in a figure, one
    assert read.index[read["path"].notna()].tolist() == [2, 4, 5, 8]
    assert read["path"][8] == "b.png"
    assert problems(read) == problems(made)


def test_texts_of_which_there_are_few_are_held_once(written):
    read, _ = written(*ROWS)
    for name in ("status", "region_source", "true_label", "pred_label", "pred_cam_status"):
        assert read[name].dtype == "category"
    assert read["sample_id"].dtype == "str"
