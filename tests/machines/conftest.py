"""A Ray cluster on this machine, whose machines are processes, and an audit to give to it."""

import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.auditing import run_audit
from audit.config import RunConfig
from audit.tables.parts import read_parts

HERE = Path(__file__).parent


def _config(runs):
    """The cued images in eight parts, each audited by whoever has nothing to do."""
    return RunConfig(
        dataset="elsewhere:Cued",
        model="elsewhere:CornerNet",
        target_layer="features",
        runs_dir=runs,
        device="cpu",
        batch_size=4,
        workers=0,
        part_size=4,
        max_cases=8,
        sanity=False,
    )


def _tables(report):
    """Every table of the run whose report is given, by name; footers apart."""
    run = report.parents[1]
    found = {
        name: [table for _, table in read_parts(run / name)]
        for name in ("images", "interventions", "media")
    }
    singles = {file.stem: [pq.read_table(file)] for file in run.glob("*.parquet")}
    return {name: pa.concat_tables(parts) for name, parts in (found | singles).items() if parts}


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(HERE)
    return _config(tmp_path / "runs")


@pytest.fixture
def tables():
    return _tables


@pytest.fixture(scope="package")
def alone(tmp_path_factory):
    """The tables of this process alone, by budget: None (the default) or 0."""
    runs = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(HERE)
        return {
            budget: _tables(run_audit(replace(_config(runs), run=f"of-{budget}", budget=budget)))
            for budget in (None, 0)
        }


@pytest.fixture(scope="module")
def gathering(tmp_path_factory):
    """The folder by which processes wait for each other, in the environment of all machines."""
    folder = tmp_path_factory.mktemp("gathering")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATHERING", str(folder))
        yield folder


@pytest.fixture(scope="module")
def cluster(gathering):
    """A cluster whose first machine only directs; tests add machines of one CPU."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    ray.init(address=started.address, log_to_driver=False, logging_level="ERROR")
    yield started
    ray.shutdown()
    started.shutdown()
