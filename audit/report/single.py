"""The report as one HTML file: everything inside it, and as many cases as its size allows."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import zip_longest
from typing import Any

from markupsafe import Markup

from audit.report.cards import Card
from audit.report.galleries import galleries
from audit.report.load import Case, RunFolder
from audit.report.picture import kind_of

__all__ = ["LARGEST", "carried", "data_uri", "fitting", "inlined"]

LARGEST = 5_000_000  # bytes of the file
_FIRST_TRY = 3_600_000  # bytes of all cases
_STRINGS = 3_000  # bytes of a case beside its pictures: names, figures, maps, outline, markup
_LEAST = 50_000


def fitting(run: RunFolder, render: Callable[[RunFolder], str]) -> str:
    """``render`` of ``run`` with as many cases as fit; fewer in turn while the file is too large.

    A page whose tables alone are larger than that is returned without cases.
    """
    budget = _FIRST_TRY
    while budget >= _LEAST:
        html = render(replace(run, cases=_within(run, budget)))
        if len(html.encode("utf-8", "replace")) <= LARGEST:
            return html
        budget //= 2
    return render(replace(run, cases=()))


def _within(run: RunFolder, budget: int) -> tuple[Case, ...]:
    kept: dict[int, Case] = {}
    for case in _in_turn(run):
        if case.index in kept:
            continue
        budget -= _cost(case)
        if budget < 0:
            break
        kept[case.index] = case
    return tuple(kept[index] for index in sorted(kept))


def _in_turn(run: RunFolder) -> Iterator[Case]:
    """The first of every gallery, then the second of every gallery, and so on."""
    for row in zip_longest(*(one.cases for one in galleries(run.cases, run.summary))):
        yield from (case for case in row if case is not None)


def _cost(case: Case) -> int:
    """Bytes, as base64: once for the script, once in the page."""
    pictures = len(case.view) + (0 if case.covered is None else len(case.covered))
    return _STRINGS + 2 * pictures * 4 // 3


def data_uri(picture: bytes) -> str:
    """A picture (WebP, JPEG or PNG) as the address of itself."""
    return f"data:{kind_of(picture).mime};base64,{base64.b64encode(picture).decode()}"


def carried(cases: Sequence[Case], cards: Mapping[int, Card]) -> dict[int, Card]:
    """The cards with their pictures in place of the pictures' names."""
    return {
        case.index: replace(
            cards[case.index],
            src=data_uri(case.view),
            covered="" if case.covered is None else data_uri(case.covered),
        )
        for case in cases
    }


def inlined(style: str, scripts: Sequence[str], icon: str) -> dict[str, Any]:
    """What the template writes into the page, with the hashes that its policy allows to run."""
    return {
        "style": Markup(style),  # noqa: S704 - our own file
        "scripts": [Markup(script) for script in scripts],  # noqa: S704 - our own; data is escaped
        "script_hashes": " ".join(_hash(script) for script in scripts),
        "style_hash": _hash(style),
        "icon": f"data:image/svg+xml;base64,{base64.b64encode(icon.encode()).decode()}",
    }


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
