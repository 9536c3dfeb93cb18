import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.errors import DataError
from audit.records import OTHER, UNCLASSED, Listing
from audit.regions.box_table import BoxTableAnnotations

SIZE = (32, 48)
HEAD = "path,x0,y0,x1,y1,label\n"


def listing(*paths, classes=("cat", "dog")):
    return Listing(classes, np.zeros(len(paths), np.int64), paths, np.zeros(len(paths), np.int64))


def table(folder, text, paths=("cat/a.png", "b.png"), classes=("cat", "dog")):
    (folder / "boxes.csv").write_text(text, encoding="utf-8")
    return BoxTableAnnotations(folder / "boxes.csv", listing(*paths, classes=classes))


def boxes(found):
    return [(one.box, one.label) for one in found.objects]


def test_the_documents_example(tmp_path):
    text = HEAD + "cat/a.png,4,2,24,18,cat\ncat/a.png,30,8,46,30,dog\n"
    found = table(tmp_path, text, paths=("cat/a.png",))
    assert boxes(found.of(0, SIZE, 1)) == [((4, 2, 24, 18), 0), ((30, 8, 46, 30), 1)]
    assert found.of(0, SIZE, 1).note == ""
    assert found.warnings == ()


def test_names_of_files_are_enough_and_what_is_left_over_is_counted(tmp_path):
    found = table(tmp_path, HEAD + "a.png,4,2,24,18,cat\nz.png,4,2,24,18,dog\n")
    assert boxes(found.of(0, SIZE, 1)) == [((4, 2, 24, 18), 0)]
    assert found.of(1, SIZE, 1).objects == ()
    assert found.warnings == (
        "annotations of no image: 1 ('z.png')",
        "images without annotation: 1 ('b.png')",
    )


def test_one_path_written_in_three_ways(tmp_path):
    text = HEAD + "cat/a.png,0,0,2,2,\n./cat/a.png,0,0,3,3,\ncat\\a.png,0,0,4,4,\n"
    found = table(tmp_path, text, paths=("cat/a.png",))
    assert len(found.of(0, SIZE, 1).objects) == 3
    assert found.warnings == ()


def test_a_row_without_a_box_is_an_image_without_one(tmp_path):
    found = table(tmp_path, HEAD + "cat/a.png,4,2,24,18,cat\nb.png,,,,,\n")
    assert found.of(1, SIZE, 1).objects == ()
    assert found.warnings == ()


def test_a_byte_order_mark_and_further_columns(tmp_path):
    found = table(
        tmp_path, "\ufeffpath, site,x0,y0,x1,y1,label\nb.png,north,0.5,1,2,3,dog\n", ("b.png",)
    )
    assert boxes(found.of(0, SIZE, 1)) == [((0.5, 1, 2, 3), 1)]
    assert found.warnings == ()


def test_a_box_given_twice_counts_once(tmp_path):
    text = HEAD + "b.png,0,0,2,2,cat\n" * 2 + "b.png,0,0,2,2,dog\n"
    found = table(tmp_path, text, ("b.png",))
    assert boxes(found.of(0, SIZE, 1)) == [((0, 0, 2, 2), 0), ((0, 0, 2, 2), 1)]
    assert found.warnings == ("boxes given twice, merged: 1",)


def test_boxes_outside_the_image_are_said_in_its_row(tmp_path):
    found = table(tmp_path, HEAD + "b.png,48,0,60,9,\nb.png,-5,-5,3,3,\n", ("b.png",))
    one = found.of(0, SIZE, 1)
    assert [box for box, _ in boxes(one)] == [(-5, -5, 3, 3)]
    assert one.note == "1 of 2 annotated objects lie outside the image"


def test_boxes_of_a_turned_photo_are_in_its_upright_frame(tmp_path):
    found = table(tmp_path, HEAD + "b.png,1,2,3,4,\n", ("b.png",))
    assert boxes(found.of(0, SIZE, 6)) == [((1, 2, 3, 4), UNCLASSED)]


# Labels


def labels(tmp_path, *cells, classes=("cat", "dog")):
    rows = "".join(f"b.png,0,0,{9 + i},9,{cell}\n" for i, cell in enumerate(cells))
    found = table(tmp_path, HEAD + rows, ("b.png",), classes)
    return [one.label for one in found.of(0, SIZE, 1).objects], found.warnings


def test_names_empty_cells_and_names_that_are_no_class(tmp_path):
    found, warnings = labels(tmp_path, "Dog", "", "NaN", "bird", " cat ")
    assert found == [1, UNCLASSED, UNCLASSED, OTHER, 0]
    assert warnings == (
        "categories that are no class of the dataset, kept as other objects: 1 ('bird')",
    )


def test_names_that_are_never_classes_mean_the_labelled_object(tmp_path):
    found, warnings = labels(tmp_path, "object", "thing")
    assert found == [UNCLASSED, UNCLASSED]
    assert "every object counts as the labelled one" in warnings[0]


def test_whole_numbers_are_indices_of_classes(tmp_path):
    assert labels(tmp_path, "1", "0.0", "") == ([1, 0, UNCLASSED], ())


def test_whole_numbers_are_names_where_the_classes_are_numbers(tmp_path):
    found, warnings = labels(tmp_path, "10", "07", "3.0", "4", classes=("10", "3", "7"))
    assert found == [0, 2, 1, OTHER]
    assert "kept as other objects: 1 ('4')" in warnings[0]


@pytest.mark.parametrize("cell", ["2", "-1"])
def test_an_index_out_of_range_is_named_by_its_row(tmp_path, cell):
    with pytest.raises(
        DataError, match=rf"row 2: the label {cell} is out of range: .* 0 to 1; use names"
    ):
        labels(tmp_path, "1", cell)


def test_without_a_label_column_others_are_named(tmp_path):
    found = table(tmp_path, "path,x0,y0,x1,y1,class\nb.png,0,0,9,9,dog\n", ("b.png",))
    assert [one.label for one in found.of(0, SIZE, 1).objects] == [UNCLASSED]
    assert found.warnings == (
        "no column 'label': every box counts as the image's own class; "
        "columns passed over: 'class'",
    )


# Errors


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("b.png,5,0,5,9,", r"row 2: the box \(5, 0, 5, 9\) must have x1 > x0 and y1 > y0"),
        ("b.png,0,nan,5,9,", r"row 2: the box \(0, nan, 5, 9\) needs all of"),
        ("b.png,0,,5,9,", r"row 2: the box \(0, nan, 5, 9\) needs all of"),
        ("b.png,0,0,inf,9,", r"row 2: the box \(0, 0, inf, 9\) must be finite"),
        ("b.png,0,0,five,9,", r"row 2: x1 is 'five', not a number"),
        (" ,0,0,5,9,", r"row 2: the path is empty"),
        ("../b.png,0,0,5,9,", r"outside the dataset's folder \('../b.png'\)"),
        ("/data/b.png,0,0,5,9,", r"outside the dataset's folder"),
    ],
)
def test_rows_that_break_the_rules(tmp_path, row, says):
    with pytest.raises(DataError, match=says):
        table(tmp_path, f"{HEAD}b.png,0,0,5,5,\n{row}\n")


def test_the_table_is_named_with_the_row(tmp_path):
    with pytest.raises(DataError, match=r"^table '.*boxes\.csv': row 1: the box \(5, 0, 5, 9\) "):
        table(tmp_path, HEAD + "b.png,5,0,5,9,\n")


def test_no_path_of_the_dataset_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"none of the 1 annotated images .*'z.png'.*'cat/a.png'"):
        table(tmp_path, HEAD + "z.png,0,0,5,9,\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,x0,y0,x1,y_1\nb.png,0,0,5,9\n", r"no column 'y1'; .*did you mean 'y_1'"),
        ("path;x0;y0;x1;y1\nb.png;0;0;5;9\n", r"semicolons: separate it by commas"),
        ("path,label\nb.png,cat\n", r"no column 'x0' and no column 'y0'"),
        (HEAD, "has no rows"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, text, says):
    with pytest.raises(DataError, match=says):
        table(tmp_path, text)


def test_other_kinds_of_file_and_missing_ones(tmp_path):
    with pytest.raises(DataError, match=r"must end in .csv or .parquet"):
        BoxTableAnnotations(tmp_path / "boxes.xlsx", listing("b.png"))
    with pytest.raises(DataError, match=r"none.csv' does not exist"):
        BoxTableAnnotations(tmp_path / "none.csv", listing("b.png"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"folder.csv' is a folder: a .csv or .parquet file is"):
        BoxTableAnnotations(tmp_path / "folder.csv", listing("b.png"))


# The whole


def test_parquet_says_the_same_as_csv(tmp_path):
    columns = {
        "path": ["b.png", "b.png"],
        **{name: [value, None] for name, value in zip(("x0", "y0"), (4.0, 2.0), strict=True)},
        **{name: [value, None] for name, value in zip(("x1", "y1"), (24, 18), strict=True)},
        "label": ["cat", None],
    }
    pq.write_table(pa.table(columns), tmp_path / "boxes.parquet")
    binary = BoxTableAnnotations(tmp_path / "boxes.parquet", listing("b.png"))
    text = table(tmp_path, HEAD + "b.png,4,2,24,18,cat\n", ("b.png",))
    assert boxes(binary.of(0, SIZE, 1)) == [((4, 2, 24, 18), 0)]
    assert binary.digest == text.digest


def test_the_digest_follows_boxes_owners_and_classes(tmp_path):
    texts = ["b.png,0,0,5,5,cat", "b.png,0,0,5,6,cat", "b.png,0,0,5,5,dog", "a.png,0,0,5,5,cat"]
    digests = {table(tmp_path, f"{HEAD}{text}\n").digest for text in texts}
    assert len(digests) == 4
    assert table(tmp_path, f"{HEAD}b.png,0.0,0,5,5,Cat\n").digest in digests


def test_it_travels_to_worker_processes(tmp_path):
    found = table(tmp_path, HEAD + "b.png,4,2,24,18,dog\n")
    copy = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own bytes
    assert boxes(copy.of(1, SIZE, 1)) == [((4, 2, 24, 18), 1)]
