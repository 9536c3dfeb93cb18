"""Writes a comparison's report: one page, its pictures, and the data its script draws from."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np

from audit.comparison.cards import IMAGE_FOLDER, Card, card
from audit.comparison.cases import SHELVES, Case, cases_of
from audit.comparison.content import Comparison
from audit.comparison.page import FIRST, page
from audit.report.text import NOT_AVAILABLE

__all__ = ["write_report"]

_TEMPLATES = files("audit.templates")
_STATIC = ("styles.css", "compare.css", "compare.js", "icon.svg")
# U+2028 and U+2029 are escaped by json itself; these three would end or open markup in a script.
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def write_report(found: Comparison, target: Path, max_cases: int, seed: int) -> None:
    """Write the report of ``found`` into the new folder ``target``, with at most ``max_cases``.

    Raises DataError where a picture that a run keeps cannot be decoded.
    """
    cases = cases_of(found, max_cases, seed)
    cards = [card(case, number) for number, case in enumerate(cases)]
    (target / IMAGE_FOLDER).mkdir(parents=True)
    for case, shown in zip(cases, cards, strict=True):
        _write_pictures(case, shown, target)
    for name in _STATIC:
        (target / "assets" / name).write_text(_template(name), encoding="utf-8")
    html = _environment().get_template("compare.html.j2").render(page(found, cards))
    (target / "index.html").write_text(html, encoding="utf-8", errors="replace")
    script = _script(_data(found, cards))
    (target / "assets" / "cases.js").write_text(script, encoding="utf-8")


def _write_pictures(case: Case, shown: Card, target: Path) -> None:
    (target / shown.base.src).write_bytes(case.base.view)
    if shown.candidate.src != shown.base.src:
        (target / shown.candidate.src).write_bytes(case.candidate.view)


def _data(found: Comparison, cards: Sequence[Card]) -> dict[str, Any]:
    """What the page's script needs: every case once, and which shelf holds which."""
    return {
        "grids": {"base": found.base.grid, "candidate": found.candidate.grid},
        "colours": base64.b64encode(_inferno()).decode(),
        "first": FIRST,
        "na": NOT_AVAILABLE,
        "shelves": {name: [one.id for one in cards if one.bucket == name] for name in SHELVES},
        "cases": [asdict(one) for one in cards],
    }


def _inferno() -> bytes:
    """Inferno's 256 colours, RGB: a perceptually uniform map, by N. Smith and S. van der Walt."""
    steps = np.arange(256, dtype=np.uint8)[:, None]
    return bytes(cv2.applyColorMap(steps, cv2.COLORMAP_INFERNO)[:, 0, ::-1].tobytes())


def _script(data: Mapping[str, Any]) -> str:
    """``data`` as a classic script: a page opened from the disk may not fetch a JSON file."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character, escape in _UNSAFE.items():
        text = text.replace(character, escape)
    return f"window.camCompare = {text};\n"


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )


def _printable(value: object) -> object:
    """Stops a null from being printed as ``None``: the context has words for it."""
    if value is None:
        raise TypeError("a template prints None")
    return value
