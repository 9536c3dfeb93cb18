"""The audit as a library: runs, tables, cases, and what the documentation's examples print."""

import importlib.util
import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import audit
from audit.config import RunConfig
from audit.errors import ConfigError, DataError
from audit.options import RunOptions, run_config

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
    assert shown.count("<figure") == 3
    assert "Map for the label, &lt;script&gt;" in shown
    assert "Map for the prediction, the &quot;quoted&quot; dog" in shown
    assert "Map for the label and prediction, cat" in opened.case(0)._repr_html_()
    assert repr(opened.case(0)) == "<image 0: label cat>"


def test_a_case_without_a_picture_lies_on_a_grey_ground(opened):
    for part in (opened.path / "media").glob("*.parquet"):
        part.unlink()
    case = opened.case(6)  # no map either
    assert _shape(case.png()) == (168, 456, 3)
    assert "No picture is kept of this image" in case._repr_html_()
    assert opened.pictured() == []
    with pytest.raises(DataError, match="no image 99"):
        opened.case(99)


def test_the_pictured_images_of_a_gallery(opened):
    assert opened.pictured() == [0, 1, 2, 3, 4, 5, 6]
    assert opened.pictured("misclassified") == [1, 2, 5]
    with pytest.raises(ConfigError, match="there is no gallery 'mis'"):
        opened.pictured("mis")


def test_a_run_says_what_it_is(opened):
    shown = opened._repr_html_()
    assert "1,240 images, accuracy 90.0%" in shown
    assert repr(opened) == f"<run run: 1,240 images, accuracy 90.0%; {opened.path}>"


def test_on_a_grey_ground_the_region_is_washed_over_its_cells(opened):
    case = opened.case(0)
    half = [0.0] * 48
    half[:24] = [1e6] * 24  # more than any cell of 6×8 can hold: the upper three rows are full
    bare = replace(case, media={}, row={**case.row, "region_grid": half, "valid_grid": None})
    view = cv2.imdecode(np.frombuffer(bare.png(), np.uint8), cv2.IMREAD_COLOR)[:, :224].astype(int)
    # 150/255 of (242, 227, 123) over 110: 187.6, 178.8, 117.6; below it stays grey
    assert np.abs(view[:80] - [188, 179, 118]).max() <= 1
    assert (view[90:] == 110).all()


def test_a_caption_has_maps_although_it_has_no_class(opened):
    case = opened.case(1)
    row = {**case.row, "true_class": None, "pred_class": None, "true_label": "a red fish"}
    told = replace(case, row={**row, "pred_label": "a blue fish"})
    assert _shape(told.png()) == (168, 3 * 224 + 16, 3)
    assert "Map for the prediction, a blue fish" in told._repr_html_()
    assert _shape(replace(case, row={**row, "pred_label": "a red fish"}).png())[1] == 2 * 224 + 8


@pytest.mark.parametrize("index", ["17", True, 1.7, None, float("nan")])
def test_what_is_no_index(opened, index):
    with pytest.raises(ConfigError, match="is no whole number"):
        opened.case(index)
    with pytest.raises(ConfigError, match="is no whole number"):
        opened.maps([0, index])


def test_a_mask_and_a_text_are_no_indices(opened):
    with pytest.raises(ConfigError, match=r"images\.index\[mask\]"):
        opened.maps(opened.images["correct"][:1])
    with pytest.raises(ConfigError, match="is no list of indices"):
        opened.maps("12")
    with pytest.raises(ConfigError, match="is no list of indices"):
        opened.maps(3)
    with pytest.raises(ConfigError, match="counted from 0"):
        opened.case(10**30)
    assert opened.case(np.int64(1)).index == 1
    assert opened.maps(opened.images.index[:2]).shape[0] == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limit": "many"}, "limit 'many' is a str: a whole number or None is needed"),
        ({"limit": 1.5}, "limit 1.5 is a float: a whole number or None"),
        ({"limit": True}, "limit True is a bool"),
        ({"sanity": "no"}, "sanity 'no' is a str: True or False is needed"),
        ({"fill": "red"}, "fill 'red'; known: blur, inpaint, mean"),
        ({"dtype": "float16"}, "dtype 'float16'; did you mean 'bfloat16'"),
        ({"data_root": 5}, "data_root 5 is a int: a path is needed"),
        ({"dataset": None}, "dataset None is a NoneType: a text is needed"),
        ({"model": object}, "name a function of your own as 'package.module:function'"),
        ({"mean": 0.5}, "mean 0.5 is a float: a text or None is needed"),
        ({"say": 3}, "say 3: a function of one line of text is needed"),
    ],
)
def test_a_value_of_another_kind_is_refused_before_anything_runs(options, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        audit.run(**options)


def test_values_may_have_their_natural_form_in_python():
    config = run_config(
        {"data_root": "here", "crop": 96, "mean": (0.5, 0.25, 1), "limit": np.int64(7)}
    )
    assert (config.data_root, config.crop, config.mean) == (Path("here"), "96", "0.5,0.25,1")
    assert config.limit == 7
    assert type(config.limit) is int


def test_the_typed_options_are_the_options():
    assert list(RunOptions.__annotations__) == [field.name for field in fields(RunConfig)]


def test_a_run_is_named_by_its_path():
    with pytest.raises(ConfigError, match="path of a run folder is needed"):
        audit.load_run(None)


def test_an_unknown_option_names_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'dataset'"):
        audit.run(datset="decoy")
    with pytest.raises(DataError, match="no run folder"):
        audit.load_run(tmp_path / "none")


def test_the_examples_of_the_documentation_run(
    monkeypatch, tmp_path, stl10_root, checkpoint, capsys
):
    """docs/library.md, its blocks one after the other, on a tiny dataset."""
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
