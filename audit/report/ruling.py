"""What a release policy says of the run: pass, warn or fail, why, and gate by gate."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.gates.evaluate import evaluate
from audit.gates.evidence import Evidence
from audit.gates.policy import Policy, default_policy, read_policy
from audit.gates.verdict import Offender, Outcome, Verdict
from audit.gates.verdict import Row as GateRow
from audit.gates.words import GROUPS, number, percent
from audit.report.banner import names, of
from audit.report.text import clean, count

__all__ = ["judged", "policy_of", "ruling"]

_MAX_ROWS, _MAX_OFFENDERS = 40, 5
# First word of a metric → where the page has more on it.
_PLACES = {
    "accuracy": "confusions",
    "attention": "overview",
    "counts": "data",
    "distributions": "distributions",
    "galleries": "cases",
    "precision": "method",
    "problems": "data",
    "sanity": "method",
    "two_by_two": "overview",
    "verdicts": "classes",
}
_ORDER = (Outcome.FAIL, Outcome.WARN, Outcome.PASS)
_HEADLINES = {
    Outcome.FAIL: "Not to be released as it is, by this policy.",
    Outcome.WARN: "Nothing forbids a release by this policy; read the warnings first.",
    Outcome.PASS: "Nothing in this policy speaks against a release.",
}


def policy_of(path: Path | None) -> Policy:
    """The policy in ``path``, or the one that comes with the program. Raises ConfigError."""
    return default_policy(with_baseline=False) if path is None else read_policy(path)


def judged(policy: Policy, evidence: Evidence, name: str) -> Verdict | None:
    """``policy`` on the run ``name``; gates on a change are left out, None where there is no other.

    Raises ConfigError for a metric that there is not.
    """
    gates = tuple(gate for gate in policy.gates if not gate.change)
    if not gates:
        return None
    return evaluate(Policy(policy.name, gates), evidence, run=name)


def ruling(
    policy: Policy,
    verdict: Verdict | None,
    places: Mapping[str, Mapping[int, str]],
    sections: Collection[str],
) -> dict[str, Any]:
    """The outcome and its table as plain strings.

    ``places`` is where the page has more on an offender: of scope "class" by true_class, of
    "slice" by its row; ``sections`` are the ids of the page's sections that gates may point to.
    """
    untested = len(policy.gates) - (0 if verdict is None else len(verdict.rows))
    shipped = policy.name == "default"
    told = {
        "policy": "the policy that comes with this program" if shipped else clean(policy.name, 60),
        "changes": of(untested, "gate", "gates") if untested else "",
    }
    if verdict is None:
        blank = {
            "outcome": "none",
            "word": "",
            "headline": "",
            "reasons": "",
            "rows": [],
            "left": "",
        }
        return told | blank
    rows = [row for outcome in _ORDER for row in verdict.with_outcome(outcome)]
    return told | {
        "outcome": verdict.outcome.value,
        "word": verdict.outcome.upper(),
        "headline": _HEADLINES[verdict.outcome],
        "reasons": _reasons(verdict),
        "rows": [_row(row, places, sections, shipped=shipped) for row in rows[:_MAX_ROWS]],
        "left": of(len(rows) - _MAX_ROWS, "gate", "gates") if len(rows) > _MAX_ROWS else "",
    }


def _reasons(verdict: Verdict) -> str:
    said = [
        f"{count(len(rows))} {word}"
        for outcome, word in zip(_ORDER, ("failed", "warned", "passed"), strict=True)
        if (rows := verdict.with_outcome(outcome))
    ]
    untested = sum(row.outcome is not Outcome.PASS and row.value is None for row in verdict.rows)
    missing = f" {count(untested)} could not be tested." if untested else ""
    return f"Of {of(len(verdict.rows), 'gate', 'gates')}, {', '.join(said)}.{missing}"


def _row(
    row: GateRow,
    places: Mapping[str, Mapping[int, str]],
    sections: Collection[str],
    *,
    shipped: bool,
) -> dict[str, Any]:
    there = places.get(GROUPS[row.scope][0], {})
    passed = row.outcome is Outcome.PASS
    section = _section(row, sections)
    return {
        "outcome": row.outcome.value,
        "name": clean(row.name, 200),
        "metric": "" if shipped else _metric(row),
        "value": "" if row.value is None else number(row.value),
        "interval": _interval(row),
        "limit": f"{'≥' if row.side == 'min' else '≤'} {number(row.limit)}",
        "missing": "" if passed or row.value is not None else _missing(row),
        "offenders": [_offender(one, there) for one in row.offenders[:_MAX_OFFENDERS]],
        "more": "" if len(row.offenders) <= _MAX_OFFENDERS else _more(row.offenders),
        "section": "" if passed else section,
        "left_out": _left_out(row),
    }


def _metric(row: GateRow) -> str:
    return clean(row.metric, 80) + (", change against the base" if row.change else "")


def _section(row: GateRow, sections: Collection[str]) -> str:
    """Where the page has more on a gate's figure; "" where it has no such place."""
    if row.scope != "overall":
        place = GROUPS[row.scope][1]
        return place if place in sections else ""
    first, _, rest = row.metric.partition(".")
    if first == "flags":
        return f"case-table?flag={rest}"
    place = _PLACES.get(first, "")
    return place if place in sections else ""


def _missing(row: GateRow) -> str:
    return clean(row.sentence.removeprefix(f"{row.metric} ").removeprefix(": "), 300)


def _interval(row: GateRow) -> dict[str, str] | None:
    if row.low is None or row.high is None or row.level is None:
        return None
    level = "" if row.level == 0.95 else f" ({percent(row.level)})"  # noqa: PLR2004 - the usual one
    return {"span": f"{number(row.low)} to {number(row.high)}", "level": level}


def _offender(one: Offender, places: Mapping[int, str]) -> dict[str, str]:
    return {"name": clean(one.label, 60), "place": places.get(one.index, "")}


def _more(offenders: Sequence[Offender]) -> str:
    return f"and {count(len(offenders) - _MAX_OFFENDERS)} more"


def _left_out(row: GateRow) -> str:
    if not row.left_out:
        return ""
    few = of(len(row.left_out), *GROUPS[row.scope])
    return f"{few} with too few images left out: {names(row.left_out, 3)}."
