"""A Ray cluster on this machine, whose machines are processes, and an audit to give to it."""

import os
from pathlib import Path

import pyarrow as pa
import pytest

from audit.config import RunConfig
from audit.tables.parts import read_parts

HERE = Path(__file__).parent


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The cued images in eight parts, each audited by whoever has nothing to do."""
    monkeypatch.chdir(HERE)
    return RunConfig(
        dataset="elsewhere:Cued",
        model="elsewhere:CornerNet",
        target_layer="features",
        runs_dir=tmp_path / "runs",
        device="cpu",
        batch_size=4,
        workers=0,
        part_size=4,
        max_cases=8,
        sanity=False,
    )


@pytest.fixture
def tables():
    """Every table of the run whose report is given, by name; footers apart."""

    def read(report):
        run = report.parents[1]
        found = {
            name: pa.concat_tables(table for _, table in read_parts(run / name))
            for name in ("images", "interventions", "media")
        }
        singles = [file for file in run.glob("*.parquet") if file.stem != "cues"]
        return found | {file.stem: pa.parquet.read_table(file) for file in singles}

    return read


@pytest.fixture(scope="module")
def cluster():
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
