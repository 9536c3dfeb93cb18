"""A policy against evidence: each gate becomes a row, and the worst row is the outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from audit.errors import ConfigError, nearest
from audit.gates.evidence import Evidence, Group
from audit.gates.judge import Finding, judge
from audit.gates.policy import Gate, Policy
from audit.gates.verdict import Offender, Outcome, Row, Verdict
from audit.gates.words import GROUPS, label
from audit.report.banner import of
from audit.report.text import clean
from audit.tables.schema import arrow_schema

__all__ = ["evaluate"]

_CAP = " (on estimated regions: a warning at most)"
_ORDER = (Outcome.PASS, Outcome.WARN, Outcome.FAIL)
# Scope → the table whose columns are its metrics.
_TABLES = {"class": "classes", "slice": "slices"}


def evaluate(
    policy: Policy,
    evidence: Evidence,
    change: Evidence | None = None,
    *,
    run: str,
    baseline: str | None = None,
) -> Verdict:
    """Test every gate of ``policy`` on ``evidence``, or on ``change`` where it asks for that.

    ``run`` and ``baseline`` are the names to show. Raises ConfigError for a metric that there is
    not, naming the nearest, and for a gate on a change where there is none.
    """
    rows = tuple(_row(gate, _asked(gate, evidence, change)) for gate in policy.gates)
    outcome = max((row.outcome for row in rows), key=_ORDER.index)
    return Verdict(outcome, policy.name, run, baseline, rows)


def _asked(gate: Gate, evidence: Evidence, change: Evidence | None) -> Evidence:
    asked = change if gate.change else evidence
    if asked is None:
        raise ConfigError(
            f"gate {gate.name!r} tests a change: name the run to compare with by --baseline"
        )
    known: dict[str, Collection[str]] = {
        "overall": asked.overall,
        "class": asked.classes,
        "slice": asked.slices,
    }
    if gate.metric in known[gate.scope]:
        return asked
    others = [scope for scope, names in known.items() if gate.metric in names]
    why = (
        f"it is one of scope = {' and '.join(map(repr, others))}".replace("'", '"')
        if others
        else nearest(gate.metric, known[gate.scope])
    )
    is_not = _is_not(gate, asked.source)
    raise ConfigError(f"gate {gate.name!r}: metric {gate.metric!r} {is_not}: {why}")


def _is_not(gate: Gate, source: str) -> str:
    table = _TABLES.get(gate.scope)
    if table is None:
        return f"is no figure of {source}"
    if gate.metric in arrow_schema(table).names:
        return f"is a column of {table}.parquet, but holds no numbers to test"
    return f"is no column of {table}.parquet"


def _row(gate: Gate, evidence: Evidence) -> Row:
    capped = {gate.metric, gate.metric.split(".")[0]} & evidence.capped
    if capped and "fail" in (gate.severity, gate.missing):
        row = _tested(replace(gate, severity="warn", missing=None), evidence)
        return row if row.outcome is Outcome.PASS else replace(row, sentence=row.sentence + _CAP)
    return _tested(gate, evidence)


def _tested(gate: Gate, evidence: Evidence) -> Row:
    return _overall(gate, evidence) if gate.scope == "overall" else _by_group(gate, evidence)


def _overall(gate: Gate, evidence: Evidence) -> Row:
    why = evidence.reasons.get(gate.metric.split(".")[0], "")
    found = judge(gate, evidence.overall[gate.metric], gate.level, why)
    offenders = () if found.passed or found.value is None else _named(gate, evidence)
    sentence = f"{gate.metric} {found.said}"
    if offenders:
        sentence += f" ({_listed([one.label for one in offenders])})"
    missing = not found.passed and found.value is None
    return _made(gate, found, f"{sentence}.", offenders, missing=missing)


def _by_group(gate: Gate, evidence: Evidence) -> Row:
    """Every class or slice with enough images, at a level that holds for all of them together."""
    rows = evidence.classes[gate.metric] if gate.scope == "class" else _slices(gate, evidence)
    tested = [one for one in rows if one.n >= gate.min_n]
    few = [one for one in rows if one.n < gate.min_n]
    if not tested:
        return _nothing(gate, few, _no_slice(gate, evidence))
    level = 1 - (1 - gate.level) / len(tested)
    findings = [(one, judge(gate, one.measure, level, one.counted.why)) for one in tested]
    findings.sort(key=lambda pair: pair[1].margin)
    failed = [(one, found) for one, found in findings if not found.passed]
    offenders = tuple(
        Offender(one.index, one.label, f"{gate.metric} of {label(one.label)} {found.said}.")
        for one, found in failed
    )
    sentence = _of_groups(gate, findings, failed) + _left_out(gate, few)
    worst = findings[0][1]
    missing = all(found.value is None for _, found in failed) if failed else False
    row = _made(gate, worst, sentence, offenders, missing=missing)
    return replace(row, n_tested=len(tested), left_out=_labels(few))


def _slices(gate: Gate, evidence: Evidence) -> list[Group]:
    rows = evidence.slices[gate.metric]
    return [one for one in rows if gate.slice in ("", one.slice)]


def _no_slice(gate: Gate, evidence: Evidence) -> str:
    """Why there is no slice to test; "" where there is one, or classes are tested."""
    if gate.scope != "slice" or gate.slice in evidence.columns:
        return ""
    if not gate.slice:
        return "" if evidence.columns else "the dataset has no further column"
    if gate.slice in evidence.left_out:
        return f"its column {label(gate.slice)} was left out: {evidence.left_out[gate.slice]}"
    if not evidence.columns:
        return f"the dataset has no column {label(gate.slice)}, nor another further one"
    near = clean(nearest(gate.slice, evidence.columns), 200)
    return f"the dataset has no column {label(gate.slice)}; {near}"


def _of_groups(
    gate: Gate,
    findings: Sequence[tuple[Group, Finding]],
    failed: Sequence[tuple[Group, Finding]],
) -> str:
    worst, found = findings[0]
    first = f"{gate.metric} of {label(worst.label)} {found.said}"
    tested = of(len(findings), *GROUPS[gate.scope])
    if not failed:
        return f"None of {tested} fails; nearest to it, {first}."
    if len(failed) == 1:
        return f"{first}; 1 of {tested} fails."
    others = _listed(_labels([one for one, _ in failed[1:]]))
    return f"{first}; {len(failed):,} of {tested} fail, also {others}."


def _left_out(gate: Gate, few: Sequence[Group]) -> str:
    if not few:
        return ""
    counted = few[0].counted
    than = "without any" if gate.min_n == 1 else f"with fewer than {gate.min_n:,}"
    which = "" if counted.name == "n" else f" ({counted.name})"
    return f" Left out, {than} {counted.unit}{which}: {_listed(_labels(few))}."


def _nothing(gate: Gate, few: Sequence[Group], why: str) -> Row:
    """No group has enough to be tested: those that there are have too ``few``."""
    one, several = GROUPS[gate.scope]
    if few:
        wanted = "any" if gate.min_n == 1 else f"{gate.min_n:,}"
        lacks = f"no {one} has {wanted} {few[0].counted.unit} to test it on: {_most(few)}"
    else:
        lacks = f"there are no {several} to test" + (f" ({why})" if why else "")
    said = f"{gate.metric}: {lacks}; that is not passed."
    none = Finding(None, None, None, passed=False, margin=-float("inf"), said=said)
    return replace(_made(gate, none, said, (), missing=True), n_tested=0, left_out=_labels(few))


def _most(few: Sequence[Group]) -> str:
    """``n_scored (with a map and a region) is 0 in each, since no image has a map``."""
    counted, most = few[0].counted, max(one.n for one in few)
    name = f"{counted.name} ({counted.meaning})" if counted.meaning else counted.name
    if most:
        return f"{name} is {most:,} at most"
    return f"{name} is 0 in each" + (f", since {counted.why}" if counted.why else "")


def _made(
    gate: Gate, found: Finding, sentence: str, offenders: tuple[Offender, ...], *, missing: bool
) -> Row:
    """``missing``: what keeps the gate from passing is that figures do not exist."""
    severity = gate.missing or gate.severity if missing else gate.severity
    bad = Outcome.FAIL if severity == "fail" else Outcome.WARN
    return Row(
        name=gate.name,
        metric=gate.metric,
        scope=gate.scope,
        change=gate.change,
        severity=severity,
        side=gate.side,
        limit=gate.limit,
        outcome=Outcome.PASS if found.passed else bad,
        value=found.value,
        low=None if found.bounds is None else found.bounds.low,
        high=None if found.bounds is None else found.bounds.high,
        level=found.level,
        sentence=sentence,
        offenders=offenders,
    )


def _named(gate: Gate, evidence: Evidence) -> tuple[Offender, ...]:
    """The classes that a count counts."""
    return tuple(
        Offender(index, name, said) for index, name, said in evidence.named.get(gate.metric, ())
    )


def _labels(groups: Sequence[Group]) -> tuple[str, ...]:
    return tuple(one.label for one in groups)


def _listed(labels: Sequence[str], most: int = 5) -> str:
    more = f" and {len(labels) - most:,} more" if len(labels) > most else ""
    return ", ".join(label(name) for name in labels[:most]) + more
