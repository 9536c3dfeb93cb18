"""Tiny seeded inputs that several tests share."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from audit.config import RunConfig
from audit.data import stl10
from audit.models.reference import SmallResNet
from audit.models.sidecar import Sidecar, write_checkpoint
from audit.tables.parts import part_path, write_table
from audit.tables.sliced import Slices, read_slices

STL10_CLASSES = (
    "airplane",
    "bird",
    "car",
    "cat",
    "deer",
    "dog",
    "horse",
    "monkey",
    "ship",
    "truck",
)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own CAM_AUDIT_ variables must not change what is tested."""
    for name in list(os.environ):
        if name.startswith("CAM_AUDIT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def stl10_root(tmp_path: Path) -> Path:
    """A data root with a test split of 24 images in STL10's binary format."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "stl10_binary"
    folder.mkdir(parents=True)
    rng.integers(0, 256, (24, 3, 96, 96), dtype=np.uint8).tofile(folder / "test_X.bin")
    (np.arange(24, dtype=np.uint8) % 10 + 1).tofile(folder / "test_y.bin")
    return tmp_path / "data"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A small residual network with seeded random weights for STL10's ten classes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = SmallResNet(10).eval()
    path = tmp_path / "random.safetensors"
    sidecar = Sidecar("small_resnet", STL10_CLASSES, target_layer="layer3")
    write_checkpoint(path, module, sidecar)
    return path


@pytest.fixture
def run_config(stl10_root: Path, checkpoint: Path, tmp_path: Path) -> RunConfig:
    """An audit of those 24 images with that checkpoint: three parts of ten rows at most."""
    return RunConfig(
        dataset="stl10",
        data_root=stl10_root,
        checkpoint=checkpoint,
        runs_dir=tmp_path / "runs",
        batch_size=4,
        part_size=10,
        regions="none",  # GrabCut takes 50 ms an image: tests/regions/pseudo asks for it
        sanity=False,  # forty more forwards an image: tests/sanity asks for them
    )


@pytest.fixture
def masked_config(run_config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    """The same with a mask an image: its left half."""
    mask = np.zeros((24, 96, 96), dtype=np.uint8)
    mask[:, :48] = 1  # file order is column by column
    file = run_config.data_root / "mask.bin"
    mask.tofile(file)
    opened = stl10.open_stl10
    monkeypatch.setattr(
        stl10, "open_stl10", lambda root, split: replace(opened(root, split), masks_file=file)
    )
    return replace(run_config, regions="native")


_GOOD = {
    "index": 0,
    "path": "a.jpg",
    "sample_id": "00",
    "status": "ok",
    "status_detail": None,
    "n_regions": 1,
    "region_source": "annotation",
    "region_area_fraction": 0.2,
    "region_visible_fraction": 1.0,
    "pred_region_area_fraction": 0.2,
    "pred_region_visible_fraction": 1.0,
    "pred_guard_area_fraction": 0.4,
    "present_classes": None,
    "true_class": 1,
    "pred_class": 1,
    "true_label": "car",
    "pred_label": "car",
    "correct": True,
    "true_probability": 0.9,
    "pred_probability": 0.9,
    "true_cam_status": "ok",
    "pred_cam_status": "ok",
    "true_relevance_mass_accuracy": 0.5,
    "true_mass_lift": 2.5,
    "pred_relevance_mass_accuracy": 0.5,
    "pred_mass_lift": 2.5,
    "pred_pointing_game_hit_guard": True,
    "true_cam_entropy": 0.8,
    "true_border_mass": 0.3,
    "cam_agreement": 1.0,
    "other_region_mass": None,
    "center_baseline_mass": 0.3,
    "permuted_baseline_mass": 0.3,
}


_UNREADABLE = {
    **dict.fromkeys(set(_GOOD) - {"index", "path", "sample_id", "region_source"}),
    "status": "unreadable",
    "status_detail": "truncated",
    "true_class": 1,
}


@pytest.fixture
def make_images() -> Callable[..., pd.DataFrame]:
    """Rows of the ``images`` columns that triage reads: one per change to a good image's row."""

    def make(*changes: dict[str, object] | str) -> pd.DataFrame:
        rows = [_UNREADABLE if change == "unreadable" else change for change in changes]
        frame = pd.DataFrame([_GOOD | {"index": i} | row for i, row in enumerate(rows)])
        booleans = ["correct", "pred_pointing_game_hit_guard"]
        integers = ["n_regions", "true_class", "pred_class"]
        frame[booleans] = frame[booleans].astype("boolean")
        frame[integers] = frame[integers].astype("Int32")
        return frame

    return make


@pytest.fixture
def read_sliced(tmp_path: Path) -> Callable[..., Slices]:
    """Lists of maps, one list a part → what is read of them."""

    def written(*parts: list[dict[str, str]]) -> Slices:
        for k, rows in enumerate(parts):
            column = pa.array(
                [list(one.items()) for one in rows], pa.map_(pa.string(), pa.string())
            )
            write_table(pa.table({"slices": column}), part_path(tmp_path, k), {})
        return read_slices(tmp_path)

    return written


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of the GPU run where there is one; elsewhere they are left out, and counted as such."""
    if torch.cuda.is_available():
        return
    left_out = [item for item in items if item.get_closest_marker("cuda")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI nothing may be skipped: what a test needs is installed there, so a skip is a fault."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="module")  # one Playwright a process at a time, and other tests start theirs
def chromium() -> Iterator[Any]:
    """A started Chromium; the test is skipped, and says so, where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: looked for " + ", ".join(names))
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page and, at the end, asserts that its console stayed silent."""
    said: list[str] = []
    contexts: list[Any] = []

    def failed(request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # what a reload or closing the page cuts off
            said.append(request.url)

    def opened(index: Path, fragment: str = "", width: int = 1280, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", failed)
        page.goto(f"{index.as_uri()}{fragment}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture
def accessible() -> Callable[[Any], None]:
    """Asserts that axe finds no serious or critical violation on a page as it is now."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe").Axe()

    def check(page: Any) -> None:
        page.wait_for_function(
            "document.getAnimations().every((one) => one.playState !== 'running')"
        )
        found = axe.run(
            page, options={"preload": False}
        ).response  # the page's policy lets it fetch none
        assert len(found["passes"]) > 20  # it looked at the page
        grave = [rule for rule in found["violations"] if rule["impact"] in {"serious", "critical"}]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in grave] == []

    return check
