"""One image of 32 rows and 48 columns, ``cat/a.png``, unless a test says otherwise."""

import json
import pickle
import warnings

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from audit.data.decode import digest_of
from audit.errors import DataError
from audit.records import OTHER, UNCLASSED, AnnotatedObject, Listing
from audit.regions import coco as module
from audit.regions.coco import CocoAnnotations

SIZE = (32, 48)
IMAGE = {"id": 1, "file_name": "cat/a.png", "width": 48, "height": 32}
CATEGORIES = [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}]
CAT = {"id": 1, "image_id": 1, "category_id": 17, "bbox": [4, 2, 20, 16]}
SQUARE = [4, 2, 24, 2, 24, 18, 4, 18]  # pixel-aligned: columns 4 to 23, rows 2 to 17


def listing_of(*paths, classes=("cat", "dog")):
    n = len(paths)
    return Listing(classes, np.zeros(n, dtype=np.int64), paths, np.ones(n, dtype=np.int64))


@pytest.fixture
def read(tmp_path):
    """Write a COCO file of these annotations and read it for a dataset of the named paths."""

    def read_(*annotations, images=(IMAGE,), paths=("cat/a.png",), categories=CATEGORIES, **more):
        file = tmp_path / "instances.json"
        held = {"images": [*images], "annotations": [*annotations], "categories": [*categories]}
        file.write_text(json.dumps(held | more))
        return CocoAnnotations(file, listing_of(*paths))

    return read_


def segmented(segmentation, **more):
    """An annotation without a box."""
    return {"id": 1, "image_id": 1, "category_id": 17, "segmentation": segmentation} | more


def square_mask():
    mask = np.zeros(SIZE, dtype=bool)
    mask[2:18, 4:24] = True
    return mask


def test_a_box_is_x_y_width_height(read):
    found = read(CAT).of(0, SIZE, 1)
    assert found.objects == (AnnotatedObject((4.0, 2.0, 24.0, 18.0), None, 0, ignore=False),)
    assert (found.source, found.note) == ("annotation", "")


def test_the_annotations_that_are_asked_for_are_the_object_and_the_others_other(read):
    annotations = read(
        CAT,
        CAT | {"id": "b", "category_id": 18},
        CAT | {"id": 3, "iscrowd": 1},
        CAT | {"id": [4]},  # no id
    )
    labels = {
        ids: [one.label for one in annotations.of(0, SIZE, 1, ids).objects]
        for ids in ((), (1,), ("b", 3), (None, "1"))
    }
    assert labels == {
        (): [OTHER] * 4,
        (1,): [UNCLASSED, OTHER, OTHER, OTHER],
        ("b", 3): [OTHER, UNCLASSED, UNCLASSED, OTHER],
        (None, "1"): [OTHER, OTHER, OTHER, UNCLASSED],
    }
    assert [one.label for one in annotations.of(0, SIZE, 1).objects] == [0, 1, 0, 0]


def test_the_digest_is_of_the_files_bytes(read, tmp_path):
    annotations = read(CAT)
    assert annotations.digest == digest_of((tmp_path / "instances.json").read_bytes())
    assert annotations.warnings == ()


def test_a_pixel_aligned_polygon(read):
    (one,) = read(CAT | {"segmentation": [SQUARE]}).of(0, SIZE, 1).objects
    assert np.array_equal(one.mask, square_mask())
    assert one.box == (4.0, 2.0, 24.0, 18.0)
    assert one.mask.flags.c_contiguous


def test_several_polygons_are_one_object(read):
    (one,) = read(segmented([SQUARE, [30, 8, 46, 8, 46, 30, 30, 30]])).of(0, SIZE, 1).objects
    want = square_mask()
    want[8:30, 30:46] = True
    assert np.array_equal(one.mask, want)
    assert one.box is None


def test_polygons_agree_with_pycocotools(read):
    rng = np.random.default_rng(3)
    for _ in range(30):
        polygons = [rng.uniform(-9, 60, 2 * rng.integers(3, 9)).tolist() for _ in range(2)]
        (one,) = read(CAT | {"segmentation": polygons}).of(0, SIZE, 1).objects
        merged = coco_mask.merge(coco_mask.frPyObjects(polygons, *SIZE))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its decoder lags behind NumPy
            assert np.array_equal(one.mask, coco_mask.decode(merged).astype(bool))


# 4 rows and 3 columns. Runs down the columns, outside first: 1, 2, 3, 4, 2, which are 12 pixels:
# column 0 is 0 1 1 0, column 1 is 0 0 1 1, column 2 is 1 1 0 0.
SMALL = {"id": 1, "file_name": "cat/a.png", "width": 3, "height": 4}
SMALL_MASK = [[0, 0, 1], [1, 0, 1], [1, 1, 0], [0, 1, 0]]


def test_a_plain_rle(read):
    rle = {"size": [4, 3], "counts": [1, 2, 3, 4, 2]}
    (one,) = read(segmented(rle), images=[SMALL]).of(0, (4, 3), 1).objects
    assert one.mask.astype(int).tolist() == SMALL_MASK


def test_a_compressed_rle(read):
    """A digit d is chr(48 + d): 1, 2, 3 as they are; 4 - 2 = 2; 2 - 3 = -1, in 5 bits 31: "O"."""
    (one,) = (
        read(segmented({"size": [4, 3], "counts": "1232O"}), images=[SMALL])
        .of(0, (4, 3), 1)
        .objects
    )
    assert one.mask.astype(int).tolist() == SMALL_MASK


def test_a_number_of_two_digits(read):
    """40 = 8 + 1·32: chr(48 + 8 + 32) = "X", then "1"; after no pixel outside, all are inside."""
    image = SMALL | {"width": 8, "height": 5}
    (one,) = (
        read(segmented({"size": [5, 8], "counts": "0X1"}), images=[image]).of(0, (5, 8), 1).objects
    )
    assert one.mask.shape == (5, 8)
    assert one.mask.all()


def test_compressed_rles_agree_with_pycocotools(read):
    rng = np.random.default_rng(5)
    for _ in range(30):
        mask = rng.random(SIZE) < rng.random() ** 2
        mask[rng.integers(32), 3:40] = True
        rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        (one,) = read(segmented(rle | {"counts": rle["counts"].decode()})).of(0, SIZE, 1).objects
        assert np.array_equal(one.mask, mask)


def test_a_crowd_is_ignored_area(read):
    crowd = segmented({"size": [4, 3], "counts": [1, 2, 3, 4, 2]}, iscrowd=1)
    annotations = read(crowd, images=[SMALL])
    (one,) = annotations.of(0, (4, 3), 1).objects
    assert one.ignore
    assert annotations.areas(0) == {}


def test_an_empty_segmentation_leaves_the_box(read):
    (one,) = read(CAT | {"segmentation": []}).of(0, SIZE, 1).objects
    assert one.mask is None
    assert one.box == (4.0, 2.0, 24.0, 18.0)


def test_annotations_of_the_unturned_photo_are_turned(read):
    """EXIF 6 turns the stored 32×48 clockwise: stored row r is upright column 31 - r.

    Rows 2 to 17 become columns 14 to 29, columns 4 to 23 become rows 4 to 23.
    """
    (one,) = (found := read(CAT | {"segmentation": [SQUARE]}).of(0, (48, 32), 6)).objects
    want = np.zeros((48, 32), dtype=bool)
    want[4:24, 14:30] = True
    assert np.array_equal(one.mask, want)
    assert one.box == (14.0, 4.0, 30.0, 24.0)
    assert "turned upright" in found.note


def test_annotations_of_an_image_of_another_size_are_not_used(read):
    found = read(CAT).of(0, (64, 96), 1)
    assert found.objects == ()
    assert "48×32" in found.note
    assert "96×64" in found.note


def test_an_image_without_stated_size(read):
    image = {"id": 1, "file_name": "cat/a.png"}
    annotations = read(
        CAT | {"segmentation": [SQUARE]},
        CAT | {"id": 2, "segmentation": {"size": [4, 3], "counts": [12]}},
        images=[image],
    )
    assert annotations.warnings == ()
    drawn, boxed = (found := annotations.of(0, SIZE, 1)).objects
    assert np.array_equal(drawn.mask, square_mask())
    assert boxed.mask is None
    assert boxed.box == (4.0, 2.0, 24.0, 18.0)
    assert "segmentations not used, the box instead where given: 1" in found.note
    assert "[4, 3]" in found.note


def test_categories_are_classes_by_name(read):
    other = CAT | {"id": 2, "category_id": 19}
    annotations = read(
        CAT | {"category_id": 18},
        other,
        categories=[*CATEGORIES, {"id": 19, "name": "tree"}],
    )
    assert [one.label for one in annotations.of(0, SIZE, 1).objects] == [1, OTHER]
    assert annotations.warnings == (
        "categories that are no class of the dataset, kept as other objects: 1 ('tree')",
    )


def test_categories_that_do_not_tell_classes_apart(read):
    annotations = read(CAT, categories=[{"id": 17, "name": "object"}])
    assert [one.label for one in annotations.of(0, SIZE, 1).objects] == [UNCLASSED]
    assert "every object counts as the labelled one" in annotations.warnings[0]


def test_estimates_of_our_own_stay_estimates(read):
    annotations = read(CAT, info={"region_source": "pseudo:grabcut"}, paths=("cat/a.png", "b.png"))
    assert annotations.of(0, SIZE, 1).source == "pseudo:grabcut"
    assert annotations.of(1, SIZE, 1).source == "pseudo:grabcut"
    assert read(CAT, info={"region_source": "by hand"}).of(0, SIZE, 1).source == "annotation"
    assert read(CAT, info=[]).of(0, SIZE, 1).source == "annotation"


def test_what_is_left_out_is_counted(read):
    annotations = read(
        CAT,
        CAT | {"id": 2, "image_id": 9},
        CAT | {"id": 3, "category_id": 99},
        CAT | {"id": 4, "image_id": [1]},
        CAT | {"id": 5, "iscrowd": "no"},
        {"id": 6, "image_id": 1, "category_id": 17},
        "seven",
    )
    assert len(annotations.of(0, SIZE, 1).objects) == 1
    assert annotations.warnings == (
        "annotations left out, image_id unknown: 2 ('id 2: 9', 'id 4: [1]')",
        "annotations left out, category_id unknown: 1 ('id 3: 99')",
        "annotations left out, iscrowd neither 0 nor 1: 1 (\"id 5: 'no'\")",
        "annotations left out, neither bbox nor segmentation: 1 "
        "(\"id 6: ['category_id', 'id', 'image_id']\")",
        "annotations left out, not a JSON object: 1 (\"number 7 of the list: 'seven'\")",
    )


def test_what_one_side_lacks_is_counted(read):
    strange = {"id": 2, "file_name": "cat/z.png"}
    annotations = read(
        CAT, CAT | {"image_id": 2}, images=[IMAGE, strange], paths=("cat/a.png", "cat/b.png")
    )
    assert annotations.warnings == (
        "annotated images that are not in the dataset: 1 ('cat/z.png')",
        "images of the dataset without annotation: 1 ('cat/b.png')",
        "annotation ids that occur twice: 1 ('1')",
    )
    assert annotations.of(1, SIZE, 1).objects == ()
    assert annotations.of(1, SIZE, 1).note == ""


@pytest.mark.parametrize(
    ("box", "rule"),
    [
        ([4, 2, 0, 16], "bbox without area"),
        ([4, 2, 20, -16], "bbox without area"),
        ([4, 2, float("nan"), 16], "bbox not four finite numbers"),
        ([4, 2, float("inf"), 16], "bbox not four finite numbers"),
        ([4, 2, 10**400, 16], "bbox not four finite numbers"),
        ([4, 2, 20], "bbox not four finite numbers"),
        ([4, 2, True, 16], "bbox not four finite numbers"),
        ("4 2 20 16", "bbox not four finite numbers"),
    ],
)
def test_bad_boxes_are_refused_by_name(read, box, rule):
    bad = CAT | {"id": 2, "bbox": box}
    annotations = read(CAT, bad)
    assert len(annotations.of(0, SIZE, 1).objects) == 1
    (warning,) = annotations.warnings
    assert warning.startswith(f"annotations left out, {rule}: 1 (")
    assert "id 2" in warning
    with pytest.raises(DataError, match=f"none of its 1 annotations can be used: .*{rule}"):
        read(bad)


BAD_SEGMENTATIONS = [
    ([[4, 2, 24, 2]], "a polygon not of"),
    ([[4, 2, 24, 2, 24, 18, 4]], "a polygon not of"),
    ([[4, 2, 24, 2, 24, None]], "a polygon not of"),
    ([[4, 2, 24, 2, 24, float("nan")]], "a polygon not of"),
    (SQUARE, "a polygon not of"),
    ("polygon", "neither polygons nor an RLE"),
    ({"size": [48, 32], "counts": [1536]}, "an RLE's size (height, width) not the image's"),
    (
        {"size": [32, 48.0], "counts": [1536]},
        "an RLE's size not a height and width that an image can have",
    ),
    (
        {"size": [0, 48], "counts": [0]},
        "an RLE's size not a height and width that an image can have",
    ),
    (
        {"size": [10**9, 10**9], "counts": [10**18]},
        "an RLE's size not a height and width that an image can have",
    ),
    ({"counts": [1536]}, "an RLE's size not a height and width that an image can have"),
    ({"size": [32, 48]}, "an RLE's counts neither"),
    ({"size": [32, 48], "counts": [1535.0, 1]}, "an RLE's counts neither"),
    ({"size": [32, 48], "counts": [1535]}, "an RLE whose runs are not the image's pixels"),
    ({"size": [32, 48], "counts": [1530, 7]}, "an RLE whose runs are not the image's pixels"),
    ({"size": [32, 48], "counts": []}, "an RLE whose runs are not the image's pixels"),
    ({"size": [32, 48], "counts": [1540, -4]}, "an RLE with a run below 0 or longer"),
    ({"size": [32, 48], "counts": [2**63, 1536]}, "an RLE with a run below 0 or longer"),
    ({"size": [32, 48], "counts": [2**62, 2**62, 2**62, 2**62, 1536]}, "an RLE with a run below"),
    ({"size": [32, 48], "counts": ""}, "an RLE with characters"),
    ({"size": [32, 48], "counts": "5 5"}, "an RLE with characters"),
    ({"size": [32, 48], "counts": "5é5"}, "an RLE with characters"),
    ({"size": [32, 48], "counts": "5\ud8005"}, "an RLE with characters"),
    ({"size": [32, 48], "counts": "PPPP"}, "an RLE with a number that does not end"),
    ({"size": [32, 48], "counts": "o" * 99 + "0"}, "an RLE with a number that does not end"),
    ({"size": [32, 48], "counts": "ooooooO"}, "an RLE with a run below 0 or longer"),
    ({"size": [32, 48], "counts": "525"}, "an RLE whose runs are not the image's pixels"),
]


@pytest.mark.parametrize(("segmentation", "rule"), BAD_SEGMENTATIONS)
def test_a_bad_segmentation_leaves_the_box(read, segmentation, rule):
    annotations = read(CAT | {"segmentation": segmentation})
    (one,) = annotations.of(0, SIZE, 1).objects
    assert one.mask is None
    assert one.box == (4.0, 2.0, 24.0, 18.0)
    (warning,) = annotations.warnings
    assert warning.startswith(f"segmentations not used, the box instead, {rule}")
    assert len(warning) < 300
    with pytest.raises(DataError, match="none of its 1 annotations can be used"):
        read(segmented(segmentation))


def test_random_compressed_counts_never_draw_outside(read):
    """Most are refused; the rest are masks of the image's size, left out where they are empty."""
    rng = np.random.default_rng(7)
    n_masks = 0
    for _ in range(300):
        counts = "".join(map(chr, rng.integers(48, 64 if rng.random() < 0.5 else 112, 3)))
        bad = CAT | {"segmentation": {"size": [4, 3], "counts": counts}}
        for one in read(bad, images=[SMALL]).of(0, (4, 3), 1).objects:
            assert one.mask is None or one.mask.shape == (4, 3)
            n_masks += one.mask is not None
    assert 0 < n_masks < 100


def test_polygons_that_would_fill_the_memory_are_not_drawn(read):
    zigzag = [value for i in range(60_000) for value in (0, i % 32, 48, i % 32)]
    annotations = read(
        CAT | {"segmentation": [[0, 0, 1e15, 0, 1e15, 1e15]]},
        CAT | {"id": 2, "segmentation": [zigzag]},
    )
    found = annotations.of(0, SIZE, 1)
    assert [one.mask for one in found.objects] == [None, None]
    assert "a polygon far outside the image" in found.note
    assert "an outline of more than 2000000 pixels" in found.note


def test_a_late_bad_segmentation_without_box_is_left_out(read):
    found = read(segmented([[0, 0, 1e15, 0, 1e308, 1e308]])).of(0, SIZE, 1)
    assert found.objects == ()
    assert "a polygon far outside the image" in found.note


def test_too_many_masks_are_not_drawn(read, monkeypatch):
    annotations = read(*(segmented([SQUARE], id=i) for i in range(3)))
    assert len(annotations.of(0, SIZE, 1).objects) == 3
    monkeypatch.setattr(module, "_MOST_MASKS", 2 * 32 * 48)
    found = annotations.of(0, SIZE, 1)
    assert found.objects == ()
    assert found.note == (
        "annotations not used: 3 masks of 48×32 pixels, the limit is 3072 together"
    )


def test_annotations_of_other_images_alone_are_no_use(read):
    strange = {"id": 2, "file_name": "cat/z.png"}
    with pytest.raises(DataError, match="used: none is of an image of the dataset"):
        read(CAT | {"image_id": 2}, images=[IMAGE, strange])


def test_boxes_outside_their_image_are_counted(read):
    """In an image of unknown size its row says it."""
    beyond = CAT | {"id": 2, "bbox": [48, 0, 9, 9]}
    annotations = read(CAT, beyond)
    assert annotations.warnings == ("boxes outside their image: 1 ('id 2: [48, 0, 9, 9]')",)
    found = annotations.of(0, SIZE, 1)
    assert len(found.objects) == 1
    assert found.note == "1 of 2 annotated objects lie outside the image"
    unstated = read(CAT, beyond, images=[{"id": 1, "file_name": "cat/a.png"}])
    assert unstated.warnings == ()
    assert unstated.of(0, SIZE, 1).note == found.note


def test_fractions_are_not_taken_for_pixels(read):
    fractions = CAT | {"bbox": [0.1, 0.1, 0.5, 0.9]}
    with pytest.raises(DataError, match="these look like fractions of the image; multiply"):
        read(fractions, fractions | {"id": 2})
    assert len(read(fractions, CAT | {"id": 2}).of(0, SIZE, 1).objects) == 2


def test_a_file_without_annotations_is_no_use(read):
    with pytest.raises(DataError, match=r"instances\.json' holds no annotations"):
        read()


def test_an_object_between_pixel_centres_is_said_to_hold_none(read):
    found = read(segmented([[1.1, 1.1, 1.2, 1.1, 1.2, 1.2]])).of(0, SIZE, 1)
    assert found.objects == ()
    assert found.note == "1 of 1 annotated objects hold no pixel's centre"


@pytest.mark.parametrize("name", ["../x.png", "/etc/x.png", "a/../../x", "..\\x.png"])
def test_names_that_leave_the_folder(read, name):
    with pytest.raises(DataError, match="outside the dataset's folder"):
        read(CAT, images=[IMAGE, {"id": 2, "file_name": name}])


def test_areas_are_of_the_largest_of_each_class(read):
    """The stated area goes first, then the box's: 20·16 = 320; the mask's last: 2 + 4 = 6."""
    rle = {"size": [4, 3], "counts": [1, 2, 3, 4, 2]}
    annotations = read(
        CAT | {"area": 5},
        CAT | {"id": 2, "area": 0},
        segmented(rle, id=3, category_id=18),
        images=[SMALL],
    )
    assert annotations.areas(0) == {0: 320.0, 1: 6.0}
    assert read(segmented([SQUARE])).areas(0) == {0: 320.0}  # the same rectangle, as a polygon
    assert annotations.areas(5) == {}


def test_it_travels_to_workers(read):
    annotations = read(
        CAT | {"segmentation": [SQUARE]},
        CAT | {"id": 2, "segmentation": {"size": [32, 48], "counts": [1000, 536]}},
    )
    sent = pickle.loads(pickle.dumps(annotations))  # noqa: S301 - our own
    assert sent.digest == annotations.digest
    for one, other in zip(
        sent.of(0, SIZE, 1).objects, annotations.of(0, SIZE, 1).objects, strict=True
    ):
        assert np.array_equal(one.mask, other.mask)
        assert one.box == other.box
