"""One call from a run folder and a policy to the verdict and its two files."""

from __future__ import annotations

import errno
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from audit.errors import ConfigError, DataError, IncompleteError
from audit.gates.config import GateConfig
from audit.gates.evaluate import evaluate
from audit.gates.evidence import Evidence, Group, changes
from audit.gates.junit import as_junit
from audit.gates.markdown import as_markdown
from audit.gates.measures import Pairs
from audit.gates.policy import Policy, default_policy, read_policy
from audit.gates.runs import Run, alike, pairs_of, read_run, same_data
from audit.gates.summary_evidence import ACCURACY, GROUP_ACCURACY, evidence_of
from audit.gates.verdict import Verdict
from audit.tables.parts import write_bytes

__all__ = ["check", "verdict_of"]

# What a value of another type or shape raises wherever it is first used.
_MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def check(run: Path, config: GateConfig) -> tuple[Verdict, Path]:
    """Check ``run`` as ``config`` says; returns the verdict and the path of its Markdown.

    Raises ConfigError where policy or baseline cannot be used, DataError where a run folder is
    damaged; nothing is written then.
    """
    verdict, root = _checked(run, config)
    junit = config.junit or root / "junit.xml"
    markdown = config.markdown or root / "summary.md"
    if junit.resolve() == markdown.resolve():
        raise ConfigError(f"--junit {junit} and --markdown {markdown} are one file: name two")
    for flag, path in (("junit", junit), ("markdown", markdown)):
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise ConfigError(f"--{flag} {path} is a folder, a link or a device: name a plain file")
    _write("junit", junit, as_junit(verdict, datetime.now(UTC)))
    _write("markdown", markdown, as_markdown(verdict).encode())
    return verdict, markdown


def verdict_of(run: Run, policy: Policy, baseline: Run | None = None) -> Verdict:
    """The verdict of ``policy`` on ``run``, with the change against ``baseline`` where it asks."""
    evidence = evidence_of(run.summary, run.classes, run.slices, run.questions)
    change = None
    if baseline is not None and policy.needs_baseline:
        asked = [gate for gate in policy.gates if gate.change]
        slices = any(gate.scope == "slice" for gate in asked)
        same_data(run, baseline, (gate.metric for gate in asked), slices=slices)
        change = _change(run, baseline, evidence, slices=slices)
    name = None if change is None or baseline is None else baseline.name
    return evaluate(policy, evidence, change, run=run.name, baseline=name)


def _write(flag: str, path: Path, content: bytes) -> None:
    try:
        write_bytes(content, path)
    except IncompleteError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            raise
        why = cause.strerror if isinstance(cause, OSError) else str(error)
        raise ConfigError(f"{path} cannot be written ({why}): name another by --{flag}") from error


def _checked(run: Path, config: GateConfig) -> tuple[Verdict, Path]:
    policy = _policy(config)
    try:
        found = read_run(run)
        baseline = None if config.baseline is None else read_run(config.baseline)
        if baseline is not None and baseline.root == found.root:
            raise ConfigError(
                f"--baseline {config.baseline} is the run {run} itself, whose change is 0 in every "
                "figure: name the folder of another run"
            )
        return verdict_of(found, policy, baseline), found.root
    except _MALFORMED as error:
        raise DataError(
            f"{run} holds tables that this program did not write so: {error!r}"
        ) from error


def _policy(config: GateConfig) -> Policy:
    if config.policy is None:
        return default_policy(with_baseline=config.baseline is not None)
    policy = read_policy(config.policy)
    if policy.needs_baseline and config.baseline is None:
        raise ConfigError(
            f'--policy {config.policy} has gates against = "baseline": name that run by --baseline'
        )
    if config.baseline is not None and not policy.needs_baseline:
        raise ConfigError(
            f"--baseline {config.baseline}: no gate of --policy {config.policy} is against = "
            '"baseline", so that it would change nothing'
        )
    return policy


def _change(run: Run, baseline: Run, evidence: Evidence, *, slices: bool) -> Evidence:
    """Every figure's change; accuracy's from the images themselves, one with one."""
    before = evidence_of(baseline.summary, baseline.classes, baseline.slices, baseline.questions)
    found = changes(evidence, before, same=alike(run, baseline))
    pairs = pairs_of(run, baseline, slices=slices)
    name = GROUP_ACCURACY
    return replace(
        found,
        overall={**found.overall, ACCURACY: pairs.overall},
        classes={**found.classes, name: _paired(evidence.classes[name], pairs.classes)},
        slices={**found.slices, name: _paired(evidence.slices[name], pairs.slices)},
    )


def _paired(groups: tuple[Group, ...], pairs: dict[int, Pairs]) -> tuple[Group, ...]:
    found = [(one, pairs.get(one.index, Pairs(0, 0, 0))) for one in groups]
    return tuple(replace(one, n=paired.n, measure=paired) for one, paired in found)
