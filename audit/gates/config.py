"""What ``gate`` is asked to do, beside its run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["GateConfig"]


@dataclass(frozen=True)
class GateConfig:
    """Which policy a run is checked against, and where the results go.

    Attributes
    ----------
    policy
        TOML file of gates. Default: the policy that comes with this program.
    baseline
        Run folder of an earlier checkpoint on the same dataset, for the gates against a baseline.
    junit
        Where to write the JUnit XML, one test case a gate. Default: junit.xml in the run folder.
    markdown
        Where to write the summary for a CI job's page. Default: summary.md in the run folder.
    """

    policy: Path | None = None
    baseline: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None
