import pickle
import re

import numpy as np
import pytest

from audit.errors import DataError
from audit.records import OTHER, UNCLASSED, Listing
from audit.regions import voc
from audit.regions.voc import VocAnnotations, files_below

CAT = (5, 3, 24, 18)  # docs/regions.md: columns 4 to 23, rows 2 to 17
DOG = (31, 9, 46, 30)
SIZE = (32, 48)


def listing(*paths, classes=("cat", "dog")):
    return Listing(classes, np.zeros(len(paths), np.int64), paths, np.zeros(len(paths), np.int64))


def thing(name, corners, more=""):
    inside = "".join(
        f"<{tag}>{value}</{tag}>"
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    )
    return f"<object><name>{name}</name>{more}<bndbox>{inside}</bndbox></object>"


def stated(width, height):
    return f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"


def put(folder, name, *parts):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation>{''.join(parts)}</annotation>", encoding="utf-8")


def boxes(found):
    return [(one.box, one.label) for one in found.objects]


def test_the_documents_example(tmp_path):
    put(tmp_path, "cat/a.xml", stated(48, 32), thing("cat", CAT), thing("dog", DOG))
    found = VocAnnotations(tmp_path, listing("cat/a.png"))
    # xmin 5 counts from 1: column 4; xmax 24 is the last column inside, 23, so x1 is 24
    assert boxes(found.of(0, SIZE, 1)) == [((4, 2, 24, 18), 0), ((30, 8, 46, 30), 1)]
    assert found.of(0, SIZE, 1).note == ""
    assert found.warnings == ()


def test_a_file_in_a_flat_folder_is_found_by_its_name(tmp_path):
    put(tmp_path, "a.xml", thing("cat", CAT))
    found = VocAnnotations(tmp_path, listing("cat/a.png", "dog/b.png"))
    assert boxes(found.of(0, SIZE, 1)) == [((4, 2, 24, 18), 0)]
    assert found.of(1, SIZE, 1).objects == ()
    assert found.warnings == ("images without annotation: 1 ('dog/b.png')",)


def test_fractions_of_a_pixel_and_one_pixel_wide_boxes(tmp_path):
    put(tmp_path, "a.xml", thing("cat", (1.5, 2, 3.25, 2)))
    found = VocAnnotations(tmp_path, listing("a.png"))
    assert boxes(found.of(0, SIZE, 1)) == [((0.5, 1, 3.25, 2), 0)]


def test_difficult_objects_are_ignored_area(tmp_path):
    put(
        tmp_path,
        "a.xml",
        thing("cat", CAT, "<difficult>1</difficult>"),
        thing("dog", DOG, "<difficult>0</difficult>"),
    )
    found = VocAnnotations(tmp_path, listing("a.png")).of(0, SIZE, 1)
    assert [one.ignore for one in found.objects] == [True, False]


def test_the_parts_of_an_object_are_not_objects(tmp_path):
    head = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
    head += "<xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    put(tmp_path, "a.xml", thing("cat", CAT, head))
    found = VocAnnotations(tmp_path, listing("a.png"))
    assert boxes(found.of(0, SIZE, 1)) == [((4, 2, 24, 18), 0)]


def test_a_name_that_is_no_class_is_another_object(tmp_path):
    put(tmp_path, "a.xml", thing("Cat", CAT), thing("bird", DOG))
    found = VocAnnotations(tmp_path, listing("a.png"))
    assert [one.label for one in found.of(0, SIZE, 1).objects] == [0, OTHER]
    assert found.warnings == (
        "categories that are no class of the dataset, kept as other objects: 1 ('bird')",
    )


def test_names_that_are_never_classes_and_missing_ones_mean_the_labelled_object(tmp_path):
    put(tmp_path, "a.xml", thing("object", CAT), thing("", DOG))
    found = VocAnnotations(tmp_path, listing("a.png"))
    assert [one.label for one in found.of(0, SIZE, 1).objects] == [UNCLASSED, UNCLASSED]
    assert "every object counts as the labelled one" in found.warnings[0]


def test_a_photo_turned_by_exif_takes_its_boxes_along(tmp_path):
    # Stored 3 wide and 2 high; orientation 6 turns it clockwise: top left goes to top right
    put(tmp_path, "a.xml", stated(3, 2), thing("cat", (1, 1, 1, 1)))
    found = VocAnnotations(tmp_path, listing("a.png")).of(0, (3, 2), 6)
    assert boxes(found) == [((1, 0, 2, 1), 0)]
    assert "turned upright" in found.note


def test_a_stated_size_of_another_image_is_not_used(tmp_path):
    put(tmp_path, "a.xml", stated(500, 375), thing("cat", CAT))
    found = VocAnnotations(tmp_path, listing("a.png")).of(0, SIZE, 1)
    assert found.objects == ()
    assert "not used: they are of an image of 500×375 pixels" in found.note


@pytest.mark.parametrize("size", [(0, 0), ("", ""), ("nan", 32), ("wide", "high")])
def test_a_size_that_says_nothing_is_not_compared(tmp_path, size):
    put(tmp_path, "a.xml", stated(*size), thing("cat", CAT))
    assert len(VocAnnotations(tmp_path, listing("a.png")).of(0, SIZE, 1).objects) == 1


@pytest.mark.parametrize(
    ("corners", "says"),
    [
        ((24, 3, 5, 18), "xmin 24, ymin 3, xmax 5, ymax 18: the box has no area"),
        ((5, 3, 24, 2), "the box has no area"),  # y0 is 2, y1 is 2
        (("nan", 3, 24, 18), "xmin nan, .*: four finite numbers are needed"),
        ((5, 3, "inf", 18), "four finite numbers"),
        ((5, 3, "", 18), "xmax missing, .*four finite numbers"),
    ],
)
def test_a_bad_box_is_left_out_by_name(tmp_path, corners, says):
    put(tmp_path, "a.xml", thing("dog", corners), thing("cat", CAT))
    found = VocAnnotations(tmp_path, listing("a.png"))
    (warning,) = found.warnings
    assert warning.startswith("annotated objects left out: 1 (\"a.xml: object 1 ('dog')")
    one = found.of(0, SIZE, 1)
    assert boxes(one) == [((4, 2, 24, 18), 0)]
    assert re.search(says, one.note)


def test_an_object_without_a_box_is_left_out_by_name(tmp_path):
    put(tmp_path, "a.xml", "<object><name>cat</name></object>")
    found = VocAnnotations(tmp_path, listing("a.png"))
    assert "object 1 ('cat') left out: it has no bndbox" in found.of(0, SIZE, 1).note


def test_many_bad_objects_make_a_short_note(tmp_path):
    put(tmp_path, "a.xml", *[thing("cat", (9, 9, 1, 1))] * 500)
    found = VocAnnotations(tmp_path, listing("a.png"))
    assert found.of(0, SIZE, 1).note.endswith("the box has no area; 499 more left out")
    assert len(found.warnings[0]) < 400


def test_boxes_outside_their_image_are_counted(tmp_path):
    put(tmp_path, "a.xml", stated(48, 32), thing("cat", (49, 1, 60, 9)), thing("cat", CAT))
    put(tmp_path, "b.xml", thing("cat", (49, 1, 60, 9)))
    found = VocAnnotations(tmp_path, listing("a.png", "b.png"))
    assert found.warnings == ("annotation files with boxes outside their image: 1 ('a.xml')",)
    assert found.of(0, SIZE, 1).note == "1 of 2 annotated objects lie outside the image"
    assert found.of(1, SIZE, 1).note == "1 of 1 annotated objects lie outside the image"


def test_files_without_objects_and_corners_from_zero_are_said(tmp_path):
    put(tmp_path, "a.xml", stated(48, 32))
    put(tmp_path, "b.xml", thing("cat", (0, 0, 9, 9)))
    found = VocAnnotations(tmp_path, listing("a.png", "b.png"))
    assert found.of(0, SIZE, 1).objects == ()
    assert found.of(0, SIZE, 1).note == ""
    assert found.warnings == (
        "annotation files without an object: 1 ('a.xml')",
        "annotation files with corners below 1, where VOC counts from 1: 1 ('b.xml')",
    )


LAUGHS = (
    '<!DOCTYPE annotation [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><annotation>&c;</annotation>'
)
BAD = {
    "laughs": (LAUGHS, "document type or entities"),
    "external": (
        '<!DOCTYPE annotation [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        "<annotation><object><name>&x;</name></object></annotation>",
        "document type or entities",
    ),
    "remote": (
        '<!DOCTYPE annotation SYSTEM "http://127.0.0.1/a.dtd"><annotation/>',
        "document type or entities",
    ),
    "cut": ("<annotation><object>", "not valid XML"),
    "empty": ("", "not valid XML"),
    "encoding": ('<?xml version="1.0" encoding="klingon"?><annotation/>', "not valid XML"),
    "page": ("<html/>", "root is <html>, not <annotation>"),
}


@pytest.mark.parametrize(("text", "says"), BAD.values(), ids=BAD)
def test_a_bad_file_is_left_out_and_said_in_its_row(tmp_path, text, says):
    put(tmp_path, "a.xml", thing("cat", CAT))
    (tmp_path / "b.xml").write_text(text)
    found = VocAnnotations(tmp_path, listing("a.png", "b.png"))
    assert len(found.of(0, SIZE, 1).objects) == 1
    assert found.of(1, SIZE, 1).objects == ()
    assert says in found.of(1, SIZE, 1).note
    assert found.of(1, SIZE, 1).note.startswith("annotation file not used: ")
    (warning,) = found.warnings
    assert warning.startswith("annotation files left out: 1 (")
    assert "b.xml: " in warning
    assert says in warning


def test_a_file_that_is_too_large_is_never_read(tmp_path, monkeypatch):
    monkeypatch.setattr(voc, "_MAX_BYTES", 400)
    put(tmp_path, "a.xml", thing("cat", CAT))
    put(tmp_path, "b.xml", thing("cat", CAT), " " * 400)
    found = VocAnnotations(tmp_path, listing("a.png", "b.png"))
    assert "bytes; the limit is 400" in found.of(1, SIZE, 1).note


def test_only_bad_files_end_the_run(tmp_path):
    (tmp_path / "a.xml").write_text(LAUGHS)
    with pytest.raises(DataError, match=r"none of the 1 XML files .* 'a.xml': it declares"):
        VocAnnotations(tmp_path, listing("a.png"))


def test_folders_without_what_is_needed_are_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere' does not exist: expected a folder of .xml"):
        VocAnnotations(tmp_path / "nowhere", listing("a.png"))
    with pytest.raises(DataError, match=r"no \.xml file"):
        VocAnnotations(tmp_path, listing("a.png"))
    put(tmp_path, "b.xml", thing("cat", CAT))
    with pytest.raises(DataError, match=r"none of the 1 annotated images .*'b.xml'.*'a.png'"):
        VocAnnotations(tmp_path, listing("a.png"))


def test_only_the_files_of_the_datasets_images_are_parsed(tmp_path):
    put(tmp_path, "a.xml", thing("cat", CAT))
    (tmp_path / "c.xml").write_text("no XML")
    found = VocAnnotations(tmp_path, listing("a.png"))
    assert found.warnings == ("annotations of no image: 1 ('c.xml')",)


def test_the_digest_follows_the_content_and_the_classes(tmp_path):
    put(tmp_path, "a.xml", thing("cat", CAT))
    first = VocAnnotations(tmp_path, listing("a.png")).digest
    assert VocAnnotations(tmp_path, listing("a.png")).digest == first
    other = VocAnnotations(tmp_path, listing("a.png", classes=("dog", "cat"))).digest
    put(tmp_path, "a.xml", thing("cat", (5, 3, 24, 19)))
    changed = VocAnnotations(tmp_path, listing("a.png")).digest
    assert len({first, other, changed}) == 3
    assert len(first) == 32


def test_it_travels_to_worker_processes(tmp_path):
    put(tmp_path, "a.xml", thing("cat", CAT))
    copy = pickle.loads(pickle.dumps(VocAnnotations(tmp_path, listing("a.png"))))  # noqa: S301
    assert boxes(copy.of(0, SIZE, 1)) == [((4, 2, 24, 18), 0)]


def test_files_are_found_once_through_links_and_never_hidden_ones(tmp_path):
    put(tmp_path, "in/b.XML")
    put(tmp_path, "a.xml")
    put(tmp_path, "._a.xml")
    put(tmp_path, ".cache/a.xml")
    (tmp_path / "in" / "round").symlink_to(tmp_path)
    assert files_below(tmp_path, ".xml") == ["a.xml", "in/b.XML"]
