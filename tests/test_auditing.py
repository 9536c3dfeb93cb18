"""The whole way, from files in STL10's format to a report, on a tiny set."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from audit.auditing import run_audit
from audit.errors import ConfigError, DataError, IncompleteError
from audit.manifest import locked, read_manifest, set_status
from audit.tables import parts
from audit.tables.schema import arrow_schema


def _images(report):
    return pq.ParquetDataset(report.parents[1] / "images").read()


def test_a_run_folder_is_whole(run_config):
    report = run_audit(run_config)
    folder = report.parents[1]
    assert report.is_file()
    assert (run_config.runs_dir / "latest").resolve() == folder.resolve()
    manifest = read_manifest(folder)
    assert manifest["status"] == "finished"
    assert manifest["config"]["batch_size"] == 4
    assert manifest["model"]["grid"] == [12, 12]
    assert manifest["dataset"]["audited"] == 24
    table = _images(report)
    assert table.schema.equals(arrow_schema("images", 144), check_metadata=False)
    assert table["index"].to_pylist() == list(range(24))
    assert set(table["status"].to_pylist()) == {"ok"}
    assert [path.name for path in sorted((folder / "images").iterdir())] == [
        f"part-0000{k}.parquet" for k in range(3)
    ]
    for name in ("cases", "classes", "slices", "pairs"):
        stored = pq.read_schema(folder / f"{name}.parquet")
        assert stored.equals(arrow_schema(name), check_metadata=False)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["counts"]["audited"] == 24
    assert summary["counts"]["no_region"] == 24
    assert summary["attention"] is None  # STL10 brings no regions: not available, not 0


def test_two_runs_of_one_plan_give_equal_tables(run_config):
    first = run_audit(replace(run_config, run="a"))
    second = run_audit(replace(run_config, run="b"))
    assert _images(first).equals(_images(second))
    for name in ("cases", "classes", "slices", "pairs"):
        tables = [
            pq.read_table(report.parents[1] / f"{name}.parquet") for report in (first, second)
        ]
        assert tables[0].equals(tables[1])


def test_the_batch_size_moves_no_score_beyond_the_promise(run_config):
    small = _images(run_audit(replace(run_config, run="a", batch_size=3))).to_pandas()
    large = _images(run_audit(replace(run_config, run="b", batch_size=24))).to_pandas()
    for column in ("true_probability", "true_border_mass", "pred_cam_entropy", "loss"):
        np.testing.assert_allclose(small[column], large[column], atol=1e-4)


def test_a_limit_is_a_sample_of_the_whole(run_config):
    whole = _images(run_audit(replace(run_config, run="a"))).to_pandas().set_index("index")
    some = _images(run_audit(replace(run_config, run="b", limit=10))).to_pandas().set_index("index")
    assert len(some) == 10
    assert some["true_class"].nunique() == 10  # 24 images of ten classes, in proportion
    assert some["sample_id"].equals(whole["sample_id"].loc[some.index])
    np.testing.assert_allclose(
        some["true_probability"], whole["true_probability"].loc[some.index], atol=1e-4
    )


def test_duplicates_are_numbered_over_the_whole_table(run_config, stl10_root):
    file = stl10_root / "stl10_binary" / "test_X.bin"
    images = np.fromfile(file, dtype=np.uint8).reshape(24, -1)
    images[[12, 23]] = images[0]
    images.tofile(file)
    report = run_audit(run_config)
    ids = _images(report)["sample_id"].to_pylist()
    assert ids[12] == f"{ids[0]}#2"
    assert ids[23] == f"{ids[0]}#3"
    assert len(set(ids)) == 24
    summary = json.loads((report.parents[1] / "summary.json").read_text())
    assert summary["counts"]["duplicates"] == 2


def test_an_unfinished_run_is_taken_up_without_being_named(run_config, monkeypatch):
    whole = _images(run_audit(replace(run_config, run="whole")))
    monkeypatch.setattr("audit.auditing.finish_parts", _stopped)
    with pytest.raises(IncompleteError):
        run_audit(run_config)
    monkeypatch.undo()
    (unfinished,) = [p for p in run_config.runs_dir.iterdir() if p.name not in ("whole", "latest")]
    parts.part_path(unfinished / "images", 1).unlink()
    before = {p.name: p.stat().st_mtime_ns for p in (unfinished / "images").iterdir()}
    said = []
    report = run_audit(run_config, said.append)
    assert report.parents[1] == unfinished
    assert any("2 of 3 parts" in line for line in said)
    assert len(before) == 2
    assert _images(report).equals(whole)


def _stopped(*_args):
    raise IncompleteError("stopped here")


def test_a_damaged_part_is_made_again(run_config):
    report = run_audit(replace(run_config, run="a"))
    whole = _images(report)
    part = parts.part_path(report.parent.parent / "images", 2)
    part.write_bytes(part.read_bytes()[:100])
    assert _images(run_audit(replace(run_config, run="a"))).equals(whole)


def test_a_folder_of_another_plan_is_refused_and_says_in_what(run_config):
    run_audit(replace(run_config, run="a"))
    with pytest.raises(ConfigError, match=r"belongs to another plan: its options differ.*--fresh"):
        run_audit(replace(run_config, run="a", seed=1))


def test_a_run_stopped_before_its_last_word_is_taken_up_and_latest_points_to_it(
    run_config, monkeypatch
):
    def stopped_at_the_end(folder, status, timings):
        if status == "finished":
            raise IncompleteError("stopped here")
        set_status(folder, status, timings)

    monkeypatch.setattr("audit.auditing.set_status", stopped_at_the_end)
    with pytest.raises(IncompleteError):
        run_audit(run_config)
    monkeypatch.undo()
    latest = run_config.runs_dir / "latest"
    assert read_manifest(latest)["status"] == "audited"
    folder = latest.resolve()
    assert run_audit(run_config).parents[1] == folder
    assert latest.resolve() == folder
    assert read_manifest(folder)["status"] == "finished"


def test_a_run_replaced_before_the_lock_is_held_is_not_written_to(run_config, monkeypatch):
    run_audit(replace(run_config, run="a"))

    @contextmanager
    def replaced_first(folder):
        monkeypatch.undo()
        run_audit(replace(run_config, run="a", seed=1, fresh=True))  # another process is quicker
        with locked(folder):
            yield

    monkeypatch.setattr("audit.places.locked", replaced_first)
    with pytest.raises(ConfigError, match="belongs to another plan: its options differ"):
        run_audit(replace(run_config, run="a"))
    manifest = read_manifest(run_config.runs_dir / "a")
    assert (manifest["seed"], manifest["status"]) == (1, "finished")


def test_fresh_moves_the_old_run_aside_and_keeps_it(run_config):
    run_audit(replace(run_config, run="a"))
    run_audit(replace(run_config, run="a", seed=1, fresh=True))
    assert read_manifest(run_config.runs_dir / "a")["seed"] == 1
    (old,) = run_config.runs_dir.glob("a.*.old")
    assert read_manifest(old)["seed"] == 0


def test_fresh_never_moves_what_is_not_ours(run_config):
    mine = run_config.runs_dir / "a"
    mine.mkdir(parents=True)
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="--fresh moves only run folders aside"):
        run_audit(replace(run_config, run="a", fresh=True))
    with pytest.raises(ConfigError, match="no run folder"):
        run_audit(replace(run_config, run="a"))
    assert (mine / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".hidden", "a b", "x" * 300])
def test_a_run_name_is_one_path_component(run_config, name):
    with pytest.raises(ConfigError, match="one path component"):
        run_audit(replace(run_config, run=name))


def test_a_run_in_use_is_refused(run_config):
    from filelock import FileLock

    run_audit(replace(run_config, run="a"))
    with FileLock(run_config.runs_dir / "a" / ".lock"), pytest.raises(ConfigError, match="another"):
        run_audit(replace(run_config, run="a"))


def test_fresh_never_moves_a_run_that_is_being_written(run_config):
    from filelock import FileLock

    run_audit(replace(run_config, run="a"))
    lock = FileLock(run_config.runs_dir / "a" / ".lock")
    with lock, pytest.raises(ConfigError, match="being written"):
        run_audit(replace(run_config, run="a", fresh=True))
    assert read_manifest(run_config.runs_dir / "a")["status"] == "finished"
    assert not list(run_config.runs_dir.glob("*.old"))


def test_another_model_of_equal_weights_does_not_go_on(run_config, tmp_path, monkeypatch):
    (tmp_path / "negated.py").write_text(
        "from audit.models.reference import SmallResNet\n"
        "class Negated(SmallResNet):\n"
        "    def forward(self, x):\n"
        "        return -super().forward(x)\n"
        "def make():\n"
        "    return Negated(10)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    run_audit(replace(run_config, run="a"))
    bare = run_config.checkpoint.with_name("bare.safetensors")
    bare.write_bytes(run_config.checkpoint.read_bytes())
    other = {"model": "negated:make", "checkpoint": bare, "target_layer": "layer3"}
    with pytest.raises(ConfigError, match="its model"):
        run_audit(replace(run_config, run="a", **other))


def test_parts_of_another_number_or_length_are_not_taken(run_config):
    report = run_audit(replace(run_config, run="a"))
    whole, images = _images(report), report.parents[1] / "images"
    table = pq.read_table(parts.part_path(images, 1))
    pq.write_table(table.slice(0, 2), parts.part_path(images, 1))
    assert _images(run_audit(replace(run_config, run="a"))).equals(whole)
    parts.part_path(images, 9).write_bytes(parts.part_path(images, 0).read_bytes())
    with pytest.raises(DataError, match=r"part-00009\.parquet is no part of this run"):
        run_audit(replace(run_config, run="a"))


def test_a_seed_that_no_generator_takes_is_refused_at_once(run_config):
    with pytest.raises(ConfigError, match="--seed 4294967296"):
        run_audit(replace(run_config, seed=2**32))


def test_baselines_and_flags_with_masks(masked_config):
    """Masks over the left half: areas are .5, and every baseline lies where it must."""
    report = run_audit(masked_config)
    images = _images(report).to_pandas()
    assert (images["region_area_fraction"] == 0.5).all()
    np.testing.assert_allclose(images["center_baseline_mass"], 0.5, atol=1e-6)
    np.testing.assert_allclose(
        images["true_mass_lift"], images["true_relevance_mass_accuracy"] * 2, rtol=1e-5
    )
    # Every map is the partner's exactly once and all regions are equal, so the baselines are the
    # masses in another order; a zero map has none and gives none.
    masses, baselines = images["true_relevance_mass_accuracy"], images["permuted_baseline_mass"]
    assert masses.notna().sum() >= 20
    np.testing.assert_allclose(np.sort(baselines.dropna()), np.sort(masses.dropna()), atol=5e-3)
    cases = pd.read_parquet(report.parents[1] / "cases.parquet")
    assert not cases["no_region"].any()
    media = pq.ParquetDataset(report.parents[1] / "media").read().to_pandas()
    assert media["region"].notna().all()


_SCRIPT = """
import sys
from audit import engine
from pipelines.cli import main
kept = engine.write_table
def slow(*args):
    kept(*args)
    print("part", flush=True)
    sys.stdin.readline()
engine.write_table = slow
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_130_and_the_next_call_goes_on(run_config, number):
    command = [
        *(sys.executable, "-c", _SCRIPT, "run", "--dataset", "stl10", "--part-size", "10"),
        *("--data-root", str(run_config.data_root), "--checkpoint", str(run_config.checkpoint)),
        *("--runs-dir", str(run_config.runs_dir), "--batch-size", "4", "--regions", "none"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "part\n"
        os.kill(process.pid, number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.strip().endswith("the same command goes on where it was")
    assert "Traceback" not in error
    said = []
    report = run_audit(run_config, said.append)
    assert any("1 of 3 parts" in line for line in said)
    assert _images(report).num_rows == 24
