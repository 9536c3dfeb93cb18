from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit import triage
from audit.engine import audit_part
from audit.plan import make_plan
from audit.tables.schema import arrow_schema
from audit.verify import parts
from audit.verify.choice import Choice, choose
from audit.verify.choice import Tested as OfClass
from audit.verify.maps import read_maps
from audit.verify.parts import write_interventions
from audit.verify.swap import SWAPS

ENOUGH = 10**6


@pytest.fixture
def audited(cued_config, tmp_path):
    """The plan, what its images say, and the maps of all."""
    plan = make_plan(cued_config)
    audit_part(plan, tmp_path / "images", 0)
    maps = read_maps(tmp_path / "images", np.arange(36), plan.grid)
    return plan, pd.read_parquet(tmp_path / "images"), maps


@pytest.fixture
def write(audited, tmp_path):
    """Write what a budget pays for to a folder; the rows, and how many classes were told of."""
    plan, images, maps = audited

    def write_to(name="interventions", budget=ENOUGH, **changes):
        told = []
        choice = choose(images, triage.flag(images), budget, plan.config.seed)
        mine = replace(plan, config=replace(plan.config, **changes))
        write_interventions(mine, tmp_path / name, choice, maps, told.append)
        return _rows(tmp_path / name), told

    return write_to


def _rows(folder):
    return [pq.read_table(path) for path in sorted(folder.glob("part-*.parquet"))]


def _frame(tables):
    return pa.concat_tables(tables).to_pandas()


def test_one_part_a_class_in_the_documented_form(write):
    tables, told = write()
    assert len(tables) == 3
    assert sum(told) == 3
    for cls, table in enumerate(tables):
        assert table.schema.equals(arrow_schema("interventions"), check_metadata=False)
        assert set(table["watched_class"].to_pylist()) == {cls}
    rows = _frame(tables)
    assert dict(zip(rows["watched_class"], rows["watched_label"], strict=True)) == {
        0: "red",
        1: "green",
        2: "blue",
    }
    # 36 images, 12 of each class, all of them sampled
    assert rows["index"].nunique() == 36
    assert set(rows["role"]) == {"sample"}


def test_a_cue_beside_the_object_is_found(write):
    rows = _frame(write()[0])
    s1 = rows[(rows["test"] == "S1") & (rows["attempt"] == 1)]
    cover, control = s1[s1["kind"] == "cover"], s1[s1["kind"] == "control"]
    # before: e⁸ against twice e⁰
    np.testing.assert_allclose(cover["p_before"], np.exp(8) / (np.exp(8) + 2), atol=1e-4)
    assert (cover["p_after"] < 0.7).all()
    assert (control["p_before"] - control["p_after"]).max() < 0.05
    assert (cover[["x0", "y0"]] == 0).all(axis=None)
    assert (cover["area_fraction"] <= 0.04).all()
    assert not cover["on_other_object"].any()
    # S2 pasted into images predicted otherwise: the corner carries the class, other places nothing
    s2 = rows[rows["test"] == "S2"]
    assert (s2["other_index"] % 3 != s2["watched_class"]).all()
    gain = (s2["p_after"] - s2["p_before"]).groupby(s2["kind"]).mean()
    assert gain["paste"] > 0.3
    assert abs(gain["control"]) < 0.05
    # B: the corner is the donor's, and decides alone
    swapped = rows[rows["test"].isin(["B-necessity", "B-sufficiency"])]
    same = swapped[swapped["kind"] == "same"]
    assert (same["pred_after"] == same["watched_class"]).all()
    other = swapped[swapped["kind"] == "other"]
    assert (other["pred_after"] != other["watched_class"]).all()


def test_counts_of_rows(write):
    rows = _frame(write()[0])
    counts = rows.groupby(["watched_class", "test", "kind", "attempt", "fill"], dropna=False).size()
    for cls in range(3):
        mine = counts[cls]
        assert mine["S1", "cover", 1, "blur"] == 12
        assert mine["S1", "control", 1, "blur"] == 48
        assert mine["S1", "cover", 1, "inpaint"] == 10  # the second fill is for ten images
        assert mine["S1-null", "cover", 1, "blur"] == 12
        assert mine["S2", "paste", 1].sum() == mine["S2", "control", 1].sum() == 48
        for test in ("B-necessity", "B-sufficiency"):
            assert mine[test, "same", 0].sum() == mine[test, "other", 0].sum() == 12 * SWAPS
    null = rows[rows["test"] == "S1-null"]
    assert (null["other_index"] % 3 == null["watched_class"]).all()
    assert (null["other_index"] != null["index"]).all()


def test_an_object_of_another_class_is_watched_for_sufficiency(write):
    rows = _frame(write()[0])
    sufficiency = rows[rows["test"] == "B-sufficiency"]
    assert (sufficiency["index"] % 3 != sufficiency["watched_class"]).all()
    # the watched class's probability in the unchanged image of another class: e⁰ against e⁸
    np.testing.assert_allclose(sufficiency["p_before"], 1 / (np.exp(8) + 2), atol=1e-4)


def test_neither_batches_nor_repetition_move_a_row(write):
    first, again, large = (
        write("a")[0],
        write("b")[0],
        write("c", batch_size=64)[0],
    )
    assert _frame(first).equals(_frame(again))
    one, other = _frame(first), _frame(large)
    assert one.drop(columns="p_after").equals(other.drop(columns="p_after"))
    np.testing.assert_allclose(one["p_after"], other["p_after"], atol=1e-5)


def test_what_was_interrupted_goes_on(write, monkeypatch, tmp_path):
    whole = write("whole")[0]
    commit, committed = parts.write_table, []

    def once(*args):
        if committed:
            raise KeyboardInterrupt
        commit(*args)
        committed.append(args)

    monkeypatch.setattr(parts, "write_table", once)
    with pytest.raises(KeyboardInterrupt):
        write("stopped")
    monkeypatch.setattr(parts, "write_table", commit)
    (path,) = (tmp_path / "stopped").glob("part-*.parquet")
    before = path.stat().st_mtime_ns
    tables, told = write("stopped")
    assert told == [1, 1, 1]  # one was done, two are made
    assert path.stat().st_mtime_ns == before
    assert _frame(tables).equals(_frame(whole))
    assert write("stopped")[1] == [3]  # all are done


def test_a_broken_part_is_made_again(write, tmp_path):
    tables, _ = write()
    path = tmp_path / "interventions" / "part-00001.parquet"
    path.write_bytes(path.read_bytes()[:100])
    again, told = write()
    assert told == [2, 1]
    assert _frame(again).equals(_frame(tables))


def test_another_budget_leaves_no_stale_part(write):
    assert len(write()[0]) == 3
    tables, told = write(budget=360)  # ten images of one class
    assert len(tables) == 1
    assert told == [0, 1]
    assert _frame(tables)["index"].nunique() < 36
    assert write(budget=0)[0] == []


def test_another_fill_is_another_part(write):
    write()
    tables, told = write(fill="mean")
    assert told == [0, 1, 1, 1]
    assert set(_frame(tables)["fill"].dropna()) == {"mean", "blur"}


def test_nothing_to_test(audited, tmp_path):
    plan, _, maps = audited
    told = []
    nothing = Choice((), np.array([], dtype=np.int64))
    write_interventions(plan, tmp_path / "none", nothing, maps, told.append)
    assert told == [0]
    assert not (tmp_path / "none").exists()


def test_suspects_get_case_evidence_alone(audited, tmp_path):
    plan, images, maps = audited
    pool = choose(images, triage.flag(images), ENOUGH, 0).pool
    red = np.arange(0, 36, 3)
    tested = OfClass(0, red[:10], red[10:])
    write_interventions(plan, tmp_path / "some", Choice((tested,), pool), maps, [].append)
    rows = _frame(_rows(tmp_path / "some"))
    suspects = rows[rows["role"] == "suspect"]
    assert set(suspects["index"]) == {30, 33}
    # neither a null, nor a second fill, nor swaps: these are for the class
    assert set(suspects["test"]) == {"S1", "S2"}
    assert set(suspects["fill"].dropna()) == {"blur"}
    backgrounds = rows[rows["test"].str.startswith("B-") & (rows["kind"] == "same")]
    assert not backgrounds["other_index"].isin([30, 33]).any()


def test_one_predicted_class_has_neither_hosts_nor_other_backgrounds(audited, tmp_path):
    plan, images, maps = audited
    red = images[images["pred_class"] == 0]
    choice = choose(red, triage.flag(red), ENOUGH, 0)
    write_interventions(plan, tmp_path / "one", choice, maps, [].append)
    rows = _frame(_rows(tmp_path / "one"))
    assert set(rows["test"]) == {"S1", "S1-null", "B-necessity"}
    swapped = rows[rows["test"] == "B-necessity"]
    assert swapped["kind"].tolist() == ["untestable"] * 12
    assert swapped["p_after"].isna().all()


def test_a_picture_that_cannot_be_made_stops_the_part(audited, tmp_path, monkeypatch):
    plan, images, maps = audited

    def broken(*_):
        raise RuntimeError("no room")
        yield

    monkeypatch.setattr(parts, "swaps", broken)
    choice = choose(images, triage.flag(images), ENOUGH, 0)
    with pytest.raises(RuntimeError, match="no room"):
        write_interventions(plan, tmp_path / "broken", choice, maps, [].append)
    assert _rows(tmp_path / "broken") == []
