"""The planted language bias, from the drawn scenes and the fit to the verdict and the page."""

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from audit.auditing import run_audit
from audit.config import RunConfig

BIASED = "what pattern"
OTHERS = ["is the", "what color is", "what is the"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("bias")
    config = RunConfig(
        dataset="decoy-vqa", data_root=root / "data", runs_dir=root / "runs", run="own"
    )
    return run_audit(config).parents[1]


@pytest.fixture(scope="module")
def kinds(run):
    return pd.read_parquet(run / "questions.parquet").set_index("question_type")


def test_the_biased_type_is_found_and_no_other(kinds):
    assert kinds["verdict"].to_dict() == {BIASED: "spurious"} | dict.fromkeys(OTHERS, "clean")


def test_accuracy_does_not_tell_them_apart(kinds):
    assert (kinds["accuracy"] > 0.9).all()


def test_the_asked_object_is_lit_where_the_model_looks(kinds, run):
    """Above its area and above the other objects, by the interval and not by the mean alone."""
    looked = kinds.loc[OTHERS]
    assert (looked["mass_low"] > 3 * looked["area"]).all()
    assert (looked["mass_low"] > looked["other_mass"]).all()
    found = json.loads((run / "summary.json").read_text())["questions"]
    assert found["above_area"]["low"] > 0.3
    assert found["above_other"]["low"] > 0.3


def test_one_image_has_a_region_for_each_of_its_questions(run):
    table = pq.read_table(run / "images", columns=["path", "sample_id", "region_grid"]).to_pandas()
    assert table["sample_id"].nunique() == len(table)
    grids = table.groupby("path")["region_grid"].agg(lambda some: len({tuple(g) for g in some}))
    assert (grids > 1).any()
