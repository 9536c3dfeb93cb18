"""Rows of Parquet files."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from audit.errors import DataError
from audit.report.tables import columns_of, parts_of, read, require, rows_of


@pytest.fixture
def parts(tmp_path):
    for k, values in enumerate(([1.0, float("nan")], [None, float("inf")])):
        pq.write_table(pa.table({"a": values, "b": [k, k]}), tmp_path / f"part-{k:05}.parquet")
    return parts_of(tmp_path)


def test_parts_are_one_table_whose_nan_is_none(parts):
    assert rows_of(read(parts, ["a"])) == ({"a": 1.0}, {"a": None}, {"a": None}, {"a": None})
    assert columns_of(parts[0]) == ("a", "b")


def test_rows_are_filtered(parts):
    assert rows_of(read(parts, None, pc.field("b") == 0))[0] == {"a": 1.0, "b": 0}
    assert read(parts, ["b"], pc.field("b") == 1).num_rows == 2


def test_a_folder_without_parts(tmp_path):
    assert parts_of(tmp_path / "nowhere") == []


def test_what_is_missing_is_named(parts, tmp_path):
    with pytest.raises(DataError, match=r"has no column 'aa'.*'a'"):
        read(parts, ["aa"])
    with pytest.raises(DataError, match=r"has no x\.parquet: not a finished run folder"):
        read([tmp_path / "x.parquet"], ["a"])
    with pytest.raises(DataError, match="here has no key 'name'"):
        require(("name",), {"names": 1}, "here", "key")
