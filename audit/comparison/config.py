"""What ``compare`` is asked to do, beside its two runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CompareConfig"]


@dataclass(frozen=True)
class CompareConfig:
    """How two runs are compared.

    Attributes
    ----------
    policy
        TOML file of gates to check the candidate against, with the base as their baseline.
    compare_dir
        Folder of the comparisons; each is named by its two runs.
    force
        Compare although the runs differ in data, geometry or scores; the report says in what.
    max_cases
        How many images the report may show.
    seed
        Key of the resampling.
    """

    policy: Path | None = None
    compare_dir: Path = Path("compare")
    force: bool = False
    max_cases: int = 600
    seed: int = 0
