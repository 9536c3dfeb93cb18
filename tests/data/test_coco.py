import json
import os
import pickle

import numpy as np
import pytest
from PIL import Image

from audit.data import json_file as module
from audit.data.base import Source
from audit.data.coco import CocoSource, read_coco
from audit.data.decode import digest_of
from audit.errors import DataError

CATEGORIES = [{"id": 30, "name": "dog"}, {"id": 2, "name": "cat"}, {"id": 17, "name": "tree"}]
IMAGE = {"id": 1, "file_name": "a.png", "width": 48, "height": 32}


def thing(number, image, category, box, **more):
    return {"id": number, "image_id": image, "category_id": category, "bbox": box} | more


def held(images, annotations, categories=CATEGORIES, **more):
    return {"images": images, "annotations": annotations, "categories": categories} | more


ONE = held([IMAGE], [thing(1, 1, 2, [4, 2, 20, 16])])


def write(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def photo(file, size=(48, 32), **more):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (10, 20, 30)).save(file, **more)


# The COCO file


@pytest.fixture
def coco(tmp_path):
    return lambda content: read_coco(write(tmp_path / "instances.json", content))


def test_the_file_is_read(coco, tmp_path):
    images = [IMAGE, {"id": "b", "file_name": "x\\.\\b.png"}]
    found = coco(held(images, [1, 2]))
    assert [(image.id, image.name, image.size) for image in found.images] == [
        (1, "a.png", (32, 48)),
        ("b", "x/b.png", None),
    ]
    assert found.categories == ((2, "cat"), (17, "tree"), (30, "dog"))
    assert found.annotations == [1, 2]
    assert found.digest == digest_of((tmp_path / "instances.json").read_bytes())
    assert found.source == "annotation"


def test_the_mark_of_estimates_is_one_line(coco):
    assert coco(ONE | {"info": {"region_source": "pseudo:a\nb"}}).source == "pseudo:a b"
    assert coco(ONE | {"info": {"region_source": ["pseudo:"]}}).source == "annotation"


def test_no_file(tmp_path):
    with pytest.raises(DataError, match=r"none\.json' does not exist: an instances JSON"):
        read_coco(tmp_path / "none.json")
    with pytest.raises(DataError, match="is a folder"):
        read_coco(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(DataError, match=r"pipe\.json'"):
        read_coco(tmp_path / "pipe.json")


def test_too_large_a_file_is_not_read(coco, monkeypatch):
    monkeypatch.setattr(module, "_LARGEST", 10)
    n_bytes = len(json.dumps(ONE))
    with pytest.raises(DataError, match=rf"has {n_bytes} bytes, the limit is 10: split it"):
        coco(ONE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images":\n [1, ', "is not JSON: Expecting value at line 2 column 6"),
        ("", "is not JSON: Expecting value at line 1 column 1"),
        ("[" * 200_000, "is not JSON: maximum recursion depth"),
        ('{"images": ' + "9" * 5000 + "}", "is not JSON: Exceeds the limit"),
        ("[]", "is not a COCO file: it holds a list"),
        (
            '{"images": [], "annotations": {}, "info": 1}',
            "it lacks the lists annotations, categories; its keys: 'images', 'annotations', 'info'",
        ),
        ("{}", "it lacks the lists images, annotations, categories; its keys: none"),
    ],
    ids=["truncated", "empty", "deep", "long number", "list", "lists missing", "no keys"],
)
def test_no_coco_file(coco, text, message):
    with pytest.raises(DataError) as error:
        coco(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "x.json").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    with pytest.raises(DataError, match="is not JSON: "):
        read_coco(tmp_path / "x.json")


@pytest.mark.parametrize(
    "image",
    [
        "a.png",
        {"file_name": "b.png"},
        {"id": 2},
        {"id": True, "file_name": "b.png"},
        {"id": [2], "file_name": "b.png"},
        {"id": 2, "file_name": ""},
        {"id": 2, "file_name": "b\0.png"},
        {"id": 2, "file_name": "b\ud800.png"},
        {"id": 2, "file_name": "b.png", "width": 48},
        {"id": 2, "file_name": "b.png", "width": "48", "height": "32"},
        {"id": 2, "file_name": "b.png", "width": 0, "height": 32},
        {"id": 2, "file_name": "b.png", "width": -48, "height": -32},
        {"id": 2, "file_name": "b.png", "width": 10**9, "height": 10**9},
    ],
)
def test_a_bad_image_is_named(coco, image):
    with pytest.raises(DataError, match=r"images need an id, a file_name and.*: 1 \(") as error:
        coco(held([IMAGE, image], []))
    assert len(str(error.value)) < 500
    str(error.value).encode()  # no half of a surrogate pair


@pytest.mark.parametrize("category", [7, {"id": 7}, {"name": "x"}, {"id": 7, "name": 7}])
def test_a_bad_category_is_named(coco, category):
    with pytest.raises(DataError, match="categories need an id and a name: 1"):
        coco(held([IMAGE], [], [*CATEGORIES, category]))


def test_what_must_be_there_once(coco):
    again = IMAGE | {"file_name": "b.png"}
    with pytest.raises(DataError, match=r"image ids that occur twice: 1 \('1'\)"):
        coco(held([IMAGE, again], []))
    with pytest.raises(DataError, match="file names that occur twice: 1 "):
        coco(held([IMAGE, IMAGE | {"id": 2, "file_name": "./a.png"}], []))
    with pytest.raises(DataError, match=r"category ids that occur twice: 1 \('30'\)"):
        coco(held([IMAGE], [], [*CATEGORIES, {"id": 30, "name": "wolf"}]))
    with pytest.raises(DataError, match="holds no images"):
        coco(held([], []))


# The dataset


def test_a_dataset(tmp_path):
    """Labels by hand, classes by id: cat 0, tree 1, dog 2.

    a.png: cat 20·16 = 320 by its box, dog 400 as stated, a crowd of trees: a dog that shows a cat.
    b.png: a cat of 10·10 and a tree of 9·9. c.png: a crowd alone. d.png: nothing.
    """
    names = ["a.png", "sub/b.png", "c.png", "d.png"]
    images = [{"id": i, "file_name": name} for i, name in enumerate(names)]
    annotations = [
        thing(1, 0, 2, [4, 2, 20, 16]),
        thing(2, 0, 30, [0, 0, 5, 5], area=400),
        thing(3, 0, 17, [0, 0, 48, 32], iscrowd=1),
        thing(4, 1, 17, [0, 0, 9, 9]),
        thing(5, 1, 2, [0, 0, 10, 10]),
        thing(6, 2, 2, [0, 0, 10, 10], iscrowd=1),
    ]
    file = write(tmp_path / "annotations" / "instances_val.json", held(images, annotations))
    for name in names[:3]:
        photo(tmp_path / "val" / name)
    source: Source = CocoSource(tmp_path, "val")
    listing = source.listing
    assert listing.classes == ("cat", "tree", "dog")
    assert listing.labels.tolist() == [2, 0, -1, -1]
    assert listing.labels.dtype == np.int64
    assert listing.present == ((0,), (1,), (), ())
    assert listing.paths == tuple(names)
    assert listing.sizes.tolist() == [*[(tmp_path / "val/a.png").stat().st_size] * 3, 0]
    assert listing.annotations == digest_of(file.read_bytes())
    assert source.slices(0) == {}
    assert source.warnings == (
        "images of the dataset without annotation: 1 ('d.png')",
        "images without an object (a crowd is none), kept without label: 2 ('c.png', 'd.png')",
        "images whose file is missing: 1 ('d.png')",
    )


def test_an_image_is_read_with_its_objects(tmp_path):
    """The photo is stored as 48×32 and turned by EXIF 6: x 4–24, y 2–18 become y 4–24, x 14–30."""
    write(tmp_path / "train.json", ONE)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(tmp_path / "a.png", exif=exif)
    source = pickle.loads(pickle.dumps(CocoSource(tmp_path, "train")))  # noqa: S301 - our own
    reading = source.read(0)
    assert reading.pixels.shape == (48, 32, 3)
    assert reading.digest == digest_of((tmp_path / "a.png").read_bytes())
    assert [one.box for one in reading.annotation.objects] == [(14.0, 4.0, 30.0, 24.0)]
    assert "turned upright" in reading.annotation.note


def test_a_bad_photo_has_no_objects(tmp_path):
    write(tmp_path / "train.json", ONE)
    (tmp_path / "a.png").write_bytes(b"")
    reading = CocoSource(tmp_path, "train").read(0)
    assert reading.pixels is None
    assert "empty file" in reading.detail
    assert reading.annotation.objects == ()


def test_categories_of_one_name_are_one_class(tmp_path):
    """Roboflow's first category is the project's, often of the name of a class."""
    categories = [{"id": 0, "name": "cat"}, {"id": 1, "name": "cat"}, {"id": 2, "name": "Cat"}]
    images = [IMAGE, {"id": 2, "file_name": "b.png"}]
    annotations = [thing(1, 1, 1, [0, 0, 9, 9]), thing(2, 2, 2, [0, 0, 9, 9])]
    write(tmp_path / "train.json", held(images, annotations, categories))
    photo(tmp_path / "a.png")
    listing = CocoSource(tmp_path, "train").listing
    assert listing.classes == ("cat", "Cat")
    assert listing.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("file", "image", "split"),
    [
        ("annotations/instances_val.json", "val/a.png", "val"),
        ("annotations/instances_val2017.json", "val2017/a.png", "val"),
        ("annotations/instances_val2014.json", "images/val2014/a.png", "val"),
        ("annotations/instances_val2017.json", "val2017/a.png", "val2017"),
        ("annotations/instances_val.json", "images/val/a.png", "val"),
        ("val.json", "images/a.png", "val"),
        ("val.json", "a.png", "val"),
        ("valid/_annotations.coco.json", "valid/a.png", "valid"),
    ],
)
def test_where_file_and_images_are_found(tmp_path, file, image, split):
    write(tmp_path / file, ONE)
    (tmp_path / "images").mkdir(exist_ok=True)
    photo(tmp_path / image)
    source = CocoSource(tmp_path, split)
    assert source.read(0).pixels is not None
    assert source.listing.labels.tolist() == [0]


def test_another_split_is_named(tmp_path):
    write(tmp_path / "annotations" / "instances_val2017.json", ONE)
    write(tmp_path / "annotations" / "captions_val2017.json", ONE)
    write(tmp_path / "valid" / "_annotations.coco.json", ONE)
    write(tmp_path / "train.json", ONE)
    with pytest.raises(DataError) as error:
        CocoSource(tmp_path, "test")
    assert str(error.value) == (
        f"no COCO file of split 'test' in {str(tmp_path)!r} (looked for "
        "annotations/instances_test.json, annotations/instances_test2017.json, "
        "annotations/instances_test2014.json, test.json, test/_annotations.coco.json): "
        "choose --split from train, val, valid"
    )


def test_no_split_at_all(tmp_path):
    with pytest.raises(DataError, match="there is none of another split"):
        CocoSource(tmp_path, "test")
    with pytest.raises(DataError, match="does not exist: --data-root must be"):
        CocoSource(tmp_path / "none", "test")
    with pytest.raises(DataError, match="is a file: --data-root must be"):
        CocoSource(write(tmp_path / "x.json", ONE), "test")


def test_no_image_at_all(tmp_path):
    write(tmp_path / "val.json", ONE)
    with pytest.raises(DataError) as error:
        CocoSource(tmp_path, "val")
    assert str(error.value) == (
        f"none of the 1 images ('a.png') is below {str(tmp_path)!r}: looked in val, images/val, "
        "val2017, images/val2017, val2014, images/val2014, images and the folder itself"
    )


@pytest.mark.parametrize("name", ["../x.png", "/etc/x.png", "a/../../x"])
def test_names_that_leave_the_folder(tmp_path, name):
    images = [IMAGE, {"id": 2, "file_name": name}]
    write(tmp_path / "val.json", held(images, ONE["annotations"]))
    with pytest.raises(DataError, match="outside the dataset's folder"):
        CocoSource(tmp_path, "val")
