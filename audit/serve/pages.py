"""What the browser's templates print: rows as plain strings; the templates escape every one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from audit.report.cards import FLAG_WORDS
from audit.report.html import environment, template
from audit.report.outline import outline
from audit.report.text import NOT_AVAILABLE, capital, clean, count, percent, probability, times
from audit.serve.columns import EXACT, HEADINGS, MEASURES
from audit.serve.pictures import size_of
from audit.serve.query import SIZES, Query
from audit.serve.rows import Page, Row
from audit.serve.run import Browsed
from audit.serve.texts import caption_of
from audit.tables.column import Column
from audit.tables.schema import FLAGS, TABLES

__all__ = ["error_page", "image_page", "list_page", "static"]

_STATIC = {
    "styles.css": "text/css; charset=utf-8",
    "serve.css": "text/css; charset=utf-8",
    "serve.js": "text/javascript; charset=utf-8",
    "serve_report.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_LEFT_OUT = frozenset({"true_cam", "pred_cam", "region_grid", "valid_grid"})
_PURE = frozenset({"share", "probability", "area", "ratio"})  # units of plain numbers
_NAME, _TEXT, _REASON = 40, 200, 240  # characters of a class, a question or caption, a reason
_CAPTIONERS = {"Reference": "true", "Model": "pred"}


@dataclass(frozen=True)
class _Map:
    """One explained class of an image."""

    role: str
    side: str  # true or pred
    name: str
    probability: str
    mass: str
    lift: str
    has_map: bool


def static(name: str) -> tuple[str, str] | None:
    """Content and type of one of the browser's own files; None for any other name."""
    return (template(name), _STATIC[name]) if name in _STATIC else None


def list_page(run: Browsed, query: Query, page: Page) -> str:
    """The list of ``page``'s rows, with the filters of ``query``."""
    last = max(1, math.ceil(page.total / query.size))
    at = page.start // query.size + 1
    return (
        environment()
        .get_template("serve.html.j2")
        .render(
            _about(run),
            query=query,
            rows=[_listed(row, query, page.start + k) for k, row in enumerate(page.rows)],
            total=count(page.total),
            all=count(run.rows.total),
            first=count(page.start + 1 if page.rows else 0),
            last_shown=count(page.start + len(page.rows)),
            pages=_links(query, at, last),
            at=count(at),
            last=count(last),
            menus=_menus(run, query),
            slices=[
                (name, values, dict(query.slices).get(name, ""))
                for name, values in run.slices.items()
            ],
            flags=[(flag, FLAG_WORDS.get(flag, flag.replace("_", " "))) for flag in FLAGS],
            bounds=[(name, words, *_ends(query, name)) for name, words in MEASURES.items()],
            headings=HEADINGS,
            sizes=SIZES,
            sorts={name: _sorted_by(query, name) for name in HEADINGS},
        )
    )


def image_page(
    run: Browsed, row: Row, media: Row | None, query: Query, *, place: int | None, refusal: str
) -> str:
    """One image, its maps and every figure.

    ``place`` is its position among the query's rows; ``refusal`` one sentence on why there is no
    picture of it to show, "" where there is one.
    """
    order = run.rows.order(query) if place is not None else np.array([], np.int64)
    index = row["index"]
    width, height = size_of(run.view)
    back = query if place is None else replace(query, page=place // query.size + 1)
    return (
        environment()
        .get_template("serve_image.html.j2")
        .render(
            _about(run),
            index=index,
            query=query,
            back=_address("/", back) + ("" if place is None else f"#image-{index}"),
            previous=_neighbour(order, place, -1, query),
            next=_neighbour(order, place, 1, query),
            place=None if place is None else f"{count(place + 1)} of {count(len(order))}",
            name=clean(row["path"]) if row.get("path") else f"image {index:,}",
            tone=_tone(row),
            question=_shortened(row["question"], _TEXT) if row.get("question") else "",
            captions=_captions(row),
            reason=capital(_shortened(row["reason"], 600)) if row.get("reason") else "",
            tags=_tags(row),
            maps=_maps(row),
            width=width,
            height=height,
            kept=media is not None,
            outline=_outline(media),
            refusal=refusal,
            region=row.get("region_grid") is not None and bool(row.get("n_regions")),
            covered=bool(media and media.get("covered")),
            facts=_facts(row),
        )
    )


def error_page(run: Browsed, headline: str, said: str) -> str:
    """A page that says in one line what is wrong."""
    page = environment().get_template("serve_error.html.j2")
    return page.render(_about(run), headline=headline, said=_sentence(clean(said, 400)))


def _about(run: Browsed) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "run": clean(run.name),
        "title": f"{clean(manifest['model'].get('name'))} on {clean(manifest['dataset']['name'])}",
        "has_report": (run.root / "report" / "index.html").is_file(),
    }


def _listed(row: Row, query: Query, place: int) -> dict[str, Any]:
    pred = "pred" if row["pred_label"] is not None else "true"
    return {
        "index": row["index"],
        "address": _address(f"/image/{row['index']}", query, place),
        "name": clean(row["path"], 60) if row["path"] else f"image {row['index']:,}",
        "tone": _tone(row),
        "status": "" if row["status"] == "ok" else clean(row["status"]),
        "question": _shortened(row["question"], _TEXT) if row.get("question") else "",
        "label": _label(row, "true"),
        "prediction": _label(row, "pred"),
        "true_probability": probability(row["true_probability"]),
        "probability": probability(row["pred_probability"]),
        "mass": percent(row[f"{pred}_relevance_mass_accuracy"]),
        "lift": times(row[f"{pred}_mass_lift"]),
        "tags": _tags(row),
        "severity": NOT_AVAILABLE if row["severity"] is None else f"{row['severity']:.2f}",
        "reason": _shortened(row["reason"], _REASON) if row["reason"] else "",
    }


def _tone(row: Row) -> str:
    return {True: "right", False: "wrong", None: "open"}[row["correct"]]


def _tags(row: Row) -> list[str]:
    return [FLAG_WORDS[flag] for flag in FLAGS if row.get(flag) and flag in FLAG_WORDS]


def _label(row: Row, side: str) -> str:
    """The name of a class, or a caption, of which a list has room for more."""
    caption = caption_of(row, side)
    return clean(row[f"{side}_label"], _NAME) if caption is None else _shortened(caption, _TEXT)


def _captions(row: Row) -> list[tuple[str, str]]:
    """Whose captions there are, and what they say; one entry where both say the same."""
    told = {words: caption_of(row, side) for words, side in _CAPTIONERS.items()}
    if len(set(told.values())) == 1:
        told = {"Reference and model": next(iter(told.values()))}
    return [(whose, _shortened(said, _TEXT)) for whose, said in told.items() if said is not None]


def _shortened(text: str, limit: int) -> str:
    """``text`` as one visible line; a longer one ends within ``limit``, after a clause or word."""
    line = clean(text, len(text))
    if len(line) <= limit:
        return line
    head = line[: limit - len("; …")]
    for mark in ("; ", " "):
        kept, _, _ = head.rpartition(mark)
        if len(kept) > limit // 2:  # a clause that leaves out most is no better than a word
            return f"{kept}{mark.strip()} …"
    return f"{head}…"


def _sentence(text: str) -> str:
    return capital(text) if text.endswith((".", "?")) else f"{capital(text)}."


def _maps(row: Row) -> list[_Map]:
    what = "class" if row["true_class"] is not None or row["pred_class"] is not None else "label"
    same = row[f"true_{what}"] is not None and row[f"true_{what}"] == row[f"pred_{what}"]
    sides = [("Label and prediction" if same else "Label", "true")]
    sides += [] if same else [("Prediction", "pred")]
    return [
        _Map(
            role=role,
            side=side,
            name=_label(row, side),
            probability=probability(row[f"{side}_probability"]),
            mass=percent(row[f"{side}_relevance_mass_accuracy"]),
            lift=times(row[f"{side}_mass_lift"]),
            has_map=row[f"{side}_cam"] is not None and row[f"{side}_cam_status"] == "ok",
        )
        for role, side in sides
        if row[f"{side}_{what}"] is not None
    ]


def _outline(media: Row | None) -> tuple[str, int, int] | None:
    """The region's outline as an SVG path, with width and height of its coordinates."""
    if media is None or media["region"] is None:
        return None
    raster = cv2.imdecode(np.frombuffer(media["region"], np.uint8), cv2.IMREAD_GRAYSCALE)
    if raster is None:
        return None
    return outline(raster), raster.shape[1], raster.shape[0]


def _facts(row: Row) -> list[tuple[str, str, str]]:
    """Every column but the grids, once: name, value with its unit, meaning."""
    columns: dict[str, Column] = {}
    for one in [*TABLES["images"](1), *TABLES["cases"](1)]:
        columns.setdefault(one.name, one)  # both tables have index and sample_id
    return [
        (name, _with_unit(_words(row[name]), one.unit), one.meaning)
        for name, one in columns.items()
        if name in row and name not in _LEFT_OUT
    ]


def _with_unit(value: str, unit: str) -> str:
    """``value`` with the unit of its column; shares, ratios and their like have no word."""
    if not unit or unit in _PURE or value == NOT_AVAILABLE:
        return value
    return f"{value} {unit.removesuffix('s') if value == '1' else unit}"


def _words(value: object) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOT_AVAILABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return clean(", ".join(f"{name}: {one}" for name, one in value.items()) or "none", 300)
    if isinstance(value, (list, tuple)):
        return clean(", ".join(_words(one) for one in value) or "none", 300)
    return clean(value, 300) or "none"


def _menus(run: Browsed, query: Query) -> list[tuple[str, str, Sequence[str], str]]:
    """The drop-down lists: parameter, words, values, the chosen one."""
    rows = run.rows
    given = {
        "true_label": ("Label", rows.labels),
        "pred_label": ("Prediction", rows.predictions),
        "status": ("Status", rows.statuses),
        "region_source": ("Region from", rows.regions),
    }
    return [
        (EXACT[column], words, values, query.value_of(column))
        for column, (words, values) in given.items()
    ]


def _ends(query: Query, column: str) -> tuple[str, str]:
    ends = {name: pair for name, *pair in query.bounds}.get(column, [-math.inf, math.inf])
    least, most = (repr(end) if math.isfinite(end) else "" for end in ends)
    return least, most


def _links(query: Query, at: int, last: int) -> dict[str, str]:
    """The addresses of the first, previous, next and last page; "" for the page itself."""
    wanted = {"first": 1, "previous": at - 1, "next": at + 1, "last": last}
    return {
        name: _address("/", replace(query, page=page)) if 1 <= page <= last and page != at else ""
        for name, page in wanted.items()
    }


def _sorted_by(query: Query, column: str) -> tuple[str, str]:
    """Address of the list sorted by ``column`` (the other way where it is), and aria-sort."""
    mine = query.sort == column
    order = "asc" if mine and query.order == "desc" else "desc" if mine else "asc"
    said = {"asc": "ascending", "desc": "descending"}[query.order] if mine else "none"
    return _address("/", replace(query, sort=column, order=order, page=1)), said


def _neighbour(order: np.ndarray, place: int | None, step: int, query: Query) -> str:
    if place is None or not 0 <= place + step < len(order):
        return ""
    return _address(f"/image/{int(order[place + step])}", query, place + step)


def _address(path: str, query: Query, place: int | None = None) -> str:
    asked = query.address() if place is None else replace(query, page=1).address()
    parts = [part for part in (asked, "" if place is None else f"at={place}") if part]
    return path + ("?" + "&".join(parts) if parts else "")
