"""The comparison as Markdown, fit for a job summary or a pull request: short, and bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.comparison.answer import Reason
from audit.comparison.content import Comparison
from audit.comparison.examined import examined
from audit.comparison.words import (
    CHANGES,
    bare_p,
    points,
    points_interval,
    ratio,
    ratio_interval,
)
from audit.gates.markdown import inline
from audit.gates.verdict import Outcome, Verdict
from audit.report.tables import Row
from audit.report.text import count, percent
from audit.tables.verdict_columns import UNTESTED

__all__ = ["as_markdown", "forced"]

_MOST = 20  # reasons and classes: a summary that nobody scrolls
_BUCKETS = {
    "regressed": "regressed",
    "fixed": "fixed",
    "attention_moved": "attention moved",
    "still_wrong": "changed but still wrong",
    "unchanged": "unchanged",
    "not_judged": "not judged",
    "only_in_base": "only in the base",
    "only_in_candidate": "only in the candidate",
}


def as_markdown(found: Comparison, gates: Verdict | None = None) -> str:
    """Headline, what the policy says, what got worse and better, figures, buckets, verdicts, and
    the classes that changed most.
    """
    summary = found.summary
    base, candidate = inline(found.base.name), inline(found.candidate.name)
    lines = [f"## {base} → {candidate}: {found.answer.headline}", ""]
    lines += forced(summary) + (_gates(gates) if gates else [])
    lines += _reasons("Worse", found.answer.worse) + _reasons("Better", found.answer.better)
    lines += _figures(summary)
    if not found.answer.worse:
        lines += [examined(found).sentence, ""]
    lines += _buckets(summary["counts"])
    lines += _verdicts(found)
    lines += _classes(found.classes)
    return "\n".join(lines)


def forced(summary: dict[str, Any]) -> list[str]:
    """What two runs differ in that were compared all the same; nothing where they do not."""
    if not summary["forced"]:
        return []
    named = "; ".join(
        f"{one['what']}: {inline(one['base'])} against {inline(one['candidate'])}"
        for one in summary["differences"]
    )
    return [f"**Forced although the runs differ in more than their models** ({named}).", ""]


def _gates(verdict: Verdict) -> list[str]:
    bad = [row for row in verdict.rows if row.outcome is not Outcome.PASS]
    told = [
        f"- {row.outcome.upper()} {inline(row.name)}: {inline(row.sentence, 900)}" for row in bad
    ]
    return _list(f"Policy {inline(verdict.policy)}: {verdict.outcome.upper()}", told)


def _reasons(title: str, reasons: Sequence[Reason]) -> list[str]:
    if not reasons:
        return []
    told = [f"- **{inline(one.subject)}**: {inline(one.sentence, 900)}" for one in reasons]
    return _list(title, told)


def _list(title: str, items: Sequence[str]) -> list[str]:
    left = len(items) - _MOST
    more = [f"- and {count(left)} more"] if left > 0 else []
    return [f"**{title}**", "", *items[:_MOST], *more, ""]


def _figures(summary: dict[str, Any]) -> list[str]:
    lines = ["| | base | candidate | difference | 95% interval | p | n |", "|---|" + "--:|" * 6]
    accuracy = summary["accuracy"]
    if accuracy:
        lines.append(
            f"| accuracy | {percent(accuracy['base']['value'])} "
            f"| {percent(accuracy['candidate']['value'])} | {points(accuracy['delta'])} points "
            f"| {points_interval(accuracy['low'], accuracy['high'])} "
            f"| {bare_p(accuracy['mcnemar_exact_p'])} | {count(accuracy['n'])} |"
        )
    scores = summary["attention"]["true"]
    mass, lift = scores["relevance_mass_accuracy"], scores["mass_lift"]
    if mass:
        lines.append(
            f"| heat on the object | {percent(mass['base'])} | {percent(mass['candidate'])} "
            f"| {points(mass['delta'])} points | {points_interval(mass['low'], mass['high'])} "
            f"| {bare_p(mass['p'])} | {count(mass['n'])} |"
        )
    if lift:
        lines.append(
            f"| lift | {lift['base']:.2f} | {lift['candidate']:.2f} | {ratio(lift['delta'])} "
            f"| {ratio_interval(lift['low'], lift['high'])} | {bare_p(lift['p'])} "
            f"| {count(lift['n'])} |"
        )
    return [*lines, ""]


def _buckets(counts: dict[str, Any]) -> list[str]:
    told = [
        f"{count(counts['buckets'][name])} {words}"
        for name, words in _BUCKETS.items()
        if counts["buckets"][name] or name in ("regressed", "fixed")
    ]
    return [f"{count(counts['images'])} images: " + ", ".join(told) + ".", ""]


def _verdicts(found: Comparison) -> list[str]:
    """Which classes either run found spurious, and which are no longer judged."""
    changed = {
        words: [row["label"] for row in found.classes if row["verdict_change"] == change]
        for change, words in CHANGES.items()
    }
    lines = [f"- {words}: {_listed(labels)}" for words, labels in changed.items() if labels]
    lost = [
        row["label"]
        for row in found.classes
        if row["base_verdict"] == "clean" and row["candidate_verdict"] in (*UNTESTED, None)
    ]
    if lost:
        lines.append(f"- Clean in the base, not judged in the candidate: {_listed(lost)}")
    return [*lines, ""] if lines else []


def _listed(labels: Sequence[str]) -> str:
    more = f" and {count(len(labels) - _MOST)} more" if len(labels) > _MOST else ""
    return ", ".join(inline(one) for one in labels[:_MOST]) + more


def _classes(classes: Sequence[Row]) -> list[str]:
    """The classes with the largest changes of accuracy."""
    changed = [row for row in classes if row["negative_flips"] or row["positive_flips"]]
    if not changed:
        return []
    changed.sort(key=lambda row: (row["delta_accuracy"], -row["negative_flips"]))
    lines = ["| class | n | base | candidate | lost | won | Holm’s p |", "|---|" + "--:|" * 6]
    lines += [
        f"| {inline(row['label'])} | {count(row['n'])} | {percent(row['base_accuracy'])} "
        f"| {percent(row['candidate_accuracy'])} | {count(row['negative_flips'])} "
        f"| {count(row['positive_flips'])} | {bare_p(row['mcnemar_holm_p'])} |"
        for row in changed[:_MOST]
    ]
    if len(changed) > _MOST:
        lines.append(f"\nShowing {_MOST} of {count(len(changed))} classes with a changed answer.")
    return [*lines, ""]
