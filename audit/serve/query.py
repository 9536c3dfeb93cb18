"""What a page's address asks for: parsed, checked against the columns, and written back.

The address holds every filter, so that a link is the whole state. Parameters:

- ``label`` ``pred`` ``status`` ``region``: one exact value; ``label=`` with no value is no filter
- ``correct``: yes, no, or none (the image has no label)
- ``flag``: a flag of ``cases``; given twice, both must be set
- ``q``: words, each part of the path, the question or a caption, or a whole sample_id
- ``min.COLUMN`` ``max.COLUMN``: bounds of a figure, both included
- ``slice.NAME``: the image's value of a further column of the dataset
- ``sort`` ``order`` ``page`` ``size``
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from audit.errors import DataError, nearest
from audit.serve.columns import EXACT, MEASURES, ORDERS, SORTS
from audit.tables.schema import FLAGS

__all__ = ["ANSWERS", "SIZES", "Query", "parse"]

SIZES = (25, 50, 100, 200)
ANSWERS = ("yes", "no", "none")
_SIZE = 50
_LONGEST = 500  # characters of a value
_MOST = 64  # parameters of an address
_PAGES = 10**9
_PARAMETERS = {name: column for column, name in EXACT.items()}
_PLAIN = (*_PARAMETERS, "correct", "flag", "q", "sort", "order", "page", "size")


@dataclass(frozen=True)
class Query:
    """Which rows, in which order, and which page of them. Tuples of pairs are sorted by name."""

    exact: tuple[tuple[str, str], ...] = ()  # column, value
    correct: str = ""  # one of ANSWERS; "": any
    flags: tuple[str, ...] = ()
    words: str = ""  # separated by single spaces
    bounds: tuple[tuple[str, float, float], ...] = ()  # column, least, most: may be infinite
    slices: tuple[tuple[str, str], ...] = ()  # name, value
    sort: str = "index"
    order: str = "asc"
    page: int = 1
    size: int = _SIZE

    @property
    def rows(self) -> Query:
        """The same filters and order without the page: what decides which rows there are."""
        return replace(self, page=1, size=_SIZE)

    @property
    def is_filtered(self) -> bool:
        """Whether any filter is set."""
        return self.rows != Query(sort=self.sort, order=self.order)

    def value_of(self, column: str) -> str:
        """The exact value that ``column`` is filtered by; "" where it is not."""
        return dict(self.exact).get(column, "")

    def address(self) -> str:
        """The query string, without its question mark; defaults are left out."""
        pairs = [(EXACT[column], value) for column, value in self.exact]
        pairs += [("correct", self.correct)] if self.correct else []
        pairs += [("flag", flag) for flag in self.flags]
        pairs += [("q", self.words)] if self.words else []
        for column, least, most in self.bounds:
            pairs += [(f"min.{column}", repr(least))] if math.isfinite(least) else []
            pairs += [(f"max.{column}", repr(most))] if math.isfinite(most) else []
        pairs += [(f"slice.{name}", value) for name, value in self.slices]
        default = Query()
        for name in ("sort", "order", "page", "size"):
            if getattr(self, name) != getattr(default, name):
                pairs.append((name, str(getattr(self, name))))
        return urlencode(pairs)


def parse(pairs: Iterable[tuple[str, str]]) -> Query:
    """The query of an address's decoded ``pairs``; empty values are no filter.

    Raises DataError, in one line, for a name, column or value that is not known.
    """
    given = [(name, value) for name, value in pairs if value]
    if len(given) > _MOST:
        raise DataError(f"the address has {len(given):,} parameters; the most is {_MOST}")
    for name, value in given:
        if len(value) > _LONGEST:
            raise DataError(f"{name[:40]!r} has {len(value):,} characters; the most is {_LONGEST}")
    plain = {name: value for name, value in given if "." not in name}
    for name in plain:
        _known(name, _PLAIN, "parameter")
    return Query(
        exact=tuple((c, plain[name]) for c, name in sorted(EXACT.items()) if name in plain),
        correct=_choice(plain, "correct", ANSWERS, ""),
        flags=_flags(value for name, value in given if name == "flag"),
        words=" ".join(plain.get("q", "").split()),
        bounds=_bounds(given),
        slices=_slices(given),
        sort=_choice(plain, "sort", SORTS, "index"),
        order=_choice(plain, "order", ORDERS, "asc"),
        page=_whole(plain, "page", 1, _PAGES),
        size=int(_choice(plain, "size", tuple(map(str, SIZES)), str(_SIZE))),
    )


def _known(word: str, known: tuple[str, ...], what: str) -> str:
    if word not in known:
        raise DataError(f"{word[:60]!r} is no {what}; {nearest(word[:60], known)}")
    return word


def _choice(plain: dict[str, str], name: str, known: tuple[str, ...], default: str) -> str:
    return _known(plain[name], known, f"value of {name!r}") if name in plain else default


def _whole(plain: dict[str, str], name: str, default: int, most: int) -> int:
    text = plain.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text)):
        raise DataError(f"{text[:40]!r} is no value of {name!r}: whole numbers from 1 to {most:,}")
    return min(int(text), most)


def _flags(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({_known(flag, FLAGS, "flag") for flag in given}))


def _bounds(given: list[tuple[str, str]]) -> tuple[tuple[str, float, float], ...]:
    found: dict[str, dict[str, float]] = {}
    for name, value in given:
        end, dot, column = name.partition(".")
        if not dot or end == "slice":
            continue
        _known(end, ("min", "max", "slice"), "parameter")
        _known(column, tuple(MEASURES), "figure")
        found.setdefault(column, {})[end] = _number(name, value)
    return tuple(
        (column, ends.get("min", -math.inf), ends.get("max", math.inf))
        for column, ends in sorted(found.items())
    )


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{value[:40]!r} is no number, as the value of {name!r} must be")
    return number


def _slices(given: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    found = {name.partition(".")[2]: value for name, value in given if name.startswith("slice.")}
    return tuple(sorted(found.items()))
