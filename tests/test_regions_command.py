import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from audit.auditing import run_audit
from audit.config import RegionsConfig, RunConfig
from audit.data.stl10 import open_stl10
from audit.errors import ConfigError
from audit.region_choice import choose_regions
from audit.regions.coco import CocoAnnotations
from audit.regions.pseudo import estimate
from audit.regions_command import write_regions
from pipelines.cli import main


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever lies in torch's cache, and whether there is a network: GrabCut."""

    def fail(device: torch.device) -> None:
        raise OSError("no network")

    monkeypatch.setattr(estimate.mask_rcnn, "load_detector", fail)


@pytest.fixture
def squares(stl10_root: Path) -> Path:
    """The 24 images with a bright square on dark ground: rows 30 to 65, columns 24 to 71."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 30, (24, 3, 96, 96), dtype=np.uint8)
    images[:, :, 30:66, 24:72] += 200
    images.swapaxes(-1, -2).tofile(stl10_root / "stl10_binary" / "test_X.bin")
    return stl10_root


def test_a_dataset_without_files_is_written_with_its_pictures(squares: Path) -> None:
    said: list[str] = []
    config = RegionsConfig(data_root=squares, limit=10, device="cpu")
    path = write_regions(config, said.append)
    assert path == squares / "regions" / "stl10-test.json"
    held = json.loads(path.read_text())
    assert held["info"]["region_source"] == "pseudo:grabcut"
    assert [one["bbox"] for one in held["annotations"]] == [[24, 30, 48, 36]] * 10
    source = open_stl10(squares, "test")
    for image in held["images"]:
        shown = np.asarray(
            Image.open(squares / "regions" / "stl10-test.images" / image["file_name"])
        )
        index = int(image["file_name"][:6])
        assert np.array_equal(shown, source.images[index].transpose(1, 2, 0))
        annotation = CocoAnnotations(path, source.listing).of(index, (96, 96), 1)
        assert annotation.objects[0].label == source.listing.labels[index]
    assert len(held["images"]) == 10
    assert "regions are estimates, not annotations: 10 by pseudo:grabcut" in said


def test_a_file_that_may_hold_corrections_is_kept(squares: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.json"
    output.write_text("corrected")
    with pytest.raises(ConfigError, match=r"may hold corrections: move it away, or .* --output"):
        write_regions(RegionsConfig(data_root=squares, output=output), print)
    assert output.read_text() == "corrected"


def test_the_command_prints_the_file_last(
    squares: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["regions", "--data-root", str(squares), "--limit", "10", "--device", "cpu"]) == 0
    assert capsys.readouterr().out == f"{squares / 'regions' / 'stl10-test.json'}\n"
    assert main(["regions", "--data-root", str(squares)]) == 2
    assert "may hold corrections" in capsys.readouterr().err


def test_photos_keep_their_names_and_their_folder(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 30, (40, 60, 3), dtype=np.uint8)
    pixels[12:28, 20:40] += 200
    for name in ("cat/a.png", "dog/b.png"):
        (tmp_path / "val" / name).parent.mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "val" / name)
    config = RegionsConfig(dataset="folder", data_root=tmp_path / "val", split="val", device="cpu")
    path = write_regions(config, lambda line: None)
    assert path == tmp_path / "regions" / "folder-val.json"
    held = json.loads(path.read_text())
    assert [image["file_name"] for image in held["images"]] == ["cat/a.png", "dog/b.png"]
    assert [one["bbox"] for one in held["annotations"]] == [[20, 12, 20, 16]] * 2
    assert sorted(p.name for p in (tmp_path / "val").iterdir()) == ["cat", "dog"]


def test_a_run_without_annotations_takes_the_same_estimates(squares: Path) -> None:
    write_regions(RegionsConfig(data_root=squares, device="cpu"), lambda line: None)
    source = open_stl10(squares, "test")
    said: list[str] = []
    config = RunConfig(dataset="stl10", data_root=squares)
    chosen = choose_regions(config, source, np.arange(24), torch.device("cpu"), said.append)
    assert chosen.how == "pseudo"
    assert chosen.digest
    assert chosen.notes[0] == "regions are estimates, not annotations: 24 by pseudo:grabcut"
    assert not any(line.startswith("estimating") for line in said)
    (one,) = chosen.regions.of(5, (96, 96), 1).objects
    assert np.argwhere(one.mask).min(axis=0).tolist() == [30, 24]
    assert np.argwhere(one.mask).max(axis=0).tolist() == [65, 71]


def _audited(config: RunConfig, regions: str | None, run: str) -> tuple[Path, pd.DataFrame]:
    report = run_audit(replace(config, regions=regions, run=run, budget=0))
    return report, pq.ParquetDataset(report.parents[1] / "images").read().to_pandas()


def test_the_file_handed_back_gives_the_same_scores(squares: Path, run_config: RunConfig) -> None:
    """Estimates stay estimates until the file no longer says so; then they are annotations."""
    report, estimated = _audited(run_config, None, "estimated")  # STL10's own choice
    assert set(estimated["region_source"]) == {"pseudo:grabcut"}
    file = write_regions(RegionsConfig(data_root=squares, device="cpu"), lambda line: None)
    _, handed_back = _audited(run_config, f"coco:{file}", "back")
    content = json.loads(file.read_text())
    del content["info"]["region_source"]
    file.write_text(json.dumps(content))
    checked, corrected = _audited(run_config, f"coco:{file}", "checked")
    assert set(handed_back["region_source"]) == {"pseudo:grabcut"}
    assert set(corrected["region_source"]) == {"annotation"}
    for name in ("true_mass_lift", "true_pixel_auroc", "center_baseline_mass", "true_cam_box_iou"):
        assert estimated[name].notna().sum() >= 20, name
        for other in (handed_back, corrected):
            np.testing.assert_allclose(other[name], estimated[name], atol=1e-6)
    page, worth = report.read_text("utf-8"), "with a mean IoU of"
    assert (
        page.index("These regions are estimates") < page.index(worth) < page.index('id="release"')
    )
    assert worth not in checked.read_text("utf-8")


@pytest.mark.parametrize(("regions", "measured"), [(None, ["pseudo:grabcut"]), ("none", [])])
def test_the_worth_of_estimates_is_reported_where_there_are_some(
    squares: Path, run_config: RunConfig, regions: str | None, measured: list[str]
) -> None:
    said: list[str] = []
    config = replace(run_config, regions=regions, budget=0, limit=10)
    summary = json.loads((run_audit(config, said.append).parents[1] / "summary.json").read_text())
    assert list(summary["regions"]["quality"]) == measured
    assert ("none could be judged off the object" in said[-1]) == (not measured)
