"""Two runs in, a comparison out: tables, JSON, Markdown and report, whole or not at all."""

import json
import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.comparison.compare import compare_runs
from audit.comparison.config import CompareConfig
from audit.comparison.schema import as_markdown, schema_of
from audit.errors import ConfigError, DataError
from pipelines.cli import main

BUCKETS = {
    "a": "unchanged",
    "b": "regressed",
    "c": "fixed",
    "d": "still_wrong",
    "e": "attention_moved",
    "f": "not_judged",
    "g": "only_in_base",
    "h": "only_in_candidate",
}


@pytest.fixture
def config(tmp_path):
    return CompareConfig(compare_dir=tmp_path / "compare")


@pytest.fixture
def folder(base, candidate, config):
    index = compare_runs(base, candidate, config).report
    assert index == config.compare_dir / "old__new" / "report" / "index.html"
    return index.parents[1]


def test_every_image_has_its_bucket_and_its_differences(folder):
    table = pq.read_table(folder / "images.parquet")
    assert table.schema.equals(schema_of("images"))
    rows = {row["sample_id"]: row for row in table.to_pylist()}
    assert {name: row["bucket"] for name, row in rows.items()} == BUCKETS
    assert rows["e"]["map_agreement"] == 0
    assert rows["b"]["map_agreement"] == 0.5
    assert rows["a"]["map_agreement"] == 1
    assert rows["e"]["delta_true_relevance_mass_accuracy"] == pytest.approx(-0.4)
    assert rows["e"]["delta_pred_relevance_mass_accuracy"] == pytest.approx(-0.4)
    assert rows["b"]["delta_pred_relevance_mass_accuracy"] is None  # they predict unlike
    assert rows["f"]["prediction_changed"] is True
    assert rows["g"]["candidate_pred_label"] is rows["g"]["prediction_changed"] is None
    assert rows["h"]["true_label"] == "dog"


def test_the_figures_by_hand(folder):
    found = json.loads((folder / "comparison.json").read_text())
    assert found["counts"]["buckets"] == dict.fromkeys(found["counts"]["buckets"], 1)
    assert (found["counts"]["images"], found["counts"]["shared"]) == (8, 6)
    accuracy = found["accuracy"]
    # a to e: the base has a, b and e right, the candidate a, c and e; b lost, c won
    assert (accuracy["n"], accuracy["delta"], accuracy["mcnemar_exact_p"]) == (5, 0, 1)
    assert accuracy["base"]["count"] == accuracy["candidate"]["count"] == 3
    assert accuracy["negative_flips"]["value"] == accuracy["positive_flips"]["value"] == 0.2
    # of a to f the answers to b, c, d and f changed
    assert (accuracy["churn"]["count"], accuracy["churn"]["n"]) == (4, 6)
    mass = found["attention"]["true"]["relevance_mass_accuracy"]
    # 0, −.1, +.2, 0, −.4: mean −.06; of the eight sums ±.1 ± .2 ± .4 six are at least .3
    assert (mass["n"], mass["p"]) == (5, 0.75)
    assert mass["delta"] == pytest.approx(-0.06)
    # lift is four times the mass; predicted-class maps count for a and e alone
    assert found["attention"]["true"]["mass_lift"]["delta"] == pytest.approx(-0.24)
    assert found["attention"]["pred"]["relevance_mass_accuracy"]["n"] == 2
    assert found["classes"]["newly_spurious"] == ["cat"]
    assert found["classes"]["cured"] == ["dog"]
    assert found["answer"]["state"] == "mixed"
    assert found["answer"]["worse"][0]["sentence"] == ("now found spurious: it decides by new")


def test_each_value_of_a_further_column_is_compared(folder):
    """North: a is right in both, b lost, c won. South: d is wrong in both, e right."""
    table = pq.read_table(folder / "slices.parquet")
    assert table.schema.equals(schema_of("slices"))
    north, south = table.to_pylist()
    assert (north["slice"], north["value"], south["value"]) == ("camera", "north", "south & more")
    assert (north["n"], north["negative_flips"], north["positive_flips"]) == (3, 1, 1)
    assert (south["n"], south["base_accuracy"], south["candidate_accuracy"]) == (2, 0.5, 0.5)
    assert (north["mcnemar_p"], south["mcnemar_p"], north["mcnemar_holm_p"]) == (1, 1, 1)
    # heat: 0, −.1 and +.2; 0 and −.4
    assert north["delta_mass"] == pytest.approx(1 / 30)
    assert (south["n_scored"], south["delta_mass"]) == (2, pytest.approx(-0.2))
    assert (north["attention_moved"], south["attention_moved"]) == (0, 1)
    page = (folder / "report" / "index.html").read_text()
    assert '<h2 id="slices-title">Slices</h2>' in page
    assert '<a href="#slice=camera+%3D+south+%26+more">south &amp; more</a>' in page


def test_a_second_comparison_is_the_same(base, candidate, config, folder):
    before = {
        name: (folder / name).read_bytes()
        for name in ("comparison.json", "summary.md", "images.parquet", "classes.parquet")
    }
    compare_runs(base, candidate, config)
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert [path.name for path in config.compare_dir.iterdir()] == ["old__new"]


def test_the_markdown_is_short_and_inert(folder):
    text = (folder / "summary.md").read_text()
    assert text.startswith("## old → new: No difference in accuracy was found")
    assert "1 regressed, 1 fixed, 1 attention moved, 1 changed but still wrong" in text
    assert not re.search(r"(?<!\\)<", text)
    assert len(text) < 4_000
    # the base's script class was not tested, and its dog is spurious no more
    assert "- Newly spurious: cat\n" in text
    assert "- Spurious, not tested in the base: " in text
    assert "- Cured: dog\n" in text


def test_another_view_is_refused_unless_forced(base, tmp_path, write_run, config):
    other = write_run(tmp_path / "wide", 1, ("clean",) * 3, view=[16, 32])
    with pytest.raises(ConfigError, match="model's view: 16×16 against 16×32"):
        compare_runs(base, other, config)
    assert not config.compare_dir.exists()
    forced = CompareConfig(compare_dir=config.compare_dir, force=True)
    index = compare_runs(base, other, forced).report
    page = index.read_text()
    assert "Compared by force" in page
    assert "-candidate.jpg" in page  # each run's own picture
    found = json.loads((index.parents[1] / "comparison.json").read_text())
    assert found["forced"] is True
    assert found["gates"] is None
    assert "Forced although" in (index.parents[1] / "summary.md").read_text()


def test_runs_without_a_common_image_are_refused(base, tmp_path, write_run, config):
    other = write_run(tmp_path / "apart", 1, ("clean",) * 3)
    for part in (other / "images").iterdir():
        table = pq.read_table(part)
        ids = [f"other {name}" for name in table["sample_id"].to_pylist()]
        pq.write_table(table.set_column(1, table.schema.field(1), [ids]), part)
    with pytest.raises(DataError, match="share no image"):
        compare_runs(base, other, config)


def test_an_image_listed_twice_is_refused(base, candidate, config):
    part = base / "images" / "part-00000.parquet"
    pq.write_table(pq.read_table(part), base / "images" / "part-00002.parquet")
    with pytest.raises(DataError, match="sample_id 'a' twice"):
        compare_runs(base, candidate, config)


def test_a_folder_that_is_not_ours_stays(base, candidate, config):
    mine = config.compare_dir / "old__new"
    mine.mkdir(parents=True)
    (mine / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="choose another --compare-dir"):
        compare_runs(base, candidate, config)
    assert (mine / "notes.txt").read_text() == "mine"


def test_a_run_equals_itself(base, config):
    index = compare_runs(base, base, config).report
    found = json.loads((index.parents[1] / "comparison.json").read_text())
    assert found["answer"]["state"] == "alike"
    assert found["counts"]["buckets"]["unchanged"] == 6
    # six labelled pairs and none flipped: ±1.95996·√((2/8)/8)
    assert found["accuracy"]["high"] == pytest.approx(0.346476, abs=1e-5)
    sentence = (
        "Nothing was found to be worse: accuracy did not fall, nor that of any class (Holm’s"
        " p ≤ 0.05), none of the 2 classes tested in both runs became spurious, the heat on the"
        " objects did not fall by 5.0 points or more. What was not found may still be there."
    )
    assert sentence in index.read_text()
    assert sentence in (index.parents[1] / "summary.md").read_text()


def test_nothing_worse_claims_no_more_than_was_looked_at(tmp_path, write_run, config):
    """Two runs without a region in which no class was tested."""
    runs = [write_run(tmp_path / name, 0, ("not_tested",) * 3) for name in ("one", "two")]
    for part in [part for run in runs for part in (run / "images").iterdir()]:
        table = pq.read_table(part)
        mass = table.schema.get_field_index("true_relevance_mass_accuracy")
        none = pa.nulls(len(table), table.schema.field(mass).type)
        pq.write_table(table.set_column(mass, table.schema.field(mass), none), part)
    index = compare_runs(*runs, config).report
    assert (
        "Nothing was found to be worse: accuracy did not fall, nor that of any class (Holm’s"
        " p ≤ 0.05). Not compared: what decides (no class was tested in both runs); attention (no"
        " image has maps of both runs and a region)."
    ) in index.read_text()


def test_the_command_ends_with_the_reports_path(base, candidate, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", str(base), str(candidate)]) == 0
    assert capsys.readouterr().out == "compare/old__new/report/index.html\n"
    assert main(["compare", str(base), str(tmp_path / "none")]) == 3
    assert "there is no run folder at" in capsys.readouterr().err
    assert main(["compare", str(base), str(candidate), "--max-cases", "-1"]) == 2


def test_a_policy_sets_the_exit_code(base, candidate, tmp_path, capsys):
    policy = tmp_path / "gates.toml"
    policy.write_text('[[gate]]\nmetric = "accuracy.value"\nagainst = "baseline"\nmin = 0.5\n')
    flags = ["--compare-dir", str(tmp_path / "compare"), "--policy", str(policy)]
    code, said = main(["compare", str(base), str(candidate), *flags]), capsys.readouterr()
    assert code == 1, said.err
    assert said.out.endswith("old__new/report/index.html\n")
    assert "FAIL" in said.err
    folder = tmp_path / "compare" / "old__new"
    assert (folder / "junit.xml").read_text().count("<testcase") == 1
    assert "accuracy" in (folder / "gates.md").read_text()
    told = json.loads((folder / "comparison.json").read_text())["gates"]
    assert (told["policy"], told["outcome"]) == ("gates.toml", "fail")
    (gate,) = told["gates"]
    assert gate["outcome"] == "fail"
    assert gate["sentence"].startswith("accuracy.value changed by 0")
    assert "**Policy gates.toml: FAIL**" in (folder / "summary.md").read_text()
    page = (folder / "report" / "index.html").read_text()
    release = page[page.index('id="release"') : page.index('id="overview"')]
    assert "Not to be released as it is, by this policy." in release
    assert "accuracy.value, change against the base" in release
    assert "not tested here" not in release
    policy.write_text('[[gate]]\nmetric = "accuracy.value"\nmin = 0.1\nprove = "broken"\n')
    assert main(["compare", str(base), str(candidate), *flags]) == 0


def test_the_gates_of_a_forced_comparison_say_so(base, tmp_path, write_run, config):
    other = write_run(tmp_path / "wide", 1, ("clean",) * 3, view=[16, 32])
    policy = tmp_path / "gates.toml"
    policy.write_text('[[gate]]\nmetric = "accuracy.value"\nmin = 0.1\nprove = "broken"\n')
    asked = replace(config, force=True, policy=policy)
    folder = compare_runs(base, other, asked).report.parents[1]
    assert "Forced although" in (folder / "gates.md").read_text()


def test_a_damaged_run_is_named(base, candidate, config):
    for run in (base, candidate):
        manifest = run / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"grid": [2, 2]', '"grid": 7'))
    with pytest.raises(DataError, match="did not write so"):
        compare_runs(base, candidate, config)
    assert not config.compare_dir.exists()


def test_every_column_is_documented(request):
    text = (request.config.rootpath / "docs" / "compare.md").read_text()
    assert as_markdown() in text
