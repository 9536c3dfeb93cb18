import pyarrow as pa
import pytest

from audit.errors import ConfigError, DataError, IncompleteError
from audit.tables.parts import part_path, read_part, write_table
from audit.tables.store import MANIFEST, Store, WorkingCopy, local_only, url_of

ROWS = pa.table({"index": [0, 1]})
OTHER = pa.table({"index": [7, 8]})
SHORT = pa.table({"index": [7]})
PLAN = {"fingerprint": "f"}


@pytest.fixture
def store(request):
    """An empty store in this process's memory."""
    import fsspec

    yield Store(f"memory://{request.node.name}/run")
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def copy(store, tmp_path):
    (tmp_path / "a").mkdir()
    return WorkingCopy(tmp_path / "a", store)


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("runs", None),
        ("/data/runs", None),
        ("file:///data/runs", None),
        ("c:runs", None),
        ("s3://bucket/runs", "s3://bucket/runs"),
        ("s3:/bucket/runs/", "s3://bucket/runs"),
        ("memory://a", "memory://a"),
    ],
)
def test_what_is_a_url(place, url):
    assert url_of(place) == url


def test_readers_of_folders_take_paths_and_say_how_to_copy(tmp_path):
    assert local_only(tmp_path) == tmp_path
    with pytest.raises(DataError, match=r"gs://b/runs/x lies on an object store.*its own tool"):
        local_only("gs://b/runs/x")


def test_a_protocol_that_nobody_knows_is_refused():
    with pytest.raises(ConfigError, match=r"--runs-dir nosuch://a: Protocol not known: nosuch"):
        Store("nosuch://a")


def test_objects_are_put_got_and_removed_by_name(store, tmp_path):
    file = tmp_path / "file"
    assert not store.get("x/y", file)
    file.write_bytes(b"one")
    store.put("x/y", file)
    assert store.names() == ["x/y"]
    assert store.get("x/y", tmp_path / "new" / "copy")
    assert (tmp_path / "new" / "copy").read_bytes() == b"one"
    store.remove("x/y")
    store.remove("x/y")
    assert store.names() == []


def test_what_is_there_is_not_put_as_new(store, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"one")
    assert store.put_new("x", file)
    file.write_bytes(b"two")
    assert not store.put_new("x", file)
    store.get("x", file)
    assert file.read_bytes() == b"one"


def test_a_store_without_exclusive_puts_is_asked_before(store, tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_bytes(b"one")
    put = type(store._fs).pipe_file

    def plain(self, path, value, mode="overwrite"):
        if mode == "create":
            raise NotImplementedError
        put(self, path, value)

    monkeypatch.setattr(type(store._fs), "pipe_file", plain)
    assert store.put_new("x", file)
    assert not store.put_new("x", file)


def test_a_store_that_fails_says_so_in_one_line(store, tmp_path, monkeypatch):
    def fail(*_args, **_options):
        raise RuntimeError("no\nroute")

    monkeypatch.setattr(type(store._fs), "pipe_file", fail)
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(IncompleteError, match=r"^memory://.* does not do what is asked: no route"):
        store.put("x", tmp_path / "x")


def test_what_is_committed_is_kept_and_what_is_gone_is_removed(copy, store):
    write_table(ROWS, part_path(copy.folder / "interventions", 0), PLAN)
    (copy.folder / MANIFEST).write_text("{}")
    (copy.folder / ".lock").touch()
    (copy.folder / "interventions" / ".part.1.tmp").touch()
    copy.keep()
    assert store.names() == ["interventions/part-00000.parquet", MANIFEST]
    part_path(copy.folder / "interventions", 0).unlink()
    copy.keep()
    assert store.names() == [MANIFEST]


def test_the_manifest_is_put_last(copy, store, monkeypatch):
    order = []
    monkeypatch.setattr(Store, "put", lambda self, name, file: order.append(name))
    for name in (MANIFEST, "cases.parquet", "summary.json"):
        (copy.folder / name).write_text("x")
    copy.keep()
    assert order == ["cases.parquet", "summary.json", MANIFEST]
    copy.keep()
    assert len(order) == 3  # what has not changed is not put again


def test_only_the_first_claims_a_run(copy, store, tmp_path):
    (copy.folder / MANIFEST).write_text("first")
    assert copy.claim()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / MANIFEST).write_text("second")
    other = WorkingCopy(tmp_path / "b", store)
    assert not other.claim()
    other.fetch(MANIFEST)
    assert (tmp_path / "b" / MANIFEST).read_text() == "first"


@pytest.mark.parametrize(
    ("rows", "footer", "is_kept"),
    [
        (OTHER, PLAN | {"finished": "1"}, True),
        (OTHER, PLAN, True),
        (SHORT, PLAN, False),
        (OTHER, {"fingerprint": "g"}, False),
    ],
)
def test_a_late_writer_leaves_a_whole_part_of_the_same_plan(
    copy, store, tmp_path, rows, footer, is_kept
):
    first = part_path(tmp_path / "theirs", 0)
    write_table(rows, first, footer)
    store.put("images/part-00000.parquet", first)
    write_table(ROWS, part_path(copy.folder / "images", 0), PLAN)
    copy.keep()
    store.get("images/part-00000.parquet", tmp_path / "found")
    assert read_part(tmp_path / "found").equals(OTHER if is_kept else ROWS)


def test_a_late_writer_replaces_a_broken_part(copy, store, tmp_path):
    (tmp_path / "broken").write_bytes(b"PAR1")
    store.put("images/part-00000.parquet", tmp_path / "broken")
    write_table(ROWS, part_path(copy.folder / "images", 0), PLAN)
    copy.keep()
    store.get("images/part-00000.parquet", tmp_path / "found")
    assert read_part(tmp_path / "found").equals(ROWS)


def test_what_was_put_can_be_dropped_here_and_stays_there(copy, store):
    write_table(ROWS, part_path(copy.folder / "images", 3), PLAN)
    copy.keep()
    copy.drop()
    assert not part_path(copy.folder / "images", 3).exists()
    copy.keep()
    assert store.names() == ["images/part-00003.parquet"]


def test_an_earlier_run_is_fetched_without_its_report(copy, store, tmp_path):
    for name in ("cases.parquet", "report/index.html", "report-single.html"):
        (tmp_path / "x").write_text(name)
        store.put(name, tmp_path / "x")
    copy.fetch_all()
    assert [path.name for path in copy.folder.rglob("*")] == ["cases.parquet"]
