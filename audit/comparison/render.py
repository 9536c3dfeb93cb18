"""Writes a comparison's report: one page, its pictures, and the data its script draws from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audit.comparison.cards import IMAGE_FOLDER, Card, card
from audit.comparison.cases import SHELVES, Case, cases_of
from audit.comparison.content import Comparison
from audit.comparison.narrowing import narrowing
from audit.comparison.page import FIRST, Gates, page
from audit.report.html import environment, script, template
from audit.report.text import NOT_AVAILABLE

__all__ = ["write_report"]

_STATIC = ("styles.css", "compare.css", "view.js", "compare.js", "icon.svg")


def write_report(
    found: Comparison, target: Path, max_cases: int, seed: int, gates: Gates | None = None
) -> None:
    """Write the report of ``found`` into the new folder ``target``, with at most ``max_cases``.

    ``gates``: what a policy says of the candidate, to be told first.
    Raises DataError where a picture that a run keeps cannot be decoded.
    """
    cases = cases_of(found, max_cases, seed)
    cards = [card(case, number) for number, case in enumerate(cases)]
    (target / IMAGE_FOLDER).mkdir(parents=True)
    for case, shown in zip(cases, cards, strict=True):
        _write_pictures(case, shown, target)
    for name in _STATIC:
        (target / "assets" / name).write_text(template(name), encoding="utf-8")
    narrowed = narrowing(found, cases)
    content = page(found, cards, narrowed["slices"], gates)
    html = environment().get_template("compare.html.j2").render(content)
    (target / "index.html").write_text(html, encoding="utf-8", errors="replace")
    data = script("camCompare", _data(found, cards) | narrowed)
    (target / "assets" / "cases.js").write_text(data, encoding="utf-8")


def _write_pictures(case: Case, shown: Card, target: Path) -> None:
    (target / shown.base.src).write_bytes(case.base.view)
    if shown.candidate.src != shown.base.src:
        (target / shown.candidate.src).write_bytes(case.candidate.view)


def _data(found: Comparison, cards: Sequence[Card]) -> dict[str, Any]:
    """What the page's script needs: every case once, and which shelf holds which."""
    return {
        "grids": {"base": found.base.grid, "candidate": found.candidate.grid},
        "first": FIRST,
        "na": NOT_AVAILABLE,
        "shelves": {name: [one.id for one in cards if one.bucket == name] for name in SHELVES},
        "cases": [asdict(one) for one in cards],
    }
