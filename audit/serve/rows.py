"""A run's rows: DuckDB over its Parquet files, which stay where they are.

The answer to "which rows, in which order" is kept as an array of indices for the last few queries,
so that paging, walking and counting ask nothing again. Everything that a client sent reaches DuckDB
as a bound parameter; column names come from the lists in ``columns`` and nowhere else (hence the
``noqa: S608``).
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from audit.errors import DataError
from audit.report.tables import parts_of, require
from audit.serve.columns import EXACT, MEASURES, OF_CASES, SORTS
from audit.serve.query import Query
from audit.serve.texts import CAPTIONS

__all__ = ["Page", "Rows"]

_KEPT = 8  # orders that are remembered: 8 bytes a row each
_MENU = 200  # values of a menu; a dataset has more classes than a menu can hold
_LISTED = (
    "index",
    "path",
    "sample_id",
    "question",
    "status",
    "status_detail",
    "true_class",
    "pred_class",
    "true_label",
    "pred_label",
    "correct",
    "true_probability",
    "pred_probability",
    "true_relevance_mass_accuracy",
    "true_mass_lift",
    "pred_relevance_mass_accuracy",
    "pred_mass_lift",
)
# Names sort a hundred times faster by their rank than as text, and few of them are distinct.
_RANKS = (
    "CREATE TABLE ranks AS SELECT name, row_number() OVER (ORDER BY name) AS rank FROM "
    "(SELECT true_label AS name FROM images UNION SELECT pred_label FROM images) "
    "WHERE name IS NOT NULL"
)
_RANKED = ("true_label", "pred_label")
# What every run of this format has, and the filters and orders name.
_CLASSES = ("true_class", "pred_class")
_NEEDED = sorted({"index", "sample_id", "slices", *_CLASSES, *EXACT, *SORTS, *MEASURES} - OF_CASES)
_OF_CASES = 'k.* EXCLUDE ("index", sample_id)'

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """One page of a query's rows, their number, and where the page begins among them."""

    rows: tuple[Row, ...]
    total: int
    start: int  # from 0


class Rows:
    """The rows of the run folder ``run``, and its pictures. Safe for use from several threads.

    Raises DataError where the folder lacks a table, or DuckDB cannot read one.
    """

    def __init__(self, run: Path) -> None:
        self._root = run
        images = [str(path.resolve()) for path in parts_of(run / "images")]
        if not images:
            raise DataError(f"{run} has no images/part-*.parquet: not a finished run folder")
        cases = run / "cases.parquet"
        if not cases.is_file():
            raise DataError(f"{run} has no cases.parquet: not a finished run folder")
        media = [str(path.resolve()) for path in parts_of(run / "media")]
        self._files = [*images, str(cases.resolve()), *media]
        self._connection = _connected(self._files)
        self._lock = threading.Lock()
        self._orders: OrderedDict[Query, np.ndarray] = OrderedDict()
        self._view("images", images)
        self._view("cases", [str(cases.resolve())])
        if media:
            self._view("media", media)
        self._all(_RANKS, [])
        self._images = self._described("images")
        require(_NEEDED, sorted(self._images), f"{run / 'images'}", "column")
        require(sorted(OF_CASES), sorted(self._described("cases")), str(cases), "column")
        self.total = int(self._all("SELECT count(*) FROM images", [])[0][0])
        self.labels = self._menu("true_label")
        self.predictions = self._menu("pred_label")
        self.statuses = self._menu("status")
        self.regions = self._menu("region_source")
        pictured = self._all('SELECT "index" FROM media', []) if media else []
        self.pictured = frozenset(int(index) for (index,) in pictured)

    def page(self, query: Query) -> Page:
        """The rows of ``query``'s page; a page behind the last is the last."""
        order = self.order(query)
        pages = max(1, math.ceil(len(order) / query.size))
        start = (min(query.page, pages) - 1) * query.size
        wanted = [int(index) for index in order[start : start + query.size]]
        return Page(self._listed(wanted), len(order), start)

    def order(self, query: Query) -> np.ndarray:
        """The index of every row of ``query``, in its order (int64)."""
        key = query.rows
        with self._lock:
            if key in self._orders:
                self._orders.move_to_end(key)
                return self._orders[key]
        where, values = _where(query, self._text())
        rows = f"FROM {_source(query)}{where} ORDER BY {_order(query)}"
        found = self._indices(f'SELECT i."index" {rows}', values)
        with self._lock:
            self._orders[key] = found
            while len(self._orders) > _KEPT:
                self._orders.popitem(last=False)
        return found

    def one(self, index: int) -> Row | None:
        """Every column of image ``index``; None where the run has no such row."""
        return self._row(
            f"SELECT i.*, {_OF_CASES} FROM "  # noqa: S608
            '(SELECT * FROM images WHERE "index" = $1) i '
            'LEFT JOIN (SELECT * FROM cases WHERE "index" = $1) k ON i."index" = k."index"',
            index,
        )

    def some(self, index: int, names: Sequence[str]) -> Row | None:
        """The columns ``names`` of ``images``, of image ``index``: those that the run has."""
        shown = ", ".join(f'"{name}"' for name in names if name in self._images)
        return self._row(f'SELECT {shown} FROM images WHERE "index" = $1', index)  # noqa: S608

    def media(self, index: int) -> Row | None:
        """The pictures that the run keeps of image ``index``; None for none."""
        if index not in self.pictured:
            return None
        return self._row('SELECT * FROM media WHERE "index" = $1', index)

    def _listed(self, wanted: list[int]) -> tuple[Row, ...]:
        """The rows of a list's page, in the order of ``wanted``."""
        if not wanted:
            return ()
        shown = ", ".join(f'i."{name}"' for name in _LISTED if name in self._images)
        places = ", ".join(f"${at}" for at in range(1, len(wanted) + 1))
        found = self._rows(
            f"SELECT {shown}, {_OF_CASES} "  # noqa: S608
            f'FROM (SELECT * FROM images WHERE "index" IN ({places})) i '
            f'LEFT JOIN (SELECT * FROM cases WHERE "index" IN ({places})) k '
            'ON i."index" = k."index"',
            wanted,
        )
        by_index = {row["index"]: row for row in found}
        return tuple(by_index[index] for index in wanted)

    def _text(self) -> str:
        """SQL of all that a row's words are looked for in, in lower case."""
        asked = ["i.question"] if "question" in self._images else []
        return f"lower(concat_ws(' ', {', '.join(['i.path', *asked, *CAPTIONS])}))"

    def _menu(self, column: str) -> tuple[str, ...]:
        """The values of ``column``, the first of them in order."""
        if column not in self._images:
            return ()
        found = self._all(
            f'SELECT DISTINCT "{column}" AS v FROM images '  # noqa: S608
            "WHERE v IS NOT NULL ORDER BY v LIMIT $1",
            [_MENU],
        )
        return tuple(str(value) for (value,) in found)

    def _view(self, name: str, files: Sequence[str]) -> None:
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        self._all(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}])", [])  # noqa: S608

    def _described(self, name: str) -> frozenset[str]:
        return frozenset(str(row[0]) for row in self._all(f"DESCRIBE {name}", []))

    def _row(self, statement: str, index: int) -> Row | None:
        found = self._rows(statement, [index])
        return found[0] if found else None

    def _rows(self, statement: str, values: Sequence[object]) -> list[Row]:
        with self._cursor() as cursor:
            found = self._asked(cursor, statement, values)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, map(_plain, row), strict=True)) for row in found.fetchall()]

    def _all(self, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with self._cursor() as cursor:
            return self._asked(cursor, statement, values).fetchall()

    def _indices(self, statement: str, values: Sequence[object]) -> np.ndarray:
        with self._cursor() as cursor:
            found = self._asked(cursor, statement, values).fetchnumpy()
            return np.asarray(found["index"], dtype=np.int64)

    def _asked(
        self, cursor: duckdb.DuckDBPyConnection, statement: str, values: Sequence[object]
    ) -> duckdb.DuckDBPyConnection:
        try:
            return cursor.execute(statement, list(values))
        except duckdb.Error as error:
            raise DataError(self._reason(error)) from error

    def _reason(self, error: duckdb.Error) -> str:
        """Why a question failed: DuckDB's own words call a file that is gone a forbidden one."""
        gone = next((file for file in self._files if not Path(file).is_file()), None)
        if gone is None:
            return f"the run's tables cannot be read: {str(error).splitlines()[0]}"
        return (
            f"the run's file {gone} is gone: it was removed or renamed while the run is served; "
            "put it back, or serve another run"
        )

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        return self._connection.cursor()  # one a thread and question: a connection is not shared


def _connected(files: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """A database in memory that may open ``files`` and nothing else: no network, no extension."""
    connection = duckdb.connect(
        ":memory:",
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False},
    )
    connection.execute("SET allowed_paths = $1", [list(files)])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _plain(value: object) -> object:
    """NaN is no value either, though the tables should hold nulls."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _source(query: Query) -> str:
    """The tables that ``query`` reads: joined only where it needs them."""
    names = {query.sort, *(column for column, _, _ in query.bounds), *query.flags}
    tables = "images i"
    if names & OF_CASES:
        tables += ' JOIN cases k ON i."index" = k."index"'
    if query.sort in _RANKED:
        tables += f' LEFT JOIN ranks r ON i."{query.sort}" = r.name'
    return tables


def _where(query: Query, text: str) -> tuple[str, list[object]]:
    """The WHERE clause of ``query`` and the values that it binds.

    ``text`` is SQL of what each of the query's words must be part of.
    """
    parts: list[str] = []
    values: list[object] = []

    def bound(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    parts += [f'i."{column}" = {bound(value)}' for column, value in query.exact]
    if query.correct:
        parts.append(
            {"yes": "i.correct", "no": "NOT i.correct"}.get(query.correct, "i.correct IS NULL")
        )
    parts += [f'k."{flag}"' for flag in query.flags]
    for word in query.words.split():
        parts.append(f"(contains({text}, lower({bound(word)})) OR i.sample_id = {bound(word)})")
    for column, least, most in query.bounds:
        of = _qualified(column)
        parts += [f"{of} >= {bound(least)}"] if math.isfinite(least) else []
        parts += [f"{of} <= {bound(most)}"] if math.isfinite(most) else []
    for name, value in query.slices:
        parts.append(f"i.slices[{bound(name)}] = {bound(value)}")
    return (" WHERE " + " AND ".join(parts) if parts else ""), values


def _order(query: Query) -> str:
    direction = "DESC" if query.order == "desc" else "ASC"
    if query.sort == "index":
        return f'i."index" {direction}'
    by = "r.rank" if query.sort in _RANKED else _qualified(query.sort)
    return f'{by} {direction} NULLS LAST, i."index"'


def _qualified(column: str) -> str:
    """``column``, one of those of ``columns``, with its table's alias."""
    return f'{"k" if column in OF_CASES else "i"}."{column}"'
