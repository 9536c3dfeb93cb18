"""What docs/release-review.md shows is run here as it stands."""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from audit.config import RunConfig
from audit.gates.config import GateConfig
from audit.gates.policy import Gate, read_policy
from audit.gates.summary_evidence import evidence_of
from audit.models.reference import SmallResNet
from audit.models.sidecar import Sidecar, write_checkpoint
from pipelines.cli import main

PAGE = Path(__file__).parents[2] / "docs/release-review.md"


def _block(language):
    """The page's first block in that language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]


@pytest.fixture
def policy(write_policy):
    """The page's policy without the gates that need a baseline."""
    gates = _block("toml").split("\n[[gate]]\n")
    kept = [gate for gate in gates if "against" not in gate]
    return write_policy("\n[[gate]]\n".join(kept))


@pytest.fixture
def workflow():
    return yaml.safe_load(_block("yaml"))


def _steps(workflow):
    return {step.get("name"): step for step in workflow["jobs"]["review"]["steps"]}


def test_the_sample_policy_names_metrics_that_there_are(write_policy, summary, class_rows):
    policy = read_policy(write_policy(_block("toml")))
    assert len(policy.gates) == 7
    evidence = evidence_of(summary, class_rows)
    for gate in policy.gates:
        known = evidence.classes if gate.scope == "class" else evidence.overall
        assert gate.metric in known


def test_the_gate_on_slices_is_read_and_has_its_metric(write_policy, summary, slice_rows):
    block = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    (gate,) = read_policy(write_policy(block)).gates
    assert (gate.scope, gate.slice) == ("slice", "camera")
    assert gate.metric in evidence_of(summary, (), slice_rows).slices


def test_every_key_of_a_gate_is_explained():
    text = PAGE.read_text("utf-8")
    for key in {one.name for one in fields(Gate)} - {"side", "limit", "change", "title"}:
        assert f"| `{key}`" in text
    for key in ("`min`, `max`", "`against`", "`name`"):
        assert f"| {key}" in text


def test_the_workflow_is_one_and_its_flags_exist(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    flags = {
        name.replace("_", "-")
        for config in (RunConfig, GateConfig)
        for name in config.__dataclass_fields__
    }
    commands = [step["run"] for step in workflow["jobs"]["review"]["steps"] if "run" in step]
    asked = {flag for line in commands for flag in re.findall(r"--([a-z-]+)", line)}
    assert {"policy", "baseline", "junit", "markdown", "checkpoint"} <= asked <= flags
    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_the_audits_of_the_workflow_run_as_they_stand_and_know_the_objects(
    workflow, monkeypatch, tmp_path
):
    """Without regions the first gate of the page's policy has no value, and no model passes it."""
    monkeypatch.chdir(tmp_path)
    boxes = ["path,x0,y0,x1,y1"]
    for label, level in (("bright", 200), ("dark", 40)):
        for i in range(2):
            path = tmp_path / f"photos/val/{label}/{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 64), (level, level, 60 * i)).save(path)
            boxes.append(f"{label}/{i}.png,8,8,40,40")
    (tmp_path / "photos/boxes.csv").write_text("\n".join(boxes))
    (tmp_path / "models").mkdir()
    steps = _steps(workflow)
    for step, name in (("the candidate", "candidate"), ("the released model", "released")):
        torch.manual_seed(1)  # weights whose maps are not zero
        path = tmp_path / f"models/{name}.safetensors"
        write_checkpoint(path, SmallResNet(2).eval(), Sidecar("small_resnet", ("bright", "dark")))
        program, *arguments = shlex.split(steps[f"Audit {step}"]["run"].replace("\\\n", " "))
        assert program == "cam-audit"
        assert main(arguments) == 0
        summary = json.loads((tmp_path / f"runs/{name}/summary.json").read_text())
        assert summary["regions"]["sources"] == {"annotation": 4}
        assert summary["verdicts"]["has_regions"]


def test_the_gate_step_of_the_workflow_runs_as_it_stands(workflow, write_run, tmp_path):
    """216 of 240 right is .9, but not shown to be .9: the job stops, and its page says why."""
    write_run(tmp_path / "runs/candidate")
    write_run(tmp_path / "runs/released", fingerprint={"weights": "11"})
    (tmp_path / "gates.toml").write_text(_block("toml"), encoding="utf-8")
    steps = _steps(workflow)
    page = tmp_path / "step-summary.md"
    bin_first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": bin_first, "GITHUB_STEP_SUMMARY": str(page)}

    def run(name):
        return subprocess.run(
            ["bash", "-e", "-c", steps[name]["run"]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("Gate")
    assert done.returncode == 1, done.stderr
    assert done.stdout == "summary.md\n"
    assert "FAIL  accuracy.value ≥ 0.9: accuracy.value is 0.9 (216 of 240;" in done.stderr
    assert (tmp_path / "junit.xml").is_file()
    assert run("Show the result on the job's page").returncode == 0
    assert page.read_text().startswith("## Release gate: FAIL")


def test_the_python_of_the_page_runs(policy, write_run, monkeypatch, capsys, tmp_path):
    write_run(tmp_path / "runs/candidate")
    monkeypatch.chdir(tmp_path)
    exec(compile(_block("python"), str(PAGE), "exec"), {})  # noqa: S102 - the page's own example
    assert capsys.readouterr().out.startswith("fail\nfail no class decides by something beside")
