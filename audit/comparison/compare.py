"""``cam-audit compare``: two run folders in, a folder with tables, summaries and a report out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from audit.comparison.config import CompareConfig
from audit.comparison.content import FORMAT, Comparison, compared
from audit.comparison.markdown import as_markdown, forced
from audit.comparison.page import Gates
from audit.comparison.render import write_report
from audit.comparison.schema import schema_of
from audit.comparison.sides import read_side
from audit.errors import ConfigError, DataError
from audit.gates.check import check
from audit.gates.config import GateConfig
from audit.gates.policy import read_policy
from audit.gates.words import lines
from audit.tables.parts import cannot_write, write_table

__all__ = ["FILE", "Compared", "compare_runs"]

FILE = "comparison.json"
# What a value of another type or shape raises wherever it is first used.
_MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Compared:
    """Where the report lies, and what the policy says: 1 where a gate failed, else 0."""

    report: Path
    exit_code: int


def compare_runs(
    base: Path,
    candidate: Path,
    config: CompareConfig,
    say: Callable[[str], object] = lambda _line: None,
) -> Compared:
    """Compare two finished runs, and check the candidate against the policy where there is one.

    Everything is written to ``config.compare_dir/<base>__<candidate>``, whole or not at all; an
    earlier comparison there is replaced. ``say`` is told the answer and what the runs differ in.
    Raises DataError, ConfigError or IncompleteError, each naming what to change.
    """
    if config.max_cases < 0:
        raise ConfigError(f"--max-cases {config.max_cases}: a whole number of at least 0 is needed")
    try:
        return _compared(base, candidate, config, say)
    except _MALFORMED as error:
        raise DataError(
            f"{base} or {candidate} holds tables that this program did not write so: {error!r}"
        ) from error


def _compared(
    base: Path, candidate: Path, config: CompareConfig, say: Callable[[str], object]
) -> Compared:
    first, second = read_side(base), read_side(candidate)
    target = config.compare_dir / f"{first.name}__{second.name}"
    _check_ours(target)
    found = compared(first, second, force=config.force, seed=config.seed, say=say)
    try:
        config.compare_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=config.compare_dir, prefix=".compare-") as scratch:
            fresh = Path(scratch) / "fresh"
            fresh.mkdir()
            gates = _gated(found, fresh, config, say)
            _write(found, fresh, config, gates)
            if target.exists():
                target.rename(Path(scratch) / "replaced")
            fresh.rename(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    say(found.answer.headline)
    return Compared(
        target / "report" / "index.html", 0 if gates is None else gates.verdict.exit_code
    )


def _gated(
    found: Comparison, folder: Path, config: CompareConfig, say: Callable[[str], object]
) -> Gates | None:
    """Check the candidate against the policy, with the base as the baseline if a gate asks."""
    if config.policy is None:
        return None
    policy = read_policy(config.policy)
    against = found.base.root if policy.needs_baseline else None
    asked = GateConfig(
        policy=config.policy,
        baseline=against,
        junit=folder / "junit.xml",
        markdown=folder / "gates.md",
    )
    verdict, page = check(found.candidate.root, asked)
    if found.summary["forced"]:
        with page.open("a", encoding="utf-8", errors="replace") as file:
            file.write("\n" + "\n".join(forced(found.summary)))
    for line in lines(verdict):
        say(line)
    return Gates(policy, verdict)


def _check_ours(target: Path) -> None:
    """Only a comparison of ours is replaced. Raises ConfigError for anything else."""
    if not target.exists():
        return
    try:
        content = json.loads((target / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{target} exists and is no comparison (no readable {FILE}): choose another "
            "--compare-dir"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ConfigError(f"{target} is no comparison of ours: choose another --compare-dir")


def _write(found: Comparison, folder: Path, config: CompareConfig, gates: Gates | None) -> None:
    content = found.summary | {"gates": None if gates is None else _told(gates)}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8", errors="replace")
    page = as_markdown(found, None if gates is None else gates.verdict)
    (folder / "summary.md").write_text(page, encoding="utf-8", errors="replace")
    _table(found.images, "images", folder)
    _table(found.class_table, "classes", folder)
    _table(found.slice_table, "slices", folder)
    write_report(found, folder / "report", config.max_cases, config.seed, gates)


def _told(gates: Gates) -> dict[str, Any]:
    """What the policy says, for ``comparison.json``."""
    rows = gates.verdict.rows
    return {
        "policy": gates.verdict.policy,
        "outcome": gates.verdict.outcome.value,
        "gates": [
            {"name": row.name, "outcome": row.outcome.value, "sentence": row.sentence}
            for row in rows
        ],
    }


def _table(frame: pd.DataFrame, name: str, folder: Path) -> None:
    table = pa.Table.from_pandas(frame, schema=schema_of(name), preserve_index=False)
    write_table(table, folder / f"{name}.parquet", {"format": FORMAT})
