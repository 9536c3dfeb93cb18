"""Filters, orders and pages over the small run: cases 0 to 6 of the report's fixtures."""

import pytest

from audit.errors import DataError

pytest.importorskip("duckdb", reason="the extra 'serve' is not installed: make .venv/.serve")

from audit.serve.query import Query, parse
from audit.serve.rows import Rows

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def rows(run):
    return Rows(run)


def _found(rows, *pairs):
    return rows.order(parse(pairs)).tolist()


def test_without_filters_every_row_in_the_datasets_order(rows):
    assert _found(rows) == [0, 1, 2, 3, 4, 5, 6]
    assert rows.total == 7


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("label", "cat")], [0, 5]),
        ([("label", SCRIPT)], [1, 6]),
        ([("label", "cat"), ("pred", "tench")], [5]),
        ([("correct", "yes")], [0, 3, 6]),
        ([("correct", "no")], [1, 2, 5]),
        ([("correct", "none")], [4]),  # without a label
        ([("flag", "off_object")], [0, 1, 4]),
        ([("flag", "off_object"), ("flag", "misclassified")], [1]),
        ([("q", "photos/0000")], [0, 2, 3, 4, 5]),  # 1 has another name, 6 none
        ([("q", f"{6:032x}")], [6]),  # a whole sample_id
        ([("q", "%")], []),  # no pattern: the text itself
        ([("q", "PHOTOS 3.Jpg")], [3]),  # every word, in any case
        ([("q", f"photos {4:032x}")], [4]),
        ([("slice.site", "south & more")], [0, 2, 4, 6]),
        ([("slice.nowhere", "x")], []),
        ([("min.severity", "0.25")], [0, 1, 2, 3]),  # 1 / (1 + index) is at least a quarter
        ([("min.severity", "0.25"), ("max.severity", "0.5")], [1, 2, 3]),
        ([("min.true_probability", "0.5")], [0, 3, 6]),
        ([("label", "' OR 1=1 --")], []),
        ([("q", "'; DROP VIEW images; --")], []),
        ([("slice.x'] OR true OR slices['x", "1")], []),
    ],
)
def test_filters(rows, pairs, expected):
    assert _found(rows, *pairs) == expected
    assert _found(rows) == [0, 1, 2, 3, 4, 5, 6]  # and nothing happened to the tables


def test_every_row_lies_within_bounds_that_are_its_own_value(rows):
    for row in rows.page(Query(sort="severity")).rows:
        own = repr(row["severity"])
        assert _found(rows, ("min.severity", own), ("max.severity", own)) == [row["index"]]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("purple thing", [0]),  # of the question
        ("one.jpg what", [0]),  # of path and question
        ("ball FISH", [1]),  # of the reference caption
        ("a star", [2]),
        ("cat", []),  # a class is no text: it has a filter
    ],
)
def test_words_are_looked_for_in_questions_and_captions(told, words, expected):
    assert _found(Rows(told[0]), ("q", words)) == expected


def test_orders_are_total_and_nulls_come_last(rows):
    severest = [("sort", "severity"), ("order", "asc")]
    assert _found(rows, *severest) == [6, 5, 4, 3, 2, 1, 0]
    assert _found(rows, ("sort", "index"), ("order", "desc")) == [6, 5, 4, 3, 2, 1, 0]
    # wrong (1, 2, 5) before right (0, 3, 6), ties by index; 4 has no label
    assert _found(rows, ("sort", "correct")) == [1, 2, 5, 0, 3, 6, 4]
    assert _found(rows, ("sort", "correct"), ("order", "desc")) == [0, 3, 6, 1, 2, 5, 4]


def test_a_page_holds_its_rows_in_the_querys_order(rows):
    query = Query(sort="severity", order="asc", size=25)
    page = rows.page(query)
    assert [row["index"] for row in page.rows] == [6, 5, 4, 3, 2, 1, 0]
    assert (page.total, page.start) == (7, 0)
    assert page.rows[5]["path"] == f'"{SCRIPT}"\n.jpg'
    assert page.rows[5]["misclassified"] is True


def test_a_page_behind_the_last_is_the_last(rows):
    page = rows.page(Query(page=900, size=25))
    assert (page.start, len(page.rows)) == (0, 7)


def test_one_row_has_every_column_of_both_tables(rows):
    row = rows.one(2)
    assert row["reason"] == f"confused with {SCRIPT}"
    assert len(row["true_cam"]) == 48  # 6 × 8 cells
    assert rows.one(99) is None
    assert rows.media(99) is None
    assert rows.media(2)["view"].startswith(b"\xff\xd8")


def test_menus_hold_what_occurs(rows):
    assert rows.labels == ("<script>alert(1)</script>", "cat", 'the "quoted" dog', "two\nlines")
    assert rows.statuses == ("ok",)


def test_duckdb_opens_the_runs_tables_and_nothing_else(rows, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for statement in (
        f"SELECT * FROM read_csv('{secret}')",  # noqa: S608
        f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ):
        with pytest.raises(DataError, match="cannot be read"):
            rows._all(statement, [])
    assert not (tmp_path / "out.csv").exists()


def test_a_file_that_is_gone_is_named_and_not_called_forbidden(rows, run):
    part = run / "images" / "part-00001.parquet"
    part.unlink()
    with pytest.raises(DataError, match=rf"^the run's file {part} is gone: [^\n]*$"):
        _found(rows, ("correct", "no"))


def test_a_folder_that_lacks_a_table_is_refused(run):
    (run / "cases.parquet").unlink()
    with pytest.raises(DataError, match=r"has no cases\.parquet"):
        Rows(run)


def test_a_damaged_part_is_one_line(run):
    (run / "images" / "part-00000.parquet").write_bytes(b"PAR1 not at all PAR1")
    with pytest.raises(DataError, match=r"^[^\n]*cannot be read[^\n]*$"):
        Rows(run)
