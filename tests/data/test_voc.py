import pickle

import numpy as np
import pytest
from PIL import Image

from audit.data.voc import VOC_CLASSES, VocSource
from audit.errors import DataError
from audit.regions.masks import MaskAnnotations

CAT, DOG, PERSON = (VOC_CLASSES.index(name) for name in ("cat", "dog", "person"))


def thing(name, corners, difficult=0):
    inside = "".join(
        f"<{tag}>{value}</{tag}>"
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    )
    return (
        f"<object><name>{name}</name><difficult>{difficult}</difficult>"
        f"<bndbox>{inside}</bndbox></object>"
    )


@pytest.fixture
def make(tmp_path):
    """Write a VOC folder: the images of a split, and the XML objects of each."""

    def voc(images, folder="VOCdevkit/VOC2012", split="val"):
        root = tmp_path / folder
        for name in ("ImageSets/Main", "JPEGImages", "Annotations"):
            (root / name).mkdir(parents=True, exist_ok=True)
        for i, (name, objects) in enumerate(images.items()):
            Image.new("L", (48, 32), 10 * i).save(root / "JPEGImages" / f"{name}.jpg")
            if objects is not None:
                size = "<size><width>48</width><height>32</height></size>"
                text = f"<annotation>{size}{''.join(objects)}</annotation>"
                (root / "Annotations" / f"{name}.xml").write_text(text)
        lines = "".join(f"{name}\n" for name in images)
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text(lines)
        return root

    return voc


def test_the_label_is_the_class_of_the_largest_object(make):
    root = make(
        {
            # 20 × 16 = 320 and 16 × 22 = 352 pixels
            "b": [thing("cat", (5, 3, 24, 18)), thing("dog", (31, 9, 46, 30))],
            "a": [thing("cat", (5, 3, 24, 18)), thing("person", (1, 1, 2, 2))],
        }
    )
    listing = VocSource(root, "val").listing
    assert listing.classes == VOC_CLASSES
    assert listing.paths == ("JPEGImages/b.jpg", "JPEGImages/a.jpg")
    assert listing.labels.tolist() == [DOG, CAT]
    assert listing.present == ((CAT,), (PERSON,))
    assert listing.labels.dtype == listing.sizes.dtype == np.int64
    assert listing.sizes.tolist() == [(root / path).stat().st_size for path in listing.paths]
    assert len(listing.annotations) == 32


def test_difficult_objects_label_an_image_only_where_there_are_no_others(make):
    small, large = (1, 1, 4, 4), (1, 1, 40, 30)
    root = make(
        {
            "a": [thing("cat", small), thing("dog", large, 1)],
            "b": [thing("cat", small, 1), thing("dog", large, 1)],
            "c": [],
        }
    )
    source = VocSource(root, "val")
    assert source.listing.labels.tolist() == [CAT, DOG, -1]
    assert source.listing.present == ((DOG,), (CAT,), ())
    assert source.warnings == ("annotation files without an object: 1 ('c.xml')",)


def test_a_photo_comes_with_its_objects(make):
    source = VocSource(
        make({"a": [thing("cat", (5, 3, 24, 18)), thing("dog", (1, 1, 9, 9), 1)]}), "val"
    )
    reading = source.read(0)
    assert reading.pixels.shape == (32, 48, 3)
    assert [(one.box, one.label, one.ignore) for one in reading.annotation.objects] == [
        ((4, 2, 24, 18), CAT, False),
        ((0, 0, 9, 9), DOG, True),
    ]
    assert source.slices(0) == {}
    assert source.warnings == ()


def test_a_photo_turned_by_exif_takes_its_boxes_along(make):
    # Stored 48 wide and 32 high; orientation 6 turns it clockwise: x = 32 - y1, y = x0
    root = make({"a": [thing("cat", (5, 3, 24, 18))]})
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (48, 32)).save(root / "JPEGImages" / "a.jpg", exif=exif)
    reading = VocSource(root, "val").read(0)
    assert reading.pixels.shape == (48, 32, 3)
    assert [one.box for one in reading.annotation.objects] == [(14, 4, 30, 24)]


def test_other_names_are_classes_of_their_own_sorted(make):
    root = make({"a": [thing("weld", (1, 1, 9, 9))], "b": [thing("cat", (1, 1, 9, 9))]})
    listing = VocSource(root, "val").listing
    assert listing.classes == ("cat", "weld")
    assert listing.labels.tolist() == [1, 0]


@pytest.mark.parametrize("root", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_the_folder_is_found_from_above(make, tmp_path, root):
    folder = make({"a": [thing("cat", (1, 1, 9, 9))]})
    source = VocSource(tmp_path / root, "val")
    assert source.root == folder
    assert source.warnings == ()


def test_of_several_years_the_newest_with_the_split_is_taken_and_said(make, tmp_path):
    cat, dog = [thing("cat", (1, 1, 9, 9))], [thing("dog", (1, 1, 9, 9))]
    make({"a": cat}, "VOCdevkit/VOC2007")
    make({"a": dog}, "VOCdevkit/VOC2012")
    make({"t": cat}, "VOCdevkit/VOC2007", "test")
    source = VocSource(tmp_path, "val")
    assert source.listing.labels.tolist() == [DOG]
    assert source.warnings == (
        "split 'val' of VOCdevkit/VOC2012 taken; VOCdevkit/VOC2007 has it too",
    )
    test = VocSource(tmp_path, "test")
    assert test.root.name == "VOC2007"
    assert test.warnings == ()


def test_a_missing_split_names_those_there_are(make):
    root = make({"a": [thing("cat", (1, 1, 9, 9))]})
    (root / "ImageSets" / "Main" / "cat_val.txt").write_text("a  1\n")
    (root / "ImageSets" / "Main" / "train.txt").write_text("a\n")
    with pytest.raises(DataError, match=r"no split 'test' in .*known: train, val; .*VOCDetection"):
        VocSource(root, "test")
    with pytest.raises(DataError, match=r"no split '\.\./Main/val'"):
        VocSource(root, "../Main/val")


def test_no_voc_folder_says_how_to_get_one(tmp_path):
    with pytest.raises(DataError, match=r"no VOC folder at .*ImageSets/Main.*VOCDetection\(root"):
        VocSource(tmp_path, "val")


def test_a_missing_part_of_the_folder_is_named(make):
    root = make({"a": None})
    (root / "Annotations").rmdir()
    with pytest.raises(DataError, match="has no folder Annotations"):
        VocSource(root, "val")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "x\\y", ".."])
def test_names_that_are_paths_are_refused(make, name):
    root = make({"a": [thing("cat", (1, 1, 9, 9))]})
    (root / "ImageSets" / "Main" / "val.txt").write_text(f"a\n{name}\n")
    with pytest.raises(
        DataError, match=r"line 2: .* is no image name: expected the name of a file"
    ):
        VocSource(root, "val")


def test_empty_and_unreadable_splits_are_errors(make):
    file = make({"a": []}) / "ImageSets" / "Main" / "val.txt"
    file.write_text("\n \n")
    with pytest.raises(DataError, match="names no image"):
        VocSource(file.parents[2], "val")
    file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match="cannot be read"):
        VocSource(file.parents[2], "val")


def test_missing_images_and_files_stay_rows_and_are_said(make):
    root = make({"a": [thing("cat", (1, 1, 9, 9))], "b": None})
    (root / "ImageSets" / "Main" / "val.txt").write_text("\ufeffa\nb\ngone\na\n")
    source = VocSource(root, "val")
    assert source.listing.labels.tolist() == [CAT, -1, -1]
    assert source.listing.sizes[2] == 0
    assert "no such file" in source.read(2).detail
    assert source.read(1).annotation.objects == ()
    assert source.warnings == (
        "names given twice in the split, merged: 1 ('a')",
        "images that do not exist: 1 ('gone')",
        "images without an XML file, which have no label: 2 ('b', 'gone')",
    )


def test_no_image_at_all_is_an_error(make):
    root = make({"a": []})
    (root / "JPEGImages" / "a.jpg").unlink()
    with pytest.raises(DataError, match=r"none of the 1 images of split 'val' exists.*'a.jpg'"):
        VocSource(root, "val")


def test_a_split_without_any_xml_is_a_dataset_without_labels(make):
    source = VocSource(make({"a": None}), "val")
    assert source.listing.classes == VOC_CLASSES
    assert source.listing.labels.tolist() == [-1]
    assert source.listing.annotations == ""


def test_a_bad_file_leaves_its_image_without_label(make):
    root = make({"a": [thing("cat", (1, 1, 9, 9))], "b": [thing("dog", (9, 9, 1, 1))], "c": []})
    (root / "Annotations" / "c.xml").write_text("<annotation>")
    source = VocSource(root, "val")
    assert source.listing.labels.tolist() == [CAT, -1, -1]
    assert "not valid XML" in source.read(2).annotation.note
    assert [warning.split(":")[0] for warning in source.warnings] == [
        "annotation files left out",
        "annotated objects left out",
    ]


def test_vocs_masks_fit_its_images_by_name(make):
    root = make({"a": [thing("cat", (1, 1, 9, 9))]})
    (root / "SegmentationClass").mkdir()
    index = Image.new("P", (48, 32), CAT + 1)
    index.putpalette([i // 3 for i in range(768)])
    index.save(root / "SegmentationClass" / "a.png")
    masks = MaskAnnotations(root / "SegmentationClass", VocSource(root, "val").listing)
    assert [one.label for one in masks.of(0, (32, 48), 1).objects] == [CAT]


def test_it_travels_to_worker_processes(make):
    source = VocSource(make({"a": [thing("cat", (1, 1, 9, 9))]}), "val")
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
    assert len(copy.read(0).annotation.objects) == 1
