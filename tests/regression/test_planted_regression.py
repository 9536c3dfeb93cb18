"""A checkpoint that learned a shortcut, from the fit to the exit codes; and an equal one.

The released model never saw the patch; the candidate was fitted where every moon carries it, so
that it calls moon by the patch and loses the moons without one. The equal one is the released
model, its weights rounded to bfloat16.
"""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipelines.cli import main

POLICY = """
[[gate]]
name = "no class decides by something beside its object"
metric = "verdicts.counts.spurious"
max = 0

[[gate]]
name = "no class less accurate than in the released model"
metric = "accuracy"
scope = "class"
against = "baseline"
min = 0
prove = "broken"

[[gate]]
name = "no camera less accurate than in the released model"
metric = "accuracy"
scope = "slice"
slice = "camera"
against = "baseline"
min = 0
prove = "broken"
"""
FITS = {"released": "clean", "candidate": "strong"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three checkpoints, fitted and audited on the same held-out pictures."""
    root, threads = tmp_path_factory.mktemp("regression"), torch.get_num_threads()
    torch.set_num_threads(1)  # as fast for nets this small, and the same sums on every machine
    shutil.copy(Path(__file__).with_name("planted.py"), root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)  # where a dataset's function is looked for
        for name, dataset in FITS.items():
            fit = ("--dataset", f"planted:{dataset}", "--output", f"{name}.safetensors")
            recipe = ("--epochs", "10", "--batch-size", "32", "--workers", "0")
            assert main(["fit", *fit, *recipe]) == 0
        _rounded("released", "equal")
        for name in (*FITS, "equal"):
            weights = ("--checkpoint", f"{name}.safetensors", "--run", name)
            flags = ("--dataset", "planted:held_out", "--no-sanity", "--workers", "0")
            assert main(["run", *weights, *flags]) == 0
        Path("gates.toml").write_text(POLICY)
    torch.set_num_threads(threads)
    return root


def _rounded(name, other):
    """Keep the checkpoint ``name`` as ``other``, with eight bits for each weight's mantissa."""
    weights = load_file(f"{name}.safetensors")
    kept = {
        key: one.bfloat16().float() if one.is_floating_point() else one
        for key, one in weights.items()
    }
    save_file(kept, f"{other}.safetensors")
    shutil.copy(f"{name}.json", f"{other}.json")


@pytest.fixture
def ended(folder, monkeypatch, capsys):
    """Run a command in that folder: its exit code, and what it said."""
    monkeypatch.chdir(folder)

    def run(*argv):
        code = main([*argv])
        return code, capsys.readouterr().err

    return run


def test_the_candidate_fails_for_the_class_with_the_shortcut(ended, folder):
    code, said = ended("compare", "runs/released", "runs/candidate", "--policy", "gates.toml")
    assert code == 1
    assert "FAIL  no class decides by something beside its object" in said
    assert "verdicts.counts.spurious is 1: above the limit of 0 ('moon')." in said
    assert "FAIL  no class less accurate than in the released model: accuracy of 'moon'" in said
    found = json.loads((folder / "compare/released__candidate/comparison.json").read_text())
    kinds = {one["kind"] for one in found["answer"]["worse"]}
    gained = found["answer"]["better"] and "accuracy" not in kinds  # by chance: two fits differ
    assert found["answer"]["state"] == ("mixed" if gained else "worse")
    assert found["classes"]["newly_spurious"] == ["moon"]
    (verdict,) = [one for one in found["answer"]["worse"] if one["kind"] == "verdict"]
    assert verdict["sentence"].startswith("now found spurious: it decides by a patch")
    first = next(one for one in found["answer"]["worse"] if one["kind"] == "class_accuracy")
    assert first["subject"] == "moon"


def test_the_gate_alone_fails_it_too_and_names_the_class(ended, folder):
    flags = ("--policy", "gates.toml", "--baseline", "runs/released")
    code, said = ended("gate", "runs/candidate", *flags)
    assert code == 1
    assert "accuracy of 'moon' changed by −" in said
    page = (folder / "runs/candidate/summary.md").read_text()
    assert page.startswith("## Release gate: FAIL")
    assert "class 'moon': decides by a patch" in page.replace("\\", "")
    assert ended("gate", "runs/candidate")[0] == 1  # the shipped policy, without a baseline


def test_an_equal_checkpoint_passes(ended):
    flags = ("--policy", "gates.toml", "--baseline", "runs/released")
    code, said = ended("gate", "runs/equal", *flags)
    assert code == 0
    assert said.count("PASS  no ") == 3
    assert "runs/equal" not in said
    assert said.splitlines()[-1] == "equal against released, policy gates.toml: PASS"
    code, said = ended("compare", "runs/released", "runs/equal", "--policy", "gates.toml")
    assert code == 0
    assert "No difference was found that speaks against the candidate." in said
