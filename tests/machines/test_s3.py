"""Runs on an object store: moto's S3 on this machine, with s3fs as the client."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from audit.auditing import run_audit
from audit.errors import ConfigError, DataError
from audit.library import load_run
from audit.library import run as run_here
from audit.report.render import render_report
from audit.tables.store import Store


@pytest.fixture(scope="module")
def server():
    from moto.server import ThreadedMotoServer

    started = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host}:{port}"
    started.stop()


@pytest.fixture
def bucket(server, monkeypatch, request):
    """A fresh bucket; the environment leads every S3 client to it, child processes' too."""
    import fsspec

    given = {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    name = f"b{abs(hash(request.node.name))}"
    fs = fsspec.filesystem("s3", use_listings_cache=False)
    fs.mkdir(name)
    return fs, name


@pytest.fixture
def on_s3(bucket, config):
    return replace(config, runs_dir=f"s3://{bucket[1]}/runs", run="a")


@pytest.fixture
def copied(bucket, tables, tmp_path):
    """The tables of a run on S3, by way of a copy."""
    fs, _ = bucket

    def copy(report):
        assert fs.exists(report)
        folder = tmp_path / "copy" / report.split("/")[-3]
        fs.get(report.rpartition("/report/")[0], str(folder), recursive=True)
        return tables(folder / "report" / "index.html")

    return copy


def _equal(found, expected):
    return found.keys() == expected.keys() and all(found[k].equals(expected[k]) for k in expected)


def test_a_run_on_s3_has_the_tables_of_a_local_run(on_s3, alone, copied, tmp_path):
    report = run_audit(on_s3)
    assert report == f"{on_s3.runs_dir}/a/report/index.html"
    assert _equal(copied(report), alone[None])
    copy = tmp_path / "copy" / "a"
    assert load_run(copy).manifest["config"]["runs_dir"] == on_s3.runs_dir
    assert render_report(copy).is_file()


def test_it_goes_on_after_a_part_went_missing_and_another_was_cut(on_s3, bucket, alone, copied):
    fs, name = bucket
    on_s3 = replace(on_s3, budget=0)
    run_audit(on_s3)
    images = f"{name}/runs/a/images"
    fs.rm_file(f"{images}/part-00001.parquet")
    cut = f"{images}/part-00002.parquet"
    fs.pipe_file(cut, fs.cat_file(cut)[:200])
    said = []
    again = run_audit(on_s3, said.append)
    assert "a: going on; 6 of 8 parts are done" in said
    assert _equal(copied(again), alone[0])


def test_an_unfinished_run_is_taken_up_without_being_named(on_s3, bucket, monkeypatch):
    from audit import auditing

    with monkeypatch.context() as patch:
        patch.setattr(auditing, "finish_parts", lambda *_: (_ for _ in ()).throw(DataError("x")))
        with pytest.raises(DataError):
            run_audit(on_s3)
    said = []
    report = run_audit(replace(on_s3, run=None, budget=0), said.append)
    assert report == f"{on_s3.runs_dir}/a/report/index.html"
    assert "a: going on; 8 of 8 parts are done" in said


def test_two_writers_do_no_harm(on_s3, alone, copied):
    with ThreadPoolExecutor(2) as writers:
        first, second = writers.map(run_audit, [on_s3, on_s3])
    assert first == second
    assert _equal(copied(first), alone[None])


def test_what_another_writer_puts_meanwhile_is_no_strangers_file(on_s3, bucket, monkeypatch):
    fs, name = bucket
    get = Store.get

    def one_ahead(store, wanted, file):
        found = get(store, wanted, file)
        if wanted == "manifest.json" and not found:
            fs.pipe_file(f"{name}/runs/a/images/part-00000.parquet", b"another writer's")
        return found

    monkeypatch.setattr(Store, "get", one_ahead)
    assert run_audit(replace(on_s3, budget=0)) == f"{on_s3.runs_dir}/a/report/index.html"


def test_another_plan_is_refused_and_fresh_too(on_s3):
    run_audit(replace(on_s3, budget=0))
    with pytest.raises(ConfigError, match=r"belongs to another plan: its options differ"):
        run_audit(replace(on_s3, seed=1))
    with pytest.raises(ConfigError, match="cannot move it aside"):
        run_audit(replace(on_s3, fresh=True))


def test_a_bucket_that_is_not_there_is_told(on_s3):
    with pytest.raises(ConfigError, match=r"s3://nowhere/runs.* does not do what is asked"):
        run_audit(replace(on_s3, runs_dir="s3://nowhere/runs"))


@pytest.mark.parametrize("read", [load_run, render_report])
def test_readers_say_how_to_copy_a_run(read):
    with pytest.raises(DataError, match=r"aws s3 cp --recursive s3://bucket/runs/a a\)"):
        read(Path("s3://bucket/runs/a"))


def test_the_library_opens_local_runs_only():
    with pytest.raises(ConfigError, match="needs a local folder"):
        run_here(runs_dir="s3://bucket/runs")
