"""The checks as one stage of a run."""

import json
from dataclasses import replace

import pytest

from audit.auditing import run_audit
from audit.manifest import read_manifest


def _sanity(report):
    return json.loads((report.parents[1] / "summary.json").read_text())["sanity"]


def test_two_runs_of_one_plan_find_the_same_and_report_it(run_config):
    said = []
    asked = replace(run_config, sanity=True)
    first = run_audit(replace(asked, run="a"), said.append)
    second = run_audit(replace(asked, run="b"))
    found = _sanity(first)
    assert found == _sanity(second)
    assert found["n"] == 24
    assert set(found["randomisation"][0]) == {
        *("stage", "modules", "without_map", "spearman", "ssim"),
    }
    assert set(found["deletion"]) == {"auc", "random_auc", "difference"}
    assert set(found["deletion"]["difference"]) == {"value", "low", "high", "n"}
    assert any("--no-sanity" in line for line in said)
    assert read_manifest(first.parents[1])["timings"]["sanity"] > 0
    page = first.read_text()
    assert "when the head (fc) was randomised" in page
    assert "the prediction keeps" in page


def test_a_run_may_leave_them_out(run_config):
    report = run_audit(run_config)
    assert _sanity(report) is None
    assert "These maps were not checked" in report.read_text()


def test_a_run_is_whole_though_its_check_breaks(run_config, monkeypatch):
    def broken(*_args):
        raise RuntimeError("no deepcopy\nof this")

    monkeypatch.setattr("audit.sanity.check.cascade", broken)
    said = []
    report = run_audit(replace(run_config, sanity=True), said.append)
    assert _sanity(report)["unavailable"] == "RuntimeError: no deepcopy"
    assert any("not available: RuntimeError: no deepcopy" in line for line in said)
    assert "Not available: RuntimeError: no deepcopy." in report.read_text()
    assert read_manifest(report.parents[1])["status"] == "finished"


def test_a_check_that_is_interrupted_leaves_a_run_to_take_up(run_config, monkeypatch):
    def interrupted(*_args):
        raise KeyboardInterrupt

    asked = replace(run_config, sanity=True)
    with monkeypatch.context() as patched:
        patched.setattr("audit.sanity.check.maps_of", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_audit(asked)
    (folder,) = [path for path in run_config.runs_dir.iterdir() if path.is_dir()]
    assert read_manifest(folder)["status"] == "audited"
    assert json.loads((folder / "summary.json").read_text())["sanity"] is None
    report = run_audit(asked)
    assert report.parents[1] == folder
    assert _sanity(report)["n"] == 24
