"""A folder of everything that goes wrong, through the whole program."""

import json
import os
import struct
import zlib

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from audit.models.reference import SmallResNet
from audit.models.sidecar import Sidecar, write_checkpoint
from pipelines import cli

HOSTILE = [
    "plain.png",
    "with space.png",
    "with 'single' and \"double\".png",
    "with\nnewline.png",
    "<script>alert(1)</script>.png".replace("/", "\u2215"),
    "comma,semicolon;.png",
    "two..dots.png",
    "ünïcode-日本.png",
]


@pytest.fixture
def zoo(tmp_path):
    """Class ``a`` holds good images of odd kinds and names, ``b`` broken ones, ``c`` nothing."""
    root = tmp_path / "zoo"
    good, bad = root / "a", root / "b"
    good.mkdir(parents=True)
    bad.mkdir()
    (root / "c").mkdir()
    rng = np.random.default_rng(0)
    for name in HOSTILE:
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(good / name)
    grey = rng.integers(0, 65536, (40, 50), dtype=np.uint16)
    Image.fromarray(grey).save(good / "sixteen-bit.png")
    Image.fromarray(grey.astype(np.uint8)).save(good / "one-channel.jpg")
    Image.new("CMYK", (50, 40), (10, 200, 30, 0)).save(good / "cmyk.jpg")
    turned = Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(good / "turned.jpg", exif=exif)
    frames = [Image.new("RGB", (50, 40), (i * 90, 0, 0)) for i in range(3)]
    frames[0].save(good / "animated.webp", save_all=True, append_images=frames[1:])
    whole = (good / "plain.png").read_bytes()
    (good / "copy.png").write_bytes(whole)
    (bad / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (bad / "zero.png").write_bytes(b"")
    (bad / "page.jpg").write_text("<html>not found</html>")
    (bad / "bomb.png").write_bytes(_bomb())
    return root


def _bomb():
    """A PNG of a few bytes that claims 60,000 × 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "m.safetensors"
    write_checkpoint(path, SmallResNet(3).eval(), Sidecar("small_resnet", ("a", "b", "c")))
    return path


def _run(zoo, model, tmp_path, *more):
    argv = ["run", "--dataset", "folder", "--data-root", str(zoo), "--checkpoint", str(model)]
    return cli.main([*argv, "--runs-dir", str(tmp_path / "runs"), *more])


def test_every_file_is_a_row_with_its_status(zoo, model, tmp_path, capsys):
    assert _run(zoo, model, tmp_path, "--input-size", "32") == 0
    out, error = capsys.readouterr()
    assert "'c'" in error  # the empty class is said
    report = tmp_path.joinpath(out.strip())
    images = pq.ParquetDataset(report.parents[1] / "images").read().to_pandas()
    status = images.groupby(images["path"].str[0])["status"].agg(set).to_dict()
    assert status == {"a": {"ok"}, "b": {"unreadable"}}
    assert len(images) == len(HOSTILE) + 6 + 4
    broken = images.set_index("path")["status_detail"]
    assert "truncated" in broken["b/truncated.png"]
    assert "empty" in broken["b/zero.png"]
    assert "60000" in broken["b/bomb.png"].replace(",", "").replace(" ", "")
    turned = images.set_index("path").loc["a/turned.jpg"]
    assert (turned["image_height"], turned["image_width"]) == (50, 40)
    assert "frame" in broken["a/animated.webp"]
    assert images["sample_id"].str.endswith("#2").sum() == 1
    assert images.loc[images["status"] == "unreadable", "true_label"].tolist() == ["b"] * 4
    summary = json.loads((report.parents[1] / "summary.json").read_text())
    assert summary["counts"]["unreadable"] == 4
    assert summary["counts"]["duplicates"] == 1
    assert summary["accuracy"]["n"] == len(images) - 4
    cases = pd.read_parquet(report.parents[1] / "cases.parquet")
    assert cases["reason"].str.startswith("could not be read").sum() == 4
    assert "<script>alert" not in report.read_text()


def test_images_of_many_sizes_need_a_size_and_say_so(zoo, model, tmp_path, capsys):
    Image.new("RGB", (31, 77)).save(zoo / "a" / "zz.png")
    assert _run(zoo, model, tmp_path) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("cam-audit: ")
    assert "--input-size" in error


def test_no_readable_image_is_an_error_that_shows_one(zoo, model, tmp_path, capsys):
    for file in (zoo / "a").iterdir():
        file.unlink()
    assert _run(zoo, model, tmp_path) == 3
    assert "none of the 4 images can be read" in capsys.readouterr().err


def test_nan_in_the_weights_is_named(zoo, tmp_path, capsys):
    module = SmallResNet(3).eval()
    module.fc.weight.data[0, 0] = torch.nan
    path = tmp_path / "nan.safetensors"
    write_checkpoint(path, module, Sidecar("small_resnet", ("a", "b", "c")))
    assert _run(zoo, path, tmp_path, "--input-size", "32") == 3
    assert "fc.weight" in capsys.readouterr().err


def test_a_place_that_cannot_hold_runs_is_one_line(zoo, model, tmp_path, capsys):
    (tmp_path / "runs").write_text("a file, not a folder")
    assert _run(zoo, model, tmp_path, "--input-size", "32") == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("cam-audit: ")
    assert "runs" in last


def test_a_full_disk_ends_with_4_and_the_next_run_goes_on(
    zoo, model, tmp_path, capsys, monkeypatch
):
    import errno

    from audit.tables import parts

    written = []
    replace = parts.fsync

    def full(path):
        if path.parent.name == "images" and path.is_file():
            if len(written) >= 2:  # of the run's four parts
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written.append(path)
        replace(path)

    monkeypatch.setattr(parts, "fsync", full)
    more = ("--input-size", "32", "--part-size", "5")
    assert _run(zoo, model, tmp_path, *more) == 4
    error = capsys.readouterr().err.splitlines()[-1]
    assert "disk is full" in error
    monkeypatch.undo()
    assert _run(zoo, model, tmp_path, *more) == 0
    assert "going on; 2 of 4 parts are done" in capsys.readouterr().err


def _table(tmp_path, *labels):
    for i in range(len(labels)):
        Image.new("RGB", (32, 32), (i * 40, 90, 30)).save(tmp_path / f"{i}.png")
    rows = "".join(f"{i}.png,{label}\n" for i, label in enumerate(labels))
    (tmp_path / "t.csv").write_text("path,label\n" + rows)
    return f"table:{tmp_path / 't.csv'}"


def test_a_table_without_any_label_is_audited(model, tmp_path, capsys):
    dataset = _table(tmp_path, "", "", "")
    more = ["--checkpoint", str(model), "--runs-dir", str(tmp_path / "runs")]
    assert cli.main(["run", "--dataset", dataset, *more]) == 0
    report = tmp_path.joinpath(capsys.readouterr().out.strip())
    images = pq.ParquetDataset(report.parents[1] / "images").read().to_pandas()
    assert images["true_class"].isna().all()
    assert images["pred_class"].notna().all()


def test_a_single_class_is_audited(tmp_path, capsys):
    dataset = _table(tmp_path, "only", "only")
    path = tmp_path / "one.safetensors"
    write_checkpoint(path, SmallResNet(1).eval(), Sidecar("small_resnet", ("only",)))
    more = ["--checkpoint", str(path), "--runs-dir", str(tmp_path / "runs")]
    assert cli.main(["run", "--dataset", dataset, *more]) == 0
    report = tmp_path.joinpath(capsys.readouterr().out.strip())
    images = pq.ParquetDataset(report.parents[1] / "images").read().to_pandas()
    assert [list(top) for top in images["topk_class"]] == [[0], [0]]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        '{"format": "cam-audit-run/1"}',
        '{"a":' * 5000,
        '{"format": "cam-audit-run/1", "status": 5}',
    ],
)
def test_a_damaged_manifest_is_one_line_and_hinders_no_other_run(model, tmp_path, capsys, content):
    dataset = _table(tmp_path, "a", "b")
    argv = ["run", "--dataset", dataset, "--runs-dir", str(tmp_path / "runs"), "--no-sanity"]
    argv += ["--checkpoint", str(model), "--class-map", str(_ab(tmp_path))]
    (tmp_path / "runs" / "g").mkdir(parents=True)
    (tmp_path / "runs" / "g" / "manifest.json").write_text(content)
    assert cli.main([*argv, "--run", "g"]) == 3
    assert "manifest.json" in capsys.readouterr().err.splitlines()[-1]
    assert cli.main(argv) == 0


def _ab(tmp_path):
    path = tmp_path / "ab.json"
    classes = {"a": [0], "b": [1]}
    path.write_text(json.dumps({"format": "cam-audit-class-map/1", "classes": classes}))
    return path


@pytest.mark.parametrize("key", ["counts", "accuracy", "galleries", "problems", "two_by_two"])
def test_a_damaged_summary_is_one_line(model, tmp_path, capsys, key):
    dataset = _table(tmp_path, "a", "b")
    argv = ["run", "--dataset", dataset, "--runs-dir", str(tmp_path / "runs"), "--no-sanity"]
    assert cli.main([*argv, "--checkpoint", str(model), "--class-map", str(_ab(tmp_path))]) == 0
    folder = tmp_path.joinpath(capsys.readouterr().out.strip()).parents[1]
    before = (folder / "report" / "index.html").read_bytes()
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {key: 5}))
    assert cli.main(["report", str(folder)]) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert (folder / "report" / "index.html").read_bytes() == before
