"""Reading a run folder, whole and broken."""

import json

import pyarrow.parquet as pq
import pytest

from audit.errors import DataError
from audit.report import contract
from audit.report.load import read_run
from audit.tables.schema import TABLES


def by_index(run):
    return {case.index: case for case in read_run(run).cases}


def drop_column(path, name):
    pq.write_table(pq.read_table(path).drop_columns([name]), path)


def test_every_column_read_is_one_that_the_audit_writes():
    for table in ("images", "media", "cases", "classes", "pairs", "interventions", "cues"):
        written = {column.name for column in TABLES[table](1)}
        assert set(getattr(contract, table.upper())) <= written
    assert {column.name for column in TABLES["classes"](1)} >= set(contract.CLASS_VERDICTS)


def test_cases_are_joined_over_parts(run):
    cases = by_index(run)
    assert sorted(cases) == [0, 1, 2, 3, 4, 5, 6]
    wrong = cases[1]
    assert (wrong.true.label, wrong.predicted.label) == (
        "<script>alert(1)</script>",
        'the "quoted" dog',
    )
    assert (wrong.correct, wrong.area, wrong.severity) == (False, 0.125, 0.5)
    assert wrong.flags == ("misclassified", "off_object")
    assert wrong.galleries == ("misclassified", "off_object")


def test_maps_are_the_grid_row_by_row(run, case):
    cam = by_index(run)[3].predicted.cam
    assert list(cam) == case(3, 3, 3, on=True, galleries=[])["pred_cam"]
    assert (len(cam), max(cam)) == (48, 255)


def test_nulls_and_nan_are_none(run):
    cases = by_index(run)
    assert cases[4].true is None
    assert cases[4].correct is None
    assert (cases[5].region, cases[5].area) == (None, None)
    assert cases[5].predicted.mass is None  # a NaN in the table
    assert (cases[6].true.cam, cases[6].true.cam_status) == (None, "zero")
    assert cases[6].path is None


def test_only_the_rows_of_shown_cases_are_kept(tmp_path, write_run, case):
    rows = [case(at, 0, 0, on=True, galleries=["control"]) for at in range(6)]
    run = write_run(tmp_path / "run", rows)
    media = run / "media/part-00001.parquet"
    pq.write_table(pq.read_table(media).slice(0, 1), media)
    assert [one.index for one in read_run(run).cases] == [0, 1, 2, 3]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"no run folder at .*nowhere"):
        read_run(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "summary.json",
        "cases.parquet",
        "classes.parquet",
        "pairs.parquet",
        "images",
    ],
)
def test_a_missing_file_is_named(run, name):
    path = run / name
    for part in sorted(path.glob("*")) or [path]:
        part.unlink()
    with pytest.raises(DataError, match=f"{name}.*not a finished run folder"):
        read_run(run)


def test_a_run_that_kept_no_case_has_no_media(run):
    for part in (run / "media").iterdir():
        part.unlink()
    (run / "media").rmdir()
    assert read_run(run).cases == ()


def test_another_format_is_refused_before_its_keys_are_missed(run):
    (run / "manifest.json").write_text('{"format": "cam-audit-run/9"}')
    with pytest.raises(DataError, match="'cam-audit-run/9'; this version reads 'cam-audit-run/1'"):
        read_run(run)


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_json_that_is_none(run, text):
    (run / "summary.json").write_text(text)
    with pytest.raises(DataError, match=r"summary\.json"):
        read_run(run)


def test_a_missing_key_names_the_nearest(run):
    path = run / "summary.json"
    content = json.loads(path.read_text())
    content["attention"]["median_masses"] = content["attention"].pop("median_mass")
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"attention has no key 'median_mass'.*'median_masses'"):
        read_run(run)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("images/part-00000.parquet", "pred_mass_lift"),
        ("media/part-00000.parquet", "region"),
        ("cases.parquet", "severity"),
        ("classes.parquet", "off_object_rate"),
    ],
)
def test_a_missing_column_is_named(run, name, column):
    drop_column(run / name, column)
    with pytest.raises(DataError, match=f"has no column '{column}'"):
        read_run(run)


def test_a_table_that_is_cut_short(run):
    path = run / "classes.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"classes\.parquet cannot be read as Parquet"):
        read_run(run)


def test_media_without_its_row(run):
    path = run / "images/part-00001.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(DataError, match="media names image 3, which images has no row of"):
        read_run(run)


def test_maps_of_another_size_than_the_manifest_says(run):
    path = run / "manifest.json"
    path.write_text(path.read_text().replace('"grid": [6, 8]', '"grid": [6, 9]'))
    with pytest.raises(DataError, match=r"true_cam has 48 cells; manifest\.json says 54"):
        read_run(run)


def test_only_cases_with_a_cause_have_a_patch(found):
    patches = {index: case.patch for index, case in by_index(found).items()}
    assert [index for index, patch in patches.items() if patch] == [10, 11, 12]


def test_a_run_without_covered_pictures_cues_and_interventions(found):
    for part in (found / "media").iterdir():
        drop_column(part, "covered")
    (found / "cues.parquet").unlink()
    for part in (found / "interventions").iterdir():
        part.unlink()
    case = by_index(found)[12]
    assert (case.covered, case.patch) == (None, None)
    assert read_run(found).cues == ()


@pytest.mark.parametrize("key", ["counts", "estimated_regions", "version"])
def test_verdicts_that_lack_a_key_are_named(found, key):
    path = found / "summary.json"
    content = json.loads(path.read_text())
    del content["verdicts"][key]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=f"verdicts has no key '{key}'"):
        read_run(found)


def test_classes_need_their_verdict_columns_only_where_there_are_verdicts(run, found):
    for folder in (run, found):
        drop_column(folder / "classes.parquet", "s1_effect")
    assert len(read_run(run).classes) == 4
    with pytest.raises(DataError, match="has no column 's1_effect'"):
        read_run(found)
