from pathlib import Path

import pytest

from audit.gates.config import GateConfig
from audit.gates.verdict import Outcome, Row, Verdict
from pipelines import cli

ROW = Row(
    name="x ≤ 0",
    metric="x",
    scope="overall",
    change=False,
    severity="fail",
    side="max",
    limit=0.0,
    outcome=Outcome.PASS,
    value=0.0,
    low=None,
    high=None,
    level=None,
    sentence="x is 0: at most 0.",
)


@pytest.fixture
def checked(monkeypatch):
    """What ``gate`` was called with; the outcome is what the test sets."""
    seen = []

    def check(run, config):
        seen.append((run, config))
        return Verdict(seen[0], "p", "r", None, (ROW,)), Path("r/summary.md")

    monkeypatch.setattr("audit.gates.check.check", check)
    return seen


@pytest.mark.parametrize(("outcome", "code"), [("pass", 0), ("warn", 0), ("fail", 1)])
def test_only_a_failed_gate_changes_the_exit_code(checked, capsys, outcome, code):
    checked.append(Outcome(outcome))
    assert cli.main(["gate", "runs/x"]) == code
    out, error = capsys.readouterr()
    assert out == "r/summary.md\n"
    assert error.splitlines() == [
        "PASS  x ≤ 0: x is 0: at most 0.",
        f"r, policy p: {outcome.upper()}",
    ]
    assert checked[1:] == [(Path("runs/x"), GateConfig())]


def test_flags_and_environment_reach_the_command(checked, monkeypatch):
    checked.append(Outcome.PASS)
    monkeypatch.setenv("CAM_AUDIT_POLICY", "p.toml")
    assert (
        cli.main(["gate", "runs/x", "--baseline", "runs/y", "--junit", "j", "--markdown", "m"]) == 0
    )
    wanted = GateConfig(Path("p.toml"), Path("runs/y"), Path("j"), Path("m"))
    assert checked[1:] == [(Path("runs/x"), wanted)]


def test_a_run_must_be_named(checked, capfd):
    assert cli.main(["gate"]) == 2
    assert "RUN" in "".join(capfd.readouterr())
    assert checked == []
