import csv
import pickle
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from audit.data.table import TableSource
from audit.errors import DataError


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png", "c.png", "deep/d.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (9, 8), ord(path.stem)).save(path)
    return tmp_path


def _boxes(reading):
    return [list(one.box) for one in reading.annotation.objects]


def write(folder, text, name="t.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def table_of(folder, text):
    return TableSource(write(folder, text))


# Paths


def test_rows_become_images_in_the_tables_order(folder):
    source = table_of(folder, "path,label\nb.png,dog\ndeep/d.png,cat\na.png,dog\n")
    listing = source.listing
    assert listing.paths == ("b.png", "deep/d.png", "a.png")
    assert listing.classes == ("cat", "dog")
    assert listing.labels.tolist() == [1, 0, 1]
    assert listing.labels.dtype == listing.sizes.dtype == np.int64
    assert listing.sizes.tolist() == [(folder / path).stat().st_size for path in listing.paths]
    assert listing.annotations == ""
    assert source.warnings == ()
    reading = source.read(0)
    assert (reading.pixels == ord("b")).all()
    assert _boxes(reading) == []
    assert source.slices(0) == {}


def test_paths_are_relative_to_the_data_root_that_holds_them(folder, tmp_path_factory):
    table = write(tmp_path_factory.mktemp("tables"), "path,label\nd.png,x\n")
    assert (TableSource(table, folder / "deep").read(0).pixels == ord("d")).all()


def test_a_data_root_without_the_files_falls_back_to_the_tables_folder(folder, tmp_path_factory):
    table = write(folder, "path,label\na.png,x\n")
    assert TableSource(table, tmp_path_factory.mktemp("data")).read(0).pixels is not None
    assert TableSource(table, folder / "not there").read(0).pixels is not None


def test_absolute_paths_are_kept_and_shortened_below_the_base(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "e.png"
    Image.new("L", (2, 2), 5).save(elsewhere)
    source = table_of(folder, f"path,label\n{folder}/a.png,x\n{elsewhere},x\n")
    assert source.listing.paths == ("a.png", str(elsewhere))
    assert (source.read(1).pixels == 5).all()


def test_a_missing_file_stays_a_row(folder):
    source = table_of(folder, "path,label\na.png,x\ngone.png,x\n")
    assert source.listing.sizes[1] == 0
    assert "no such file" in source.read(1).detail
    assert source.warnings == ("files that do not exist: 1 (first: 'gone.png')",)


def test_no_file_at_all_means_the_wrong_root(folder):
    table = write(folder, "path,label\nx/a.png,1\nx/b.png,1\n")
    with pytest.raises(DataError, match=r"none of.*'x/a.png'.*/deep' and '.*\(--data-root"):
        TableSource(table, folder / "deep")


def test_an_empty_path_is_named_by_its_row(folder):
    with pytest.raises(DataError, match="row 2: the path is empty"):
        table_of(folder, "path,label\na.png,x\n,x\n")


@pytest.mark.parametrize("name", ["a b", 'it\'s "so"', "new\nline", "<script>", "ключ", "c,d"])
def test_odd_names_survive_the_csv(folder, name):
    Image.new("L", (2, 2)).save(folder / f"{name}.png")
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label"), (f"{name}.png", name)])
    source = TableSource(folder / "t.csv")
    assert source.listing.paths == (f"{name}.png",)
    assert source.listing.classes == (name,)
    assert source.read(0).pixels is not None


# Labels


def test_whole_numbers_name_the_classes_up_to_the_largest(folder):
    source = table_of(folder, "path,label\na.png,3\nb.png,0\nc.png,3.0\n")
    assert source.listing.classes == ("0", "1", "2", "3")
    assert source.listing.labels.tolist() == [3, 0, 3]


def test_empty_and_nan_are_no_label_but_na_is_a_name(folder):
    source = table_of(folder, "path,label\na.png,\nb.png,NaN\nc.png,NA\ndeep/d.png, cat \n")
    assert source.listing.classes == ("NA", "cat")
    assert source.listing.labels.tolist() == [-1, -1, 0, 1]


def test_a_table_without_any_label_is_a_dataset(folder):
    source = table_of(folder, "path,label\na.png,\nb.png,\n")
    assert source.listing.classes == ()
    assert source.listing.labels.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["1", "-1"], r"row 2: the label -1 is out of range.*0 to 99999.*leave the cell empty"),
        (["0", "4294967295"], r"row 2: the label 4294967295 is out of range"),
        (["1", "cat"], r"row 2: the label 'cat' is a name, but '1' in row 1 is a number"),
        (["1", "2.5"], r"row 2: the label '2.5' is no class"),
        (["cat", "1e3"], r"row 2: the label '1e3' is no class"),
    ],
)
def test_labels_that_break_the_rules_are_named_by_row_and_value(folder, labels, says):
    with pytest.raises(DataError, match=says):
        table_of(folder, f"path,label\na.png,{labels[0]}\nb.png,{labels[1]}\n")


def parquet(folder, **columns):
    pq.write_table(pa.table(columns), folder / "t.parquet")
    return TableSource(folder / "t.parquet")


def test_parquet_integers_and_nulls(folder):
    source = parquet(folder, path=["a.png", "b.png", "c.png"], label=[1, None, 0])
    assert source.listing.classes == ("0", "1")
    assert source.listing.labels.tolist() == [1, -1, 0]


def test_parquet_strings_may_mix_digits_and_letters(folder):
    source = parquet(folder, path=["a.png", "b.png"], label=["7", "A"])
    assert source.listing.classes == ("7", "A")
    as_category = pa.array(["7", "A"]).dictionary_encode()
    assert parquet(folder, path=["a.png", "b.png"], label=as_category).listing.classes == ("7", "A")


def test_what_pandas_writes_is_read(folder):
    frame = pd.DataFrame({"path": ["a.png", "b.png"], "label": [1, np.nan], "site": ["x", None]})
    frame.to_csv(folder / "t.csv")
    frame.set_index(pd.Index(["p", "q"])).to_parquet(folder / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        source = TableSource(folder / name)
        assert source.listing.labels.tolist() == [1, -1]
        assert source.slices(0) == {"site": "x"}
        assert source.slices(1) == {}


# Boxes


def test_rows_of_one_path_are_the_boxes_of_one_image(folder):
    source = table_of(
        folder,
        "path,label,x0,y0,x1,y1\n"
        "a.png,dog,4,1,9,3.5\nb.png,cat,0,0,5,5\n./a.png,dog,0,0,2,2\nc.png,cat,,,,\n",
    )
    assert source.listing.paths == ("a.png", "b.png", "c.png")
    assert source.listing.labels.tolist() == [1, 0, 0]
    assert _boxes(source.read(0)) == [[0, 0, 2, 2], [4, 1, 9, 3.5]]
    assert _boxes(source.read(1)) == [[0, 0, 5, 5]]
    assert _boxes(source.read(2)) == []
    assert source.warnings == ()


def test_annotations_change_with_a_box_and_with_its_owner(folder):
    head = "path,label,x0,y0,x1,y1\n"
    texts = ["a.png,x,0,0,2,2\nb.png,x,,,,\n", "a.png,x,0,0,2,3\nb.png,x,,,,\n"]
    texts += ["a.png,x,,,,\nb.png,x,0,0,2,2\n"]
    hashes = {table_of(folder, head + text).listing.annotations for text in texts}
    assert len(hashes) == 3
    assert all(len(text) == 32 for text in hashes)


def test_a_box_given_twice_counts_once(folder):
    source = table_of(folder, "path,label,x0,y0,x1,y1\n" + "a.png,x,0,0,2,2\n" * 2)
    assert _boxes(source.read(0)) == [[0, 0, 2, 2]]
    assert source.warnings == ("boxes given twice, merged: 1",)


def test_boxes_partly_outside_are_left_to_be_clipped(folder):
    source = table_of(folder, "path,label,x0,y0,x1,y1\na.png,x,-5,-5,100,3\n")
    assert _boxes(source.read(0)) == [[-5, -5, 100, 3]]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("5,0,5,9", r"row 2: the box \(5, 0, 5, 9\) must have x1 > x0 and y1 > y0"),
        ("0,9,5,1", r"row 2: the box \(0, 9, 5, 1\) must have"),
        ("0,,5,1", r"row 2: the box \(0, nan, 5, 1\) needs all of"),
        ("0,0,inf,1", r"row 2: the box \(0, 0, inf, 1\) must be finite"),
        ("0,0,five,1", r"row 2: x1 is 'five', not a number"),
    ],
)
def test_boxes_that_break_the_rules_are_named_by_row(folder, cells, says):
    with pytest.raises(DataError, match=says):
        table_of(folder, f"path,label,x0,y0,x1,y1\na.png,x,0,0,3,3\nb.png,x,{cells}\n")


def test_fractions_are_not_taken_for_pixels(folder):
    with pytest.raises(DataError, match=r"fractions of the image; multiply"):
        table_of(folder, "path,label,x0,y0,x1,y1\na.png,x,0.1,0.2,0.9,1.0\n")


def test_an_image_has_one_label(folder):
    with pytest.raises(DataError, match=r"rows 1 and 3 give 'a.png' two labels, 'cat' and 'dog'"):
        table_of(folder, "path,label\na.png,cat\nb.png,cat\na.png,dog\n")
    with pytest.raises(
        DataError, match=r"rows 1 and 2 give 'a.png' two labels, 'cat' and no label"
    ):
        table_of(folder, "path,label\na.png,cat\na.png,\n")


def test_repeated_rows_are_merged_and_said(folder):
    source = table_of(folder, "path,label\na.png,x\nb.png,x\na.png,x\n")
    assert source.listing.paths == ("a.png", "b.png")
    assert source.warnings == ("rows that repeat a path, merged: 1",)


# Slices


def test_further_columns_are_slices_as_text(folder):
    source = parquet(
        folder,
        path=["a.png", "b.png"],
        label=["x", "y"],
        site=["north", None],
        year=[2024, 2025],
        day=[date(2024, 1, 2), None],
        bytes=[b"1", b"2"],
        points=[[1, 2], [3]],
    )
    assert source.slices(0) == {"site": "north", "year": "2024", "day": "2024-01-02"}
    assert source.slices(1) == {"year": "2025"}
    assert source.warnings == ("columns without a text form, left out: bytes, points",)


def test_slices_that_differ_between_an_images_rows_are_joined(folder):
    source = table_of(
        folder,
        "path,label,x0,y0,x1,y1,pose,site\n"
        "a.png,x,0,0,2,2,left,n\na.png,x,3,3,5,5,right,n\nb.png,x,0,0,2,2,,n\n",
    )
    assert source.slices(0) == {"pose": "left | right", "site": "n"}
    assert source.slices(1) == {"site": "n"}


# The file itself


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,label\na.png,x\n", r"no column 'path'; present: 'file', 'label'"),
        ("path,lable\na.png,x\n", r"no column 'label'.*did you mean 'lable'"),
        ("path;label\na.png;x\n", r"no column 'path' and no column 'label'; present: 'path;label'"),
        ("path,label,x0,y0\na.png,x,1,1\n", r"no column 'x1' and no column 'y1'"),
        ("path,label,label\na.png,x,y\n", r"two columns of the name 'label'"),
        ("path,label\n", r"has no rows"),
        ("", r"cannot be read: Empty CSV"),
        (
            "path,label\na.png,x\nb.png,x,y\n",
            r"cannot be read: .* row 2: Expected 2 columns, got 3",
        ),
    ],
)
def test_tables_that_do_not_fit_are_explained(folder, text, says):
    with pytest.raises(DataError, match=says):
        table_of(folder, text)


def test_text_that_is_not_utf8_is_an_error(folder):
    (folder / "t.csv").write_bytes(b"path,label\na.png,caf\xe9\n")
    with pytest.raises(DataError, match=r"(?i)cannot be read: .*utf-?8"):
        TableSource(folder / "t.csv")


def test_a_byte_order_mark_and_spaces_in_the_header_do_not_hide_a_column(folder):
    (folder / "t.csv").write_bytes("\ufeffpath, label\na.png,x\n".encode())
    assert TableSource(folder / "t.csv").listing.classes == ("x",)


def test_a_file_that_is_no_parquet_is_an_error(folder):
    (folder / "t.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(DataError, match="cannot be read"):
        TableSource(folder / "t.parquet")


def test_binary_paths_are_named_as_such(folder):
    with pytest.raises(DataError, match=r"no column 'path'.*without a text form 'path'"):
        parquet(folder, path=[b"a.png"], label=["x"])


def test_a_missing_table_and_another_suffix_are_named(folder):
    with pytest.raises(DataError, match=r"none.csv' does not exist"):
        TableSource(folder / "none.csv")
    with pytest.raises(DataError, match=r"must end in .csv or .parquet"):
        TableSource(folder / "t.tsv")


def test_it_travels_to_worker_processes(folder):
    source = table_of(folder, "path,label,x0,y0,x1,y1,site\na.png,x,0,0,2,2,n\n")
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
    assert _boxes(copy.read(0)) == [[0, 0, 2, 2]]
    assert copy.slices(0) == {"site": "n"}
