"""A verdict as Markdown for a CI job's page: under 100 kB whatever the policy and the classes.

Names come from data sets: every character that could be markup is escaped, and nothing becomes a
link or a mention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from audit.gates.measures import Bounds
from audit.gates.verdict import Outcome, Row, Verdict
from audit.gates.words import GROUPS, between, number, percent, plain
from audit.report.banner import of

__all__ = ["LIMIT", "as_markdown", "inline"]

LIMIT = 100_000  # bytes
_REASONS, _TABLE = 50_000, 40_000  # of which the two lists may take so much
_HEAD = {
    Outcome.PASS: "PASS",
    Outcome.WARN: "WARN: nothing forbids it, something to look at",
    Outcome.FAIL: "FAIL",
}
_MARK = {Outcome.PASS: "✅ pass", Outcome.WARN: "⚠️ warn", Outcome.FAIL: "❌ fail"}
_MOST_OFFENDERS = 5
_GATES, _MORE = ("gate", "gates"), ("more gate", "more gates")
_LONG, _SHORT = 600, 80  # characters
_MARKUP = re.compile(r"[\\`*_\[\]#|<>~&$]")
_LINKED = re.compile(r"(?<=[@#])|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_ORDER = (Outcome.FAIL, Outcome.WARN, Outcome.PASS)


def as_markdown(verdict: Verdict) -> str:
    """The page: outcome, what keeps the run from passing, and the table of gates."""
    rows = sorted(verdict.rows, key=lambda row: _ORDER.index(row.outcome))
    bad = [row for row in rows if row.outcome is not Outcome.PASS]
    against = f", against {inline(verdict.baseline)}" if verdict.baseline else ""
    lines = [
        f"## Release gate: {_HEAD[verdict.outcome]}",
        "",
        f"Run {inline(verdict.run)}, policy {inline(verdict.policy)}{against}: {_counts(verdict)}.",
        "",
        *_reasons(bad),
        *_table(rows),
    ]
    return "\n".join(lines) + "\n"


def _counts(verdict: Verdict) -> str:
    found = [(len(verdict.with_outcome(outcome)), outcome) for outcome in _ORDER]
    words = {Outcome.FAIL: "failed", Outcome.WARN: "warned", Outcome.PASS: "passed"}
    told = ", ".join(f"{n} {words[outcome]}" for n, outcome in found if n)
    return f"of {of(len(verdict.rows), *_GATES)} {told}"


def _reasons(bad: Sequence[Row]) -> list[str]:
    items = ["\n".join(_reason(row)) for row in bad]
    shown = _within(items, _REASONS)
    more = [f"- and {of(len(items) - len(shown), *_MORE)}"] if len(shown) < len(items) else []
    return [*shown, *more, ""] if shown else []


def _reason(row: Row) -> list[str]:
    """A gate's item, and below it its worst classes where the sentence does not say all."""
    lines = [f"- **{row.outcome.upper()}** {inline(row.name)}: {inline(row.sentence, _LONG)}"]
    if len(row.offenders) == 1 and row.scope != "overall":
        return lines
    shown = row.offenders[:_MOST_OFFENDERS]
    lines += [f"  - {inline(one.said or one.label, _LONG)}" for one in shown]
    if len(row.offenders) > _MOST_OFFENDERS:
        more = [f"more {group}" for group in GROUPS[row.scope]]
        lines.append(f"  - and {of(len(row.offenders) - _MOST_OFFENDERS, *more)}")
    return lines


def _table(rows: Sequence[Row]) -> list[str]:
    shown = _within([_line(row) for row in rows], _TABLE)
    left = len(rows) - len(shown)
    are = "is" if left == 1 else "are"
    cut = ["", f"{of(left, *_MORE)} {are} not listed; the worst come first."] if left else []
    return [
        "| gate | outcome | value | interval | limit | severity |",
        "|---|---|---|---|---|---|",
        *shown,
        *cut,
    ]


def _within(lines: Iterable[str], budget: int) -> list[str]:
    """The first ``lines`` that take no more than ``budget`` bytes."""
    kept = []
    for line in lines:
        budget -= len(line.encode()) + 1
        if budget < 0:
            break
        kept.append(line)
    return kept


def _line(row: Row) -> str:
    value = "none" if row.value is None else number(row.value, signed=row.change)
    if row.scope != "overall" and row.value is not None:
        value += f" (worst of {row.n_tested:,})"
    interval = "–"
    if row.low is not None and row.high is not None and row.level is not None:
        bounds = Bounds(row.low, row.high)
        interval = f"{between(bounds, signed=row.change)} ({percent(row.level)})"
    limit = f"{'≥' if row.side == 'min' else '≤'} {number(row.limit)}"
    name = inline(row.name)
    cells = (name, _MARK[row.outcome], value, interval, limit, row.severity)
    return f"| {' | '.join(cells)} |"


def inline(text: str, limit: int = _SHORT) -> str:
    """An untrusted ``text`` as one line that reads as it stands: no markup, link or mention."""
    escaped = _MARKUP.sub(r"\\\g<0>", plain(text, limit).strip())
    return _LINKED.sub("\N{ZERO WIDTH SPACE}", escaped).replace("\\<", "&lt;")
