import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from audit.tables.schema import arrow_schema
from audit.tables.verdict_columns import verdict_columns
from audit.verdicts.classes import class_verdicts
from audit.verdicts.cutoffs import Cutoffs

NAMES = ("fish", "truck", "horse")


def _verdicts(table, classes=NAMES, cutoffs=None, estimated=False):
    frame = table.frame()
    found = class_verdicts(
        frame,
        classes,
        view=(90, 90),
        fill="blur",
        estimated=estimated,
        cutoffs=cutoffs or Cutoffs(),
    )
    return found.set_index("label")


def _local(table, cls, size, n=12):
    """n images of a class whose patch costs about ``size``; S1 and S2 alike."""
    for k in range(n):
        index, drop = 100 * cls + k, size + 0.01 * k
        mine = {"watched_class": cls, "watched_label": NAMES[cls]}
        table.s1(index, drop, **mine).s2(index, [(drop, 0.0)], **mine)


def _background(table, cls, size, n=12):
    for k in range(n):
        step = 0.001 * k
        table.swap("necessity", 100 * cls + k, 0.9, 0.9 - size - step, watched_class=cls)
        table.swap("sufficiency", 500 + k, 0.1 + size + step, 0.1, watched_class=cls)


def test_without_classes_there_are_columns_and_no_rows(table):
    assert list(_verdicts(table, ()).columns) == list(_verdicts(table).columns)
    assert _verdicts(table, ()).empty


def test_a_planted_patch_is_found_beside_a_half_tested_class(table):
    _local(table, 0, 0.3)
    _local(table, 1, 0.0)
    found = _verdicts(table)
    assert found["verdict"].tolist() == ["spurious", "not_enough_images", "not_tested"]
    assert found.loc["fish", "verdict_by"] == "local"
    # all twelve positive: 1/4096, ×2 for two tries, ×2 for two ways
    assert found.loc["fish", "local_p"] == pytest.approx(2 / 4096)
    assert found.loc["fish", "p_value"] == pytest.approx(4 / 4096)
    assert found.loc["horse"].isna()[["p_value", "q_value", "verdict_by"]].all()
    assert found.loc["horse", "verdict_sentence"] == ""


def test_a_small_effect_is_not_enough_however_sure(table):
    _local(table, 0, 0.0)  # drops of 0, .01, …, .11: no image reaches .2
    found = _verdicts(table).loc["fish"]
    assert found["q_value"] <= 0.05
    assert (found["verdict"], found["local_passes"]) == ("not_enough_images", False)


def test_mean_floors_clear_a_class_of_their_own(table):
    _local(table, 0, 0.3)
    for cutoffs in (Cutoffs(mean_d=0.5), Cutoffs(mean_g=0.5)):
        assert not _verdicts(table, cutoffs=cutoffs).loc["fish", "local_passes"]


def test_clean_is_what_was_tested_both_ways(table):
    _local(table, 0, 0.0)
    _background(table, 0, 0.1)
    found = _verdicts(table).loc["fish"]
    assert (found["verdict"], found["verdict_by"]) == ("clean", None)
    assert "no patch found" in found["verdict_sentence"]
    assert "no background found" in found["verdict_sentence"]


def test_a_background_is_found(table):
    _background(table, 0, 0.4)
    found = _verdicts(table).loc["fish"]
    assert (found["verdict"], found["verdict_by"]) == ("spurious", "background")
    assert found["local_state"] is None
    assert found["local_passes"] is None
    assert found["p_value"] == pytest.approx(2 / 4096)


def test_a_background_effect_under_the_floor_is_no_verdict(table):
    _background(table, 0, 0.1)
    found = _verdicts(table).loc["fish"]
    assert found["q_value"] <= 0.05
    assert (found["verdict"], found["background_passes"]) == ("not_enough_images", False)


def test_both_ways_at_once(table):
    _local(table, 0, 0.3)
    _background(table, 0, 0.4)
    assert _verdicts(table).loc["fish", "verdict_by"] == "local and background"


def test_few_images_and_few_objects_are_not_enough(table):
    _local(table, 0, 0.3, n=9)
    _background(table, 0, 0.4, n=9)
    found = _verdicts(table).loc["fish"]
    assert (found["verdict"], found["verdict_by"]) == ("not_enough_images", None)
    assert pd.isna(found["p_value"])


def test_either_way_is_enough_for_a_verdict(table):
    _local(table, 0, 0.3, n=9)
    _background(table, 0, 0.4, n=10)
    found = _verdicts(table).loc["fish"]
    assert (found["verdict"], found["local_state"]) == ("spurious", "too_few_images")


def test_each_further_tested_class_costs_evidence(table):
    # seven positive images: 1/128, ×2 ×2 = 1/32; alone q = .031, among three q = .094
    few = Cutoffs(min_images=7)
    _local(table, 0, 0.3, n=7)
    assert _verdicts(table, cutoffs=few).loc["fish", "verdict"] == "spurious"
    for cls in (1, 2):
        for k in range(7):
            table.add("S1", "nothing_outside", 100 * cls + k, watched_class=cls)
    found = _verdicts(table, cutoffs=few).loc["fish"]
    assert found["q_value"] == pytest.approx(3 / 32)
    assert (found["verdict"], found["s1_rate"]) == ("not_enough_images", 1.0)


def test_a_way_passes_only_by_its_own_p(table):
    # L: six of seven positive; B: twelve of twelve. The class is found, by B alone.
    few = Cutoffs(min_images=7)
    _background(table, 0, 0.4)
    for k, drop in enumerate((0.31, 0.32, 0.33, 0.34, 0.35, 0.36, -0.9)):
        table.s1(k, drop).s2(k, [(0.3 + drop, 0.0)])
    found = _verdicts(table, cutoffs=few).loc["fish"]
    assert (found["verdict_by"], found["local_passes"]) == ("background", False)


def test_estimated_regions_are_said_so(table):
    _local(table, 0, 0.3)
    found = _verdicts(table, estimated=True)
    assert found["verdict_estimated"].all()
    assert "outside the estimated region" in found.loc["fish", "verdict_sentence"]


def test_without_interventions_no_class_is_tested(table):
    found = _verdicts(table)
    assert found["verdict"].tolist() == ["not_tested"] * 3
    assert found["p_value"].isna().all()


def test_the_rows_hold_the_schema_s_columns_and_can_be_written(table):
    _local(table, 0, 0.3)
    _background(table, 1, 0.4)
    found = _verdicts(table).reset_index()
    assert set(found) == {"true_class", "label"} | {c.name for c in verdict_columns()}
    schema = arrow_schema("classes")
    fields = pa.schema([schema.field(name) for name in found])
    written = pa.Table.from_pandas(found, schema=fields, preserve_index=False)
    assert written["local_passes"].to_pylist() == [True, None, None]
    assert written["s1_attempt"].to_pylist() == [1, None, None]
    assert written["s1_untestable"].to_pylist() == [0, 0, 0]


def test_null_classes_are_seldom_found(table):
    # 20 classes, 8 images each, whose patch and controls cost alike: q <= .05 would allow a chance
    # find in few runs; floors are taken away so that the correction alone is tested
    rng = np.random.default_rng(5)
    for cls in range(20):
        for k in range(8):
            index = 100 * cls + k
            for attempt in (1, 2):
                drop, gain = rng.normal(0, 0.2, 5), rng.normal(0, 0.2, 2)
                mine = {"watched_class": cls, "attempt": attempt}
                table.s1(index, drop[0], drop[1:], **mine).s2(index, [gain], **mine)
    loose = Cutoffs(min_images=8, s1_drop=0, s1_rate=0, mean_d=-1, mean_g=-1)
    found = _verdicts(table, [str(cls) for cls in range(20)], loose)
    assert (found["local_p"] <= 0.05).sum() <= 2
    assert (found["verdict"] == "not_enough_images").all()


@pytest.mark.parametrize(
    "nullable", [{}, {pa.int32(): pd.Int32Dtype(), pa.bool_(): pd.BooleanDtype()}]
)
def test_the_table_as_parquet_gives_it_says_the_same(table, nullable):
    _local(table, 0, 0.3)
    _background(table, 1, 0.4)
    table.add("S1", "untestable", 900)
    arrow = pa.Table.from_pylist(table.rows, schema=arrow_schema("interventions"))
    read = arrow.to_pandas(types_mapper=nullable.get)
    found = class_verdicts(
        read, NAMES, view=(90, 90), fill="blur", estimated=False, cutoffs=Cutoffs()
    )
    assert found["verdict_by"].dropna().to_dict() == {0: "local", 1: "background"}
    assert found["s1_untestable"].tolist() == [1, 0, 0]
