import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from audit.config import RunConfig
from audit.errors import ConfigError
from audit.manifest import package_versions
from audit.plan import make_plan
from audit.tables.store import Store
from audit.worker import Done, Worker


@pytest.fixture
def run(tmp_path):
    """A run folder that the head has made."""
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def here(monkeypatch):
    """Restores the working folder and the modules' search path."""
    monkeypatch.chdir(Path.cwd())
    monkeypatch.setattr(sys, "path", list(sys.path))


def _rows(path):
    return pq.read_table(path)["index"].to_pylist()


def test_it_says_what_it_would_audit_and_with_what(run_config, run, tmp_path, here):
    ready = Worker(run_config, str(run), str(tmp_path)).prepare()
    assert ready.fingerprint == dict(make_plan(run_config).fingerprint)
    assert ready.versions == package_versions()


def test_it_writes_parts_to_the_runs_folder(run_config, run, tmp_path, here):
    worker = Worker(run_config, str(run), str(tmp_path))
    worker.prepare()
    assert worker.audit(2) == Done(4, ())  # 24 images in parts of ten
    assert _rows(run / "images" / "part-00002.parquet") == [20, 21, 22, 23]


def test_it_puts_parts_to_a_store_and_keeps_none(run_config, tmp_path, here):
    worker = Worker(run_config, "memory://worker/a", str(tmp_path))
    worker.prepare()
    worker.audit(0)
    store = Store("memory://worker/a")
    assert store.names() == ["images/part-00000.parquet"]
    assert store.get("images/part-00000.parquet", tmp_path / "part")
    assert _rows(tmp_path / "part") == list(range(10))
    assert [path for path in worker._folder.rglob("*") if path.is_file()] == []


def test_relative_paths_are_those_of_the_head(run_config, run, stl10_root, here):
    relative = replace(run_config, data_root=stl10_root.relative_to(stl10_root.parent))
    Worker(relative, str(run), str(stl10_root.parent)).prepare()
    assert Path.cwd() == stl10_root.parent


@pytest.mark.parametrize("lacking", ["home", "cwd"])
def test_a_machine_without_the_folder_says_which(run, tmp_path, lacking):
    folders = {"home": str(run), "cwd": str(tmp_path)} | {lacking: str(tmp_path / "no")}
    with pytest.raises(ConfigError, match=rf"it has no folder {tmp_path / 'no'}"):
        Worker(RunConfig(), **folders).prepare()


def test_a_plan_comes_before_work(run, tmp_path):
    with pytest.raises(RuntimeError, match="first"):
        Worker(RunConfig(), str(run), str(tmp_path)).audit(0)
