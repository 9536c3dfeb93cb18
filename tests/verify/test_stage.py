from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest

from audit import triage
from audit.engine import audit_part
from audit.plan import make_plan
from audit.tables.schema import arrow_schema
from audit.tables.sliced import Slices
from audit.verify import stage
from audit.verify.choice import FORWARDS
from audit.verify.stage import intervene


@pytest.fixture
def ready(cued_config, tmp_path):
    """The plan, a run folder whose images are audited, and these images with their triage."""
    plan = make_plan(cued_config)
    audit_part(plan, tmp_path / "images", 0)
    images = pd.read_parquet(tmp_path / "images")
    return plan, tmp_path, images, triage.flag(images)


def _with_budget(plan, budget, **changes):
    return replace(plan, config=replace(plan.config, budget=budget, **changes))


def test_the_rows_are_those_of_the_parts(ready):
    plan, run, images, cases = ready
    tested = intervene(plan, run, images, cases)
    parts = sorted((run / "interventions").glob("part-*.parquet"))
    assert len(parts) == 3
    written = pd.concat([pd.read_parquet(path) for path in parts], ignore_index=True)
    pd.testing.assert_frame_equal(tested.rows.reset_index(drop=True), written)
    assert list(tested.rows.columns) == arrow_schema("interventions").names
    assert tested.fill == "blur"
    assert tested.view == (32, 32)


def test_the_default_budget_is_that_of_the_datasets_classes(ready):
    plan, run, images, cases = ready
    # half of 36 images is less than 40 images of each of 3 classes, 36 forwards each
    assert intervene(plan, run, images, cases).budget == 40 * 3 * 36 == 4320


@pytest.mark.parametrize("budget", [0, 10 * FORWARDS - 1])
def test_no_budget_tests_nothing_and_writes_nothing(ready, budget):
    plan, run, images, cases = ready
    tested = intervene(_with_budget(plan, budget), run, images, cases)
    assert tested.budget == budget
    assert tested.rows.empty
    assert list(tested.rows.columns) == arrow_schema("interventions").names
    assert not (run / "interventions").exists()


def test_a_budget_for_one_class_tests_that_one(ready):
    plan, run, images, cases = ready
    tested = intervene(_with_budget(plan, 10 * FORWARDS), run, images, cases)
    assert len(set(tested.rows["watched_class"])) == 1
    objects = tested.rows["index"][tested.rows["test"] != "B-sufficiency"]
    assert objects.nunique() == 10


def test_a_smaller_budget_later_leaves_no_row_of_the_larger(ready):
    plan, run, images, cases = ready
    intervene(plan, run, images, cases)
    again = intervene(_with_budget(plan, 10 * FORWARDS), run, images, cases)
    assert len(set(again.rows["watched_class"])) == 1
    assert len(list((run / "interventions").glob("part-*.parquet"))) == 1


def test_nothing_is_tested_where_no_image_is_judged(ready):
    plan, run, images, cases = ready
    unfit = images.assign(region_source="none", pred_region_area_fraction=float("nan"))
    tested = intervene(plan, run, unfit, cases)
    assert tested.rows.empty


def test_tables_of_no_test_and_of_tests_have_one_schema(ready):
    plan, run, images, cases = ready
    schema = arrow_schema("interventions")
    for budget in (0, None):
        rows = intervene(_with_budget(plan, budget), run, images, cases).rows
        table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
        assert table.num_rows == len(rows)


def test_the_fill_is_the_configurations(ready):
    plan, run, images, cases = ready
    tested = intervene(_with_budget(plan, None, fill="mean"), run, images, cases)
    assert tested.fill == "mean"
    null = tested.rows["fill"][tested.rows["test"] == "S1-null"]
    assert set(null) == {"mean"}  # the second fill is for S1 alone


def _chosen(monkeypatch, images, budget, names):
    monkeypatch.setattr(stage, "read_slices", lambda _folder: Slices((), ()))
    config = SimpleNamespace(budget=budget, seed=0)
    plan = SimpleNamespace(config=config, task=SimpleNamespace(names=names), asks_questions=True)
    return stage._chosen(plan, Path("run"), images, None)


@pytest.mark.parametrize(("n", "tested"), [(1, []), (12, [12])])
def test_the_default_budget_of_questions_is_not_0_though_none_can_be_tested(
    monkeypatch, make_images, n, tested
):
    choice, budget = _chosen(monkeypatch, make_images(*[{}] * n), None, ("yes", "no"))
    assert [len(one.sample) for one in choice.classes] == tested
    assert budget == 100 * 4  # of the only type there is
    assert _chosen(monkeypatch, make_images({}), 0, ("yes", "no"))[1] == 0


def test_captions_are_not_tested(monkeypatch, make_images):
    choice, budget = _chosen(monkeypatch, make_images(*[{}] * 12), None, ())
    assert (choice.classes, len(choice.pool), budget) == ((), 0, 0)
