"""The example of docs/targets.md is run as it stands there."""

import re
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from audit.auditing import run_audit
from audit.config import RunConfig

DOCS = Path(__file__).parents[1] / "docs" / "targets.md"
MOST_LINES = 39
CLASSES = 10


@pytest.fixture
def code():
    (first, *_) = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    return first


@pytest.fixture
def here(tmp_path, monkeypatch, code):
    """A folder with the example's module, and two images of each of ten classes: a grey level."""
    (tmp_path / "my_model.py").write_text(code, "utf-8")
    for label in range(CLASSES):
        folder = tmp_path / "photos" / f"c{label}"
        folder.mkdir(parents=True)
        for k in range(2):
            rng = np.random.default_rng([label, k])
            picture = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / f"{k}.png"), picture)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_example_has_less_than_forty_lines(code):
    assert len(code.splitlines()) <= MOST_LINES


def test_the_example_is_audited_as_the_nearest_prototype_says(here):
    config = RunConfig(
        dataset="folder",
        data_root=here / "photos",
        split="test",
        model="my_model:model",
        target_layer="body.layer4",
        runs_dir=here / "runs",
        run="own",
        workers=0,
        sanity=False,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        run = run_audit(config).parents[1]
        torch.manual_seed(0)
        module = __import__("my_model").model()[0].eval()
    table = pq.read_table(run / "images").to_pandas()
    assert len(table) == 2 * CLASSES
    assert set(table["true_cam_status"]) <= {"ok", "zero"}
    for row in table.itertuples():
        picture = cv2.imread(str(here / "photos" / row.path))[:, :, ::-1].copy()
        with torch.no_grad():
            embedding = module.body(torch.from_numpy(picture).permute(2, 0, 1)[None] / 255)[0]
        distance = [(embedding - one).norm().item() for one in module.prototypes]
        weight = np.exp(-np.array(distance))
        assert row.pred_class == int(np.argmin(distance))
        assert row.true_probability == pytest.approx(
            weight[row.true_class] / weight.sum(), abs=1e-5
        )
