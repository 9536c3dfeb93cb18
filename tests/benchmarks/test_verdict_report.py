import numpy as np
import pyarrow as pa
import pytest
import torch

from audit.tables.parts import write_table
from audit.verdicts.cutoffs import VERDICT_VERSION
from benchmarks.verdicts.audited import DATA_VARIABLE
from benchmarks.verdicts.designs import designs
from benchmarks.verdicts.report import print_tables, read_half, share
from benchmarks.verdicts.run import is_done, results_of_cell


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """The first cell of the rehearsal, fitted, audited and compared with the truth."""
    root, threads = tmp_path_factory.mktemp("bench"), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA_VARIABLE, str(root))  # the runner sets it for its own process
        results_of_cell(designs("smoke")[0], root)
    torch.set_num_threads(threads)
    (one,) = read_half("smoke", root)
    return one


def test_where_none_fails_the_bound_is_exact():
    """Clopper–Pearson: 0 of 59 is at most 1 − .05^(1/59) = .0495; 59 of 59 at least .9505."""
    none, all_ = share([(0, 30), (0, 29)]), share([(30, 30), (29, 29)])
    assert (none.k, none.n, none.low) == (0, 59, 0.0)
    assert none.high == pytest.approx(0.0495, abs=5e-5)
    assert all_.low == pytest.approx(0.9505, abs=5e-5)
    assert str(none) == "0 of 59 = 0.000 [0.000, 0.050]"


def test_bounds_are_clustered_by_model():
    """All of a rate's spread in one model of ten: with independent classes 10 of 100 is at most
    .16; when models are drawn, that one comes twice in a quarter of the draws, thrice in 8%.
    """
    one_model = share([(10, 10)] + [(0, 10)] * 9)
    spread = share([(1, 10)] * 10)
    assert one_model.value == spread.value == 0.1
    assert one_model.high == pytest.approx(0.3, abs=0.01)
    assert (spread.low, spread.high) == (pytest.approx(0.1), pytest.approx(0.1))


def test_a_smoke_slice_finds_used_plants_and_accuses_no_clean_class(audited):
    rows = audited.classes
    used, clean = rows["truth_spurious"], rows["kind"].isna() & ~rows["truth_spurious"]
    found = rows["verdict"] == "spurious"
    assert used.sum() >= 2
    assert (found & used).sum() >= used.sum() - 1
    assert clean.sum() == 6
    assert not (found & clean).any()
    verified = audited.cases[audited.cases["spurious_verified"].eq(True).fillna(False)]
    assert np.mean(verified["truth_drop"] >= 0.2) >= 0.9


def test_a_cell_of_other_rules_is_not_done(tmp_path):
    """Its figures would be published as those of the present rules."""
    assert not is_done(tmp_path)
    table, file = pa.table({"kind": ["text"]}), tmp_path / "classes.parquet"
    for version, done in ((VERDICT_VERSION, True), (VERDICT_VERSION - 1, False)):
        write_table(table, file, {"verdict_version": str(version)})
        assert is_done(tmp_path) is done
    write_table(table, file, {})
    assert not is_done(tmp_path)


def test_the_tables_say_what_was_measured(audited, capsys):
    print_tables([audited], [audited])
    said = capsys.readouterr().out
    assert said.startswith("1 models; bounds one-sided 95%")
    for rival in ("mass inside below .5", "lift below 1", "pointing game", "Shared", "SpRAy"):
        assert f"\n| {rival}" in said
    assert f"| 0.95 | 1 | {audited.classes['accuracy'].iloc[0]:.3f}" in said
