"""Writes a run's report: one page, its pictures, and the data its script draws from."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from audit.errors import DataError
from audit.report.cards import CUE_FOLDER, IMAGE_FOLDER, Card
from audit.report.context import cards_of, page
from audit.report.cues import cue_pictures
from audit.report.galleries import FIRST, galleries
from audit.report.load import Case, RunFolder, read_run
from audit.report.suspicions import examples, links
from audit.report.text import NOT_AVAILABLE
from audit.tables.parts import cannot_write

__all__ = ["render_report"]

_TEMPLATES = files("audit.templates")
_STATIC = ("styles.css", "report.js", "icon.svg")
# What a value of another type or shape raises wherever it is first used.
_MALFORMED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    jinja2.TemplateError,
)
# U+2028 and U+2029 are escaped by json itself; these three would end or open markup in a script.
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def render_report(run: Path) -> Path:
    """Write ``run/report/`` from what the run folder holds; returns the path of its index.html.

    An earlier report is replaced only when the new one is whole. Raises DataError where the folder
    lacks something, naming it.
    """
    try:
        folder = read_run(run)
        with tempfile.TemporaryDirectory(dir=run, prefix=".report-") as scratch:
            fresh = Path(scratch) / "report"
            _write(folder, fresh)
            _swap(fresh, run / "report", Path(scratch) / "replaced")
    except OSError as error:
        raise cannot_write(run / "report", error) from error
    except _MALFORMED as error:
        raise DataError(
            f"{run} holds tables that this program did not write so: {error!r}"
        ) from error
    return run / "report" / "index.html"


def _swap(fresh: Path, target: Path, aside: Path) -> None:
    if target.exists() or target.is_symlink():
        target.rename(aside)
    fresh.rename(target)


def _write(run: RunFolder, target: Path) -> None:
    cards = cards_of(run)
    (target / IMAGE_FOLDER).mkdir(parents=True)
    _write_pictures(run.cases, cards, target)
    _write_cues(run, target)
    for name in _STATIC:
        (target / "assets" / name).write_text(_template(name), encoding="utf-8")
    shelves = galleries(run.cases, run.summary)
    html = _environment().get_template("report.html.j2").render(page(run, shelves, cards))
    (target / "index.html").write_text(html, encoding="utf-8", errors="replace")
    shown = {one.shelf.id: [case.index for case in one.cases] for one in shelves}
    script = _script(_data(run.manifest["model"]["grid"], shown | examples(run), cards))
    (target / "assets" / "cases.js").write_text(script, encoding="utf-8")


def _write_pictures(cases: Iterable[Case], cards: Mapping[int, Card], target: Path) -> None:
    for case in cases:
        (target / cards[case.index].src).write_bytes(case.view)
        if case.covered is not None:
            (target / cards[case.index].covered).write_bytes(case.covered)


def _write_cues(run: RunFolder, target: Path) -> None:
    (target / CUE_FOLDER).mkdir()
    for src, picture in cue_pictures(run, links(run)).items():
        (target / src).write_bytes(picture)


def _data(
    grid: Sequence[int], shelves: Mapping[str, Sequence[int]], cards: Mapping[int, Card]
) -> dict[str, Any]:
    """What the page's script needs: every case once, and which shelf holds which."""
    return {
        "grid": grid,
        "first": FIRST,
        "na": NOT_AVAILABLE,
        "shelves": shelves,
        "cases": {str(index): asdict(card) for index, card in cards.items()},
    }


def _script(data: Mapping[str, Any]) -> str:
    """``data`` as a classic script: a page opened from the disk may not fetch a JSON file."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character, escape in _UNSAFE.items():
        text = text.replace(character, escape)
    return f"window.camAudit = {text};\n"


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
