"""Writes a run's report: one page, its pictures, and the data its script draws from."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2

from audit.errors import DataError
from audit.gates.policy import Policy
from audit.report.cards import CUE_FOLDER, FLAG_WORDS, IMAGE_FOLDER, SWAP_FOLDER, Card
from audit.report.context import cards_of, page
from audit.report.cues import cue_pictures
from audit.report.galleries import FIRST, Gallery, galleries
from audit.report.html import environment, script, template
from audit.report.load import Case, RunFolder, read_run
from audit.report.ruling import policy_of
from audit.report.single import carried, data_uri, fitting, inlined
from audit.report.slice_table import held_slices, slice_words
from audit.report.suspicions import examples, links
from audit.report.swaps import swap_pictures
from audit.report.text import NOT_AVAILABLE, count
from audit.report.totals import totals
from audit.tables.parts import cannot_write

__all__ = ["render_report"]

_VARIABLE = "camAudit"  # where the page's scripts find its data
_CASES = "cases.js"  # the data; the scripts follow in the order that they need each other
_SCRIPTS = ("view.js", "report.js", "marks.js", "table.js")
_STATIC = ("styles.css", *_SCRIPTS, "icon.svg")
# What a value of another type or shape raises wherever it is first used.
_MALFORMED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    jinja2.TemplateError,
)


def render_report(run: Path, policy: Path | None = None, *, single_file: bool = False) -> Path:
    """Write ``run/report/`` from what the run folder holds; returns the path of its index.html.

    ``policy`` is the release policy (TOML) of its first lines; None: the one that comes with the
    program. With ``single_file`` it writes ``run/report-single.html`` instead, of at most 5 MB. An
    earlier report is replaced only when the new one is whole. Raises ConfigError where the policy
    cannot be used, DataError where the folder lacks something, naming it.
    """
    rules = policy_of(policy)
    target = run / ("report-single.html" if single_file else "report")
    try:
        folder = read_run(run)
        with tempfile.TemporaryDirectory(dir=run, prefix=".report-") as scratch:
            fresh = Path(scratch) / target.name
            (_write_single if single_file else _write)(folder, fresh, rules)
            _swap(fresh, target, Path(scratch) / "replaced")
    except OSError as error:
        raise cannot_write(target, error) from error
    except _MALFORMED as error:
        raise DataError(
            f"{run} holds tables that this program did not write so: {error!r}"
        ) from error
    return target if single_file else target / "index.html"


def _swap(fresh: Path, target: Path, aside: Path) -> None:
    if target.exists() or target.is_symlink():
        target.rename(aside)
    fresh.rename(target)


def _write(run: RunFolder, target: Path, policy: Policy) -> None:
    cards = cards_of(run)
    (target / IMAGE_FOLDER).mkdir(parents=True)
    _write_pictures(run.cases, cards, target)
    _write_evidence(run, target)
    for name in _STATIC:
        (target / "assets" / name).write_text(template(name), encoding="utf-8")
    shelves = galleries(run.cases, run.summary)
    html = _page(page(run, shelves, cards, policy), {"scripts": (_CASES, *_SCRIPTS)})
    (target / "index.html").write_text(html, encoding="utf-8", errors="replace")
    data = script(_VARIABLE, _data(run, shelves, cards))
    (target / "assets" / _CASES).write_text(data, encoding="utf-8")


def _write_single(run: RunFolder, target: Path, policy: Policy) -> None:
    html = fitting(run, lambda fewer: _single(fewer, policy))
    target.write_text(html, encoding="utf-8", errors="replace")


def _single(run: RunFolder, policy: Policy) -> str:
    cards = carried(run.cases, cards_of(run))
    shelves = galleries(run.cases, run.summary)
    scripts = [script(_VARIABLE, _data(run, shelves, cards)), *map(template, _SCRIPTS)]
    inline = inlined(template("styles.css"), scripts, template("icon.svg"))
    html = _page(page(run, shelves, cards, policy), {"inline": inline})
    for src, picture in _evidence(run).items():
        html = html.replace(f'src="{src}"', f'src="{data_uri(picture)}"')
    return html


def _page(content: Mapping[str, object], how: Mapping[str, object]) -> str:
    report = environment().get_template("report.html.j2")
    return report.render({"inline": False, "scripts": (), **content, **how})


def _write_pictures(cases: Iterable[Case], cards: Mapping[int, Card], target: Path) -> None:
    for case in cases:
        (target / cards[case.index].src).write_bytes(case.view)
        if case.covered is not None:
            (target / cards[case.index].covered).write_bytes(case.covered)


def _evidence(run: RunFolder) -> dict[str, bytes]:
    """Where the page has each picture of what decides a class → the picture."""
    found = links(run)
    return cue_pictures(run, found) | swap_pictures(run, found)


def _write_evidence(run: RunFolder, target: Path) -> None:
    for folder in (CUE_FOLDER, SWAP_FOLDER):
        (target / folder).mkdir()
    for src, picture in _evidence(run).items():
        (target / src).write_bytes(picture)


def _slices(run: RunFolder) -> dict[str, Any]:
    """The slices of the cases, each named once: which of ``names`` a case has, by its index."""
    held = held_slices(run.cases)
    keys = [(row["slice"], row["value"]) for row in run.slices]
    places = {key: at for at, key in enumerate(key for key in keys if key in held)}
    return {
        "names": [slice_words(key) for key in places],
        "of": {
            str(case.index): [places[key] for key in case.slices]
            for case in run.cases
            if case.slices
        },
    }


def _data(run: RunFolder, shelves: Sequence[Gallery], cards: Mapping[int, Card]) -> dict[str, Any]:
    """What the page's scripts need: every case once, and which shelf holds which."""
    shown = {one.shelf.id: [case.index for case in one.cases] for one in shelves}
    name = str(run.manifest["name"])
    return {
        "grid": run.manifest["model"]["grid"],
        "run": {"name": name, "fingerprint": str(run.manifest.get("fingerprint_id", name))},
        "audited": count(run.summary["counts"]["audited"]),
        "flags": FLAG_WORDS,
        "first": FIRST,
        "na": NOT_AVAILABLE,
        "shelves": shown | examples(run),
        "slices": _slices(run),
        "totals": totals(run),
        "cases": {str(index): asdict(card) for index, card in cards.items()},
    }
