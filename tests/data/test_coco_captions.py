import json
import pickle

import pytest
from PIL import Image

from audit.data.base import Source
from audit.data.coco_captions import CaptionsSource
from audit.data.decode import digest_of
from audit.errors import DataError
from audit.records import UNCLASSED

IMAGES = [
    {"id": 1, "file_name": "a.png", "width": 48, "height": 32},
    {"id": 2, "file_name": "b.png", "width": 48, "height": 32},
]


def said(number, image, caption):
    return {"id": number, "image_id": image, "caption": caption}


CAPTIONS = [said(9, 1, "a cat on a mat"), said(4, 1, " a  black cat\n"), said(7, 1, "a cat")]


def put(root, images=IMAGES, captions=CAPTIONS, subset="val", photos=("a.png", "b.png")):
    (root / "annotations").mkdir(exist_ok=True)
    file = root / "annotations" / f"captions_{subset}.json"
    file.write_text(json.dumps({"images": images, "annotations": captions}))
    for name in photos:
        (root / subset).mkdir(exist_ok=True)
        Image.new("RGB", (48, 32), (10, 20, 30)).save(root / subset / name)
    return root


def put_instances(root, annotations, subset="val", images=IMAGES):
    held = {
        "images": images,
        "categories": [{"id": 8, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": annotations,
    }
    file = root / "annotations" / f"instances_{subset}.json"
    file.write_text(json.dumps(held))
    return file


def thing(number, image, category, box, **more):
    return {"id": number, "image_id": image, "category_id": category, "bbox": box} | more


def test_the_reference_is_the_caption_of_the_lowest_id(tmp_path):
    source: Source = CaptionsSource(put(tmp_path), "val")
    listing = source.listing
    assert listing.texts == ({"caption": "a black cat"}, {})
    assert listing.classes == ()
    assert listing.labels.tolist() == [-1, -1]
    assert listing.paths == ("a.png", "b.png")
    assert listing.sizes.tolist() == [(tmp_path / "val" / "a.png").stat().st_size] * 2
    assert listing.annotations == ""
    assert source.slices(0) == {}
    assert source.warnings == ("images without a caption: 1 ('b.png')",)
    assert source.read(0).annotation.objects == ()


def test_ids_may_be_texts_after_numbers(tmp_path):
    captions = [said("a", 1, "third"), said("B", 1, "second"), said(10, 1, "first")]
    source = CaptionsSource(put(tmp_path, captions=captions), "val")
    assert source.listing.texts[0] == {"caption": "first"}
    source = CaptionsSource(put(tmp_path, captions=captions[:2]), "val")
    assert source.listing.texts[0] == {"caption": "second"}


def test_every_object_is_there_without_its_class_and_with_it(tmp_path):
    """Classes by id: cat 0, dog 1. The crowd is ignored, and there once."""
    annotations = [
        thing(1, 1, 8, [0, 0, 10, 10]),
        thing(2, 1, 3, [20, 0, 10, 10]),
        thing(3, 1, 3, [0, 20, 40, 10], iscrowd=1),
    ]
    file = put_instances(put(tmp_path), annotations)
    source = pickle.loads(pickle.dumps(CaptionsSource(tmp_path, "val")))  # noqa: S301 - our own
    assert source.listing.classes == ("cat", "dog")
    assert source.listing.labels.tolist() == [-1, -1]
    assert source.listing.annotations == digest_of(file.read_bytes())
    objects = source.read(0).annotation.objects
    assert [(one.box[:2], one.label, one.ignore) for one in objects] == [
        ((0.0, 0.0), UNCLASSED, False),
        ((20.0, 0.0), UNCLASSED, False),
        ((0.0, 0.0), 1, False),
        ((20.0, 0.0), 0, False),
        ((0.0, 20.0), 0, True),
    ]
    assert source.read(1).annotation.objects == ()
    assert source.warnings == (
        "images without a caption: 1 ('b.png')",
        "images of the dataset without annotation: 1 ('b.png')",
    )


def test_a_missing_image_is_a_row_that_cannot_be_read(tmp_path):
    source = CaptionsSource(put(tmp_path, photos=["a.png"]), "val")
    assert source.listing.sizes[1] == 0
    assert source.read(1).pixels is None
    assert "images whose file is missing: 1 ('b.png')" in source.warnings


@pytest.mark.parametrize(
    ("subset", "split"), [("val2017", "val"), ("val2014", "val"), ("val2014", "val2014")]
)
def test_objects_are_those_of_the_same_subset(tmp_path, subset, split):
    put_instances(put(tmp_path, subset=subset), [thing(1, 1, 3, [0, 0, 9, 9])], subset)
    put_instances(tmp_path, [thing(1, 1, 8, [0, 0, 9, 9])], "train2017")
    source = CaptionsSource(tmp_path, split)
    assert [one.label for one in source.read(0).annotation.objects] == [UNCLASSED, 0]


def test_another_split_is_named(tmp_path):
    put(put(tmp_path, subset="train2017"), subset="mine")
    put_instances(tmp_path, [], "other")
    with pytest.raises(DataError) as error:
        CaptionsSource(tmp_path, "val")
    assert str(error.value) == (
        f"no COCO captions file of split 'val' in {str(tmp_path)!r} (looked for "
        "annotations/captions_val.json, annotations/captions_val2017.json, "
        "annotations/captions_val2014.json): choose --split from mine, train"
    )
    with pytest.raises(DataError, match="must be the folder of a COCO captions dataset"):
        CaptionsSource(tmp_path / "none", "val")


@pytest.mark.parametrize(
    "bad",
    [
        "a cat",
        {"image_id": 1, "caption": "a cat"},
        {"id": 1, "caption": "a cat"},
        {"id": 1, "image_id": 1},
        said(True, 1, "a cat"),
        said(1, [1], "a cat"),
        said(1, 1, ""),
        said(1, 1, "\n"),
        said(1, 1, 7),
        said(1, 1, "a\0cat"),
        said(1, 1, "a\x9bcat"),
        said(1, 1, "a \udc80"),
    ],
)
def test_a_bad_caption_is_named(tmp_path, bad):
    put(tmp_path, captions=[*CAPTIONS, bad])
    with pytest.raises(DataError, match=r"captions need an id, an image_id and .*: 1 \(") as error:
        CaptionsSource(tmp_path, "val")
    assert str(error.value).isprintable()
    str(error.value).encode()


def test_markup_is_a_caption_like_any_other(tmp_path):
    source = CaptionsSource(put(tmp_path, captions=[said(1, 1, "</script><b>&amp;")]), "val")
    assert source.listing.texts[0] == {"caption": "</script><b>&amp;"}


@pytest.mark.parametrize(
    ("images", "captions", "message"),
    [
        (IMAGES, [*CAPTIONS, said(4, 2, "a dog")], "caption ids that occur twice: 1 ('4')"),
        (IMAGES, [said(1, 3, "a dog")], "captions of images that the file lacks: 1"),
        ([IMAGES[0], IMAGES[0]], CAPTIONS, "image ids that occur twice"),
        ([{"id": 1}], [], "images need an id, a file_name"),
        ([], [], "holds no images"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path, images, captions, message):
    put(tmp_path, images, captions)
    with pytest.raises(DataError) as error:
        CaptionsSource(tmp_path, "val")
    assert message in str(error.value)


def test_a_file_of_other_lists(tmp_path):
    put(tmp_path)
    (tmp_path / "annotations" / "captions_val.json").write_text('{"annotations": []}')
    with pytest.raises(DataError, match="is not a COCO captions file: it lacks the lists images"):
        CaptionsSource(tmp_path, "val")


@pytest.mark.parametrize("name", ["../x.png", "/etc/x.png"])
def test_names_that_leave_the_folder(tmp_path, name):
    images = [*IMAGES, {"id": 3, "file_name": name}]
    put(tmp_path, images)
    with pytest.raises(DataError, match="outside the dataset's folder"):
        CaptionsSource(tmp_path, "val")
