"""The whole way on a CUDA GPU; left out where there is none."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from audit.auditing import run_audit
from audit.engine import audit_part
from audit.plan import make_plan
from audit.room import with_room

pytestmark = pytest.mark.cuda


@pytest.fixture
def config(masked_config):
    """That audit with its sanity checks."""
    return replace(masked_config, sanity=True)


def _table(report, name):
    return pq.ParquetDataset(report.parents[1] / name).read().to_pandas()


def test_a_float32_run_has_the_tables_of_the_cpu(config):
    runs = {
        device: run_audit(replace(config, run=device, device=device, dtype="float32"))
        for device in ("cpu", "cuda")
    }
    cpu, cuda = (_table(report, "images") for report in runs.values())
    for column in ("sample_id", "pred_class", "correct", "true_cam_status", "true_region_basis"):
        assert cuda[column].equals(cpu[column]), column
    for column in cpu.columns[cpu.dtypes == np.float32]:
        np.testing.assert_allclose(cuda[column], cpu[column], atol=1e-3, err_msg=column)
    for theirs, ours in zip(cpu["true_cam"].dropna(), cuda["true_cam"].dropna(), strict=True):
        assert np.abs(theirs.astype(int) - ours.astype(int)).max() <= 1


def test_auto_is_bfloat16_where_the_card_has_it_and_says_what_that_changed(config):
    report = run_audit(replace(config, device="auto", dtype="auto"))
    assert "bfloat16; against float32, on 24 images" in report.read_text()


def test_a_batch_that_the_card_does_not_hold_is_halved(config, tmp_path):
    config = replace(config, device="cuda", dtype="float32", part_size=24, input_size=256)

    def write(plan):
        audit_part(plan, tmp_path / f"by-{plan.batch_size}", 0)

    peaks = []
    for size in (12, 24):
        plan = make_plan(replace(config, batch_size=size))
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        write(plan)
        peaks.append(torch.cuda.max_memory_reserved())
        shutil.rmtree(tmp_path / f"by-{size}")
    torch.cuda.empty_cache()
    said = []
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(sum(peaks) / 2 / whole)
    try:
        smaller, _ = with_room(plan, write, said.append)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert smaller.batch_size == 12
    assert "cuda is out of memory: going on with batches of 12" in said[0]
    assert (tmp_path / "by-12" / "part-00000.parquet").exists()
