import errno

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.errors import DataError, IncompleteError
from audit.tables import parts

TABLE = pa.table({"index": [1, 2, 3]})
MINE = {"fingerprint": "abc"}


def test_a_part_carries_its_fingerprint(tmp_path):
    parts.write_table(TABLE, parts.part_path(tmp_path, 3), MINE)
    assert parts.done_parts(tmp_path, MINE) == {3: 3}
    assert parts.done_parts(tmp_path, {"fingerprint": "other"}) == {}
    ((path, table),) = parts.read_parts(tmp_path)
    assert path.name == "part-00003.parquet"
    assert table.equals(TABLE)


def test_frames_are_written_as_one_table(tmp_path):
    frame = pd.DataFrame({"index": [1, 2, 3], "known": pd.array([True, None, False], "boolean")})
    schema = pa.schema([pa.field("index", pa.int64()), pa.field("known", pa.bool_())])
    whole = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    path = tmp_path / "cases.parquet"
    parts.write_frames((frame[at : at + 2] for at in (0, 2)), schema, path, MINE)
    assert parts.is_done(path, MINE, rows=3)
    assert parts.read_part(path).equals(whole)
    assert pq.read_metadata(path).num_row_groups == 2
    pd.testing.assert_frame_equal(pd.read_parquet(path), frame)


def test_a_frame_that_does_not_fit_leaves_nothing_behind(tmp_path):
    schema = pa.schema([pa.field("index", pa.int64())])
    frames = iter([pd.DataFrame({"index": [1]}), pd.DataFrame({"index": ["one"]})])
    with pytest.raises(pa.ArrowException):
        parts.write_frames(frames, schema, tmp_path / "cases.parquet", MINE)
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_part_is_not_done(tmp_path):
    path = parts.part_path(tmp_path, 0)
    parts.write_table(TABLE, path, MINE)
    path.write_bytes(path.read_bytes()[:-5])
    assert parts.done_parts(tmp_path, MINE) == {}
    with pytest.raises(DataError, match="part-00000"):
        list(parts.read_parts(tmp_path))


def test_parts_come_in_the_order_of_their_numbers(tmp_path):
    for k in (100_000, 2, 10):
        parts.write_table(pa.table({"k": [k]}), parts.part_path(tmp_path, k), MINE)
    assert [table["k"][0].as_py() for _, table in parts.read_parts(tmp_path)] == [2, 10, 100_000]


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(parts.os, "fsync", full)
    with pytest.raises(IncompleteError, match=r"part-00000\.parquet.*disk is full") as caught:
        parts.write_table(TABLE, parts.part_path(tmp_path, 0), MINE)
    assert caught.value.exit_code == 4
    assert list(tmp_path.iterdir()) == []


def test_fixed_lists_read_nulls_as_zeros():
    values = pa.FixedSizeListArray.from_arrays(
        pa.array([1, 2, 9, 9, 5, 6], pa.uint8()), 2, mask=pa.array([False, True, False])
    )
    found = parts.fixed_lists(pa.chunked_array([values]), 2)
    assert found.dtype == np.uint8
    assert found[[0, 2]].tolist() == [[1, 2], [5, 6]]
    round_trip = pa.chunked_array([pa.array([[1, 2], None], pa.list_(pa.uint8(), 2))])
    assert parts.fixed_lists(round_trip, 2).tolist() == [[1, 2], [0, 0]]


def test_a_file_in_the_folders_place_is_said(tmp_path):
    (tmp_path / "images").write_text("no folder")
    with pytest.raises(IncompleteError, match="could not be written"):
        parts.write_bytes(b"x", tmp_path / "images" / "a.json")
