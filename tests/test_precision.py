import json
from dataclasses import replace

import pytest
import torch

from audit.auditing import run_audit
from audit.plan import make_plan
from audit.precision import effect


def test_float32_has_nothing_to_compare(run_config):
    assert effect(make_plan(run_config)) is None


def test_bfloat16_moves_probabilities_a_little_and_says_how_much(run_config):
    found = effect(make_plan(replace(run_config, dtype="bfloat16")))
    assert (found.dtype, found.n) == ("bfloat16", 24)
    # eight bits of mantissa: relative steps of 2⁻⁸, over a dozen layers
    assert 0 < found.probability_largest < 0.05
    assert found.mass_n == 0  # no regions
    assert found.mass_median is None


def test_a_run_records_it_and_is_another_plan(run_config):
    folder = run_audit(replace(run_config, dtype="bfloat16", limit=8)).parents[1]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["dtype"] == "bfloat16"
    precision = json.loads((folder / "summary.json").read_text())["precision"]
    assert precision["n"] == 8
    assert "bfloat16; against float32, on 8 images" in (folder / "report/index.html").read_text()
    plans = [make_plan(replace(run_config, dtype=name)) for name in ("float32", "bfloat16")]
    assert plans[0].fingerprint["dtype"] == "float32"
    assert plans[0].fingerprint_id != plans[1].fingerprint_id


@pytest.mark.cuda
def test_the_gpu_agrees_with_the_cpu(run_config):
    from audit.data.loader import batches
    from audit.engine import views_of
    from audit.findings import examine, unpack

    found = {}
    for device in ("cpu", "cuda"):
        plan = make_plan(replace(run_config, device=device, dtype="float32"))
        batch = next(batches(views_of(plan), plan.indices, 24, 0))
        args = batch, plan.classifier, plan.task, "grad-cam", plan.device
        packed = examine(*args, dtype=torch.float32)
        found[device] = unpack(packed.matrix.cpu().numpy(), packed.layout)
    for name, values in found["cpu"].items():
        assert found["cuda"][name] == pytest.approx(values, abs=1e-3, nan_ok=True), name
