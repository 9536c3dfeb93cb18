import json

import pytest

from audit.errors import ConfigError, DataError
from audit.gates.measures import Pairs
from audit.gates.runs import pairs_of, read_run, same_data


def test_a_run_is_read_through_a_link(run, tmp_path):
    (tmp_path / "latest").symlink_to("run")
    found = read_run(tmp_path / "latest")
    assert found.name == "run"
    assert [row["label"] for row in found.classes] == ["cat", "dog", "fox"]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("manifest.json", None, "has no manifest.json"),
        ("manifest.json", "{", "is not JSON"),
        ("manifest.json", "[1]", "holds no JSON object"),
        ("manifest.json", '{"format": "cam-audit-run/9"}', "format 'cam-audit-run/9'"),
        ("manifest.json", '{"format": "cam-audit-run/1", "name": 1}', "no key 'status'"),
        ("summary.json", None, "has no summary.json"),
        ("classes.parquet", None, "has no classes.parquet"),
        ("classes.parquet", "no table", "cannot be read as Parquet"),
    ],
)
def test_a_folder_that_is_no_finished_run_is_named(run, file, content, said):
    (run / file).unlink()
    if content is not None:
        (run / file).write_text(content)
    with pytest.raises(DataError, match=said):
        read_run(run)


def test_a_run_that_goes_on_is_not_judged(write_run, tmp_path):
    with pytest.raises(DataError, match="marked 'running': finish the run first"):
        read_run(write_run(tmp_path / "r", status="running"))
    with pytest.raises(DataError, match="no run folder at"):
        read_run(tmp_path / "nowhere")


def test_pairs_are_counted_image_by_image(write_run, answers, tmp_path):
    """Of class 0 two are lost and one is won; one image has no label now, one is new."""
    before = answers((("cat", 5, 3), ("dog", 2, 2)))  # cat: 0, 1, 2 right; 3, 4 wrong
    now = [dict(one) for one in before]
    for name, correct in {"0-000": False, "0-001": False, "0-003": True, "1-001": None}.items():
        next(one for one in now if one["sample_id"] == name)["correct"] = correct
    now.append({"sample_id": "new", "true_class": 0, "correct": False})
    base = read_run(write_run(tmp_path / "a", images=before, fingerprint={"weights": "11"}))
    found = pairs_of(read_run(write_run(tmp_path / "b", images=now)), base)
    assert found.overall == Pairs(6, 2, 1)
    assert found.classes == {0: Pairs(5, 2, 1), 1: Pairs(1, 0, 0)}


def test_runs_of_one_plan_are_known_as_the_same(write_run, tmp_path):
    runs = [read_run(write_run(tmp_path / name)) for name in "ab"]
    assert pairs_of(*runs).overall == Pairs(240, 0, 0, same=True)


def test_a_sample_that_comes_twice_is_refused(write_run, answers, tmp_path):
    good = read_run(write_run(tmp_path / "a"))
    bad = read_run(write_run(tmp_path / "b", images=answers() + answers()[:1]))
    with pytest.raises(DataError, match="sample_id more than once"):
        pairs_of(good, bad)


def test_a_run_without_its_images_is_refused(write_run, tmp_path):
    run = write_run(tmp_path / "r")
    for part in (run / "images").iterdir():
        part.unlink()
    with pytest.raises(DataError, match=r"r/images has no part-\*.parquet: not a finished run"):
        read_run(run)
    (run / "images").rmdir()
    with pytest.raises(DataError, match="r/images has no part-"):
        read_run(run)


def test_a_run_that_lacks_a_part_says_how_many_rows_and_how_to_get_them(run):
    """240 answers in two halves."""
    (run / "images/part-00001.parquet").unlink()
    with pytest.raises(DataError) as caught:
        read_run(run)
    assert str(caught.value) == (
        f"{run}/images holds 120 rows in 1 part, but 240 images were audited: the same `cam-audit "
        "run` command, with --run run, makes a missing part again"
    )


def test_the_part_that_cannot_be_read_is_the_one_that_is_named(run):
    part = run / "images/part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"part-00001\.parquet cannot be read as") as caught:
        read_run(run)
    assert str(caught.value).endswith("command, with --run run, makes it again")


def test_a_run_that_does_not_say_how_many_were_audited_is_read(run):
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["dataset"]["audited"]
    path.write_text(json.dumps(manifest))
    assert read_run(run).name == "run"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"fingerprint": {"dataset": "ee"}}, "the dataset's listing (ee against dd)"),
        ({"fingerprint": {"annotations": "ee"}}, "the annotations (ee against aa)"),
        ({"fingerprint": {"score_version": "1"}}, "the score version (1 against 2)"),
        ({"dataset": {"name": "shapes", "split": "val"}}, "the split (val against test)"),
        ({"method": "grad-cam++"}, "the method (grad-cam++ against grad-cam)"),
        ({"view": [96, 96]}, "the model's view (96×96 against 224×224)"),
        ({"model": {"grid": [14, 7]}}, "the maps' grid (14×7 against 7×7), the crop (none against"),
        (
            {"model": {"grid": [7, 7], "preprocessing": {"resize": [96, 90], "crop": 224}}},
            "the resize (96×90 against none)",
        ),
        ({"config": {"limit": 9, "seed": 1}}, "the sample (9 of seed 1 against all)"),
    ],
)
def test_a_baseline_of_other_data_is_refused_and_told_in_what(run, write_run, tmp_path, more, said):
    base = read_run(write_run(tmp_path / "base", **more))
    with pytest.raises(ConfigError) as caught:
        same_data(read_run(run), base, ["median_lift"])
    assert said in str(caught.value)


def test_other_weights_are_what_a_baseline_is_for(run, write_run, tmp_path):
    base = read_run(write_run(tmp_path / "base", fingerprint={"weights": "11"}))
    same_data(read_run(run), base, ["verdicts.counts.spurious", "accuracy.value", "s1_rate"])


def test_answers_are_compared_whatever_the_regions(run, write_run, tmp_path):
    other = {"method": "cam", "view": [96, 96], "model": {"grid": [3, 3]}}
    base = read_run(write_run(tmp_path / "base", fingerprint={"annotations": "ee"}, **other))
    same_data(read_run(run), base, ["accuracy.value", "accuracy", "counts.unreadable"])


@pytest.mark.parametrize("metric", ["verdicts.whole_set.rate", "s1_rate"])
def test_verdicts_of_another_version_are_not_compared(run, write_run, tmp_path, summary, metric):
    other = {"verdicts": summary["verdicts"] | {"version": 2}}
    base = read_run(write_run(tmp_path / "base", summary=other))
    with pytest.raises(ConfigError, match=r"verdicts' version \(2 against 1\)"):
        same_data(read_run(run), base, ["accuracy.value", metric])
    same_data(read_run(run), base, ["accuracy.value", "median_lift"])
