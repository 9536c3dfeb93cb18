"""The audit as a library: runs, tables, cases, and what the documentation's examples print."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import audit
from audit.errors import ConfigError, DataError

ROOT = Path(__file__).parents[1]
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def made():
    """The report's made-up run folders."""
    spec = importlib.util.spec_from_file_location("report_made", ROOT / "tests/report/conftest.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["report_made"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def opened(made, tmp_path):
    return audit.load_run(made.write_run(tmp_path / "run"))


def _shape(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).shape


def test_importing_the_package_and_opening_a_run_need_no_torch(made, tmp_path):
    run = made.write_run(tmp_path / "run")
    code = (
        "import sys, audit\n"
        "assert not {'torch', 'pandas', 'numpy'} & set(sys.modules)\n"
        f"audit.load_run({str(run)!r}).case(1).png()\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_package_offers_its_names_and_no_others():
    assert set(audit.__all__) <= set(dir(audit))
    with pytest.raises(AttributeError, match="no attribute 'walk'"):
        audit.walk  # noqa: B018


def test_tables_are_frames_by_index_with_nulls_kept(opened):
    assert opened.images.index.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert opened.images["correct"].isna().sum() == 1  # image 4 has no label
    assert opened.images["correct"].sum() == 3  # 0, 3 and 6
    assert "true_cam" not in opened.images
    assert opened.cases.loc[1, "off_object"]
    assert opened.classes["n"].tolist() == [300] * 4
    assert opened.pairs["n"].sum() == 25 + 30 + 270
    assert opened.interventions.empty
    assert "p_after" in opened.interventions
    assert opened.cues.empty
    assert opened.slices.empty
    assert opened.questions.empty
    assert opened.nouns.empty
    assert opened.words.empty
    assert opened.images is opened.images  # read once


def test_maps_come_in_the_order_asked_for(opened):
    maps = opened.maps([6, 1, 0])
    assert maps.shape == (3, 6, 8)
    assert np.isnan(maps[0]).all()  # image 6 has none
    assert maps[1].max() == maps[2].max() == 1
    assert not np.array_equal(opened.maps([1], "true")[0], maps[1])
    with pytest.raises(ConfigError, match="known: true, pred"):
        opened.maps([0], "label")
    with pytest.raises(DataError, match="no image 99"):
        opened.maps([0, 99])


def test_a_case_is_drawn_with_one_panel_a_class_and_escaped(opened):
    # The view's 90 × 120 at 224 wide is 168 high; panels are 8 px apart.
    assert _shape(opened.case(0).png()) == (168, 2 * 224 + 8, 3)  # right: view and one map
    assert _shape(opened.case(1).png()) == (168, 3 * 224 + 16, 3)
    shown = opened.case(1)._repr_html_()
    assert SCRIPT not in shown
    assert "&lt;script&gt;" in shown
    assert shown.count("<tr>") == 3  # the heading, label and prediction
    assert opened.case(1)._repr_png_() == opened.case(1).png()


def test_a_case_without_a_picture_lies_on_a_grey_ground(opened):
    for part in (opened.path / "media").glob("*.parquet"):
        part.unlink()
    case = opened.case(6)  # no map either
    assert _shape(case.png()) == (168, 456, 3)
    assert opened.pictured() == []
    with pytest.raises(DataError, match="no image 99"):
        opened.case(99)


def test_the_pictured_images_of_a_gallery(opened):
    assert opened.pictured() == [0, 1, 2, 3, 4, 5, 6]
    assert opened.pictured("misclassified") == [1, 2, 5]


def test_a_run_says_what_it_is(opened):
    shown = opened._repr_html_()
    assert "1,240 images, accuracy 90.0%" in shown


def test_an_unknown_option_names_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'dataset'"):
        audit.run(datset="decoy")
    with pytest.raises(DataError, match="no run folder"):
        audit.load_run(tmp_path / "none")


def test_the_examples_of_the_documentation_run(
    monkeypatch, tmp_path, stl10_root, checkpoint, capsys
):
    """docs/library.md, its blocks one after the other, on a tiny dataset."""
    import re

    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.safetensors").symlink_to(checkpoint)
    (tmp_path / "weights.json").symlink_to(checkpoint.with_suffix(".json"))
    page = (ROOT / "docs/library.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 3
    names = {}
    for block in blocks:
        exec(compile(block, "docs/library.md", "exec"), names)  # noqa: S102 - the page's examples
    assert len(names["run"].images) == 24
    assert capsys.readouterr().err  # what a person should know, told on stderr
