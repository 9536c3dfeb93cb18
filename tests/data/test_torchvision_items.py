import json
import pickle
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset
from torchvision.datasets import (
    CocoCaptions,
    CocoDetection,
    FakeData,
    OxfordIIITPet,
    VOCDetection,
    VOCSegmentation,
)
from torchvision.transforms import PILToTensor, Resize, ToTensor

from audit.data.custom import CustomSource
from audit.data.torchvision_items import adapter_of
from audit.data.voc import VOC_CLASSES
from audit.errors import DataError
from audit.records import OTHER, UNCLASSED

CAT, DOG, PERSON = (VOC_CLASSES.index(name) for name in ("cat", "dog", "person"))  # 7, 11, 14
GREEN = np.full((8, 12, 3), (0, 200, 0), dtype=np.uint8)  # every image: 8 rows, 12 columns


@pytest.fixture
def source_of(monkeypatch):
    """A CustomSource over the dataset that ``its_module:make`` makes, anew each time."""
    module = type(sys)("its_module")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "its_module", module)

    def source(make):
        module.make = make
        return CustomSource("its_module:make")

    return source


def saved(file, array, palette=None):
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    if palette is not None:
        image.putpalette(palette)  # from here on it is palettised
    image.save(file)


def painted(*parts):
    """8×12 uint8: each (value, rows, columns) painted in turn on 0."""
    array = np.zeros((8, 12), dtype=np.uint8)
    for value, rows, columns in parts:
        array[slice(*rows), slice(*columns)] = value
    return array


def refusal(source_of, make):
    with pytest.raises(DataError) as error:
        source_of(make)
    return str(error.value)


# OxfordIIITPet: images, annotations/<split>.txt (name, class from 1, species, breed), trimaps

# 4 rows × 5 columns of pet (20 pixels), with a border of 1 row above it (5), the rest background
TRIMAP = np.full((8, 12), 2, dtype=np.uint8)
TRIMAP[3:7, 2:7] = 1
TRIMAP[2, 2:7] = 3


@pytest.fixture
def pets(tmp_path):
    """Two pets: an Abyssinian (a cat) and a Beagle (a dog)."""
    base = tmp_path / "oxford-iiit-pet"
    for name in ("Abyssinian_1", "beagle_7"):
        saved(base / "images" / f"{name}.jpg", GREEN)
        saved(base / "annotations/trimaps" / f"{name}.png", TRIMAP)
    (base / "annotations/trainval.txt").write_text("Abyssinian_1 1 1 1\nbeagle_7 2 2 1\n")

    def made(*types, **options):
        return OxfordIIITPet(tmp_path, target_types=list(types), download=False, **options)

    return made


@pytest.mark.parametrize(
    "types",
    [
        ("category", "segmentation"),
        ("segmentation", "category"),
        ("segmentation",),
        ("binary-category", "segmentation", "category"),
    ],
)
def test_a_pets_trimap_is_pet_and_ignored_border(source_of, pets, types):
    source = source_of(lambda: pets(*types))
    assert source.listing.classes == ("Abyssinian", "Beagle")
    assert source.listing.labels.tolist() == [0, 1]
    assert source.listing.present == ((), ())
    assert source.listing.paths == ("Abyssinian_1.jpg", "beagle_7.jpg")
    assert source.warnings == ()
    pet, border = source.read(1).annotation.objects
    np.testing.assert_array_equal(pet.mask, TRIMAP == 1)
    np.testing.assert_array_equal(border.mask, TRIMAP == 3)
    assert (pet.mask.sum(), border.mask.sum()) == (20, 5)
    assert (pet.label, pet.ignore, border.ignore) == (UNCLASSED, False, True)


@pytest.mark.parametrize("types", [("binary-category", "segmentation"), ("binary-category",)])
def test_binary_categories_are_cat_and_dog(source_of, pets, types):
    source = source_of(lambda: pets(*types))
    assert source.listing.classes == ("Cat", "Dog")
    assert source.listing.labels.tolist() == [0, 1]
    assert len(source.read(0).annotation.objects) == 2 * ("segmentation" in types)


def test_the_category_alone_is_read_like_any_label(source_of, pets):
    source = source_of(lambda: pets("category"))
    assert adapter_of(pets("category")) is None
    assert source.listing.labels.tolist() == [0, 1]
    assert source.listing.present is None
    assert source.read(0).annotation.objects == ()


def test_a_category_that_a_transform_changes_is_never_scored(source_of, pets):
    swapped = {"target_transform": lambda target: (1 - target[0], target[1])}
    source = source_of(lambda: pets("category", "segmentation", **swapped))
    assert source.read(0).detail == "the item's label is 1, the dataset lists it as 0"


def test_a_trimap_of_other_values_is_refused(source_of, pets):
    scaled = {"target_transform": lambda trimap: np.asarray(trimap) * 50}
    message = refusal(source_of, lambda: pets("segmentation", **scaled))
    assert "item 0: the trimap holds the value 50: expected 1 (pet)" in message


# VOCDetection and VOCSegmentation: VOCdevkit/VOC2012

PALETTE = np.random.default_rng(0).integers(0, 256, 768).tolist()  # 256 colours: 8 bits a pixel


def xml(*objects, size=(12, 8)):
    held = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><part><name>head</name>"
        f"<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part><bndbox>"
        f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for name, difficult, (x0, y0, x1, y1) in objects
    )
    width, height = size
    return (
        "<annotation><filename>a.jpg</filename><size>"
        f"<width>{width}</width><height>{height}</height><depth>3</depth></size>{held}</annotation>"
    )


@pytest.fixture
def voc(tmp_path):
    """A VOC folder of given XML texts or masks, in order; the dataset's class is the first."""
    base = tmp_path / "VOCdevkit/VOC2012"

    def made(kind, contents, **options):
        names = [f"2012_{i}" for i in range(len(contents))]
        for name, content in zip(names, contents, strict=True):
            saved(base / "JPEGImages" / f"{name}.jpg", GREEN)
            if kind is VOCDetection:
                (base / "Annotations").mkdir(exist_ok=True)
                (base / "Annotations" / f"{name}.xml").write_text(content)
            else:
                saved(base / "SegmentationClass" / f"{name}.png", content, PALETTE)
        splits = base / "ImageSets" / kind._SPLITS_DIR
        splits.mkdir(parents=True, exist_ok=True)
        (splits / "val.txt").write_text("".join(f"{name}\n" for name in names))
        return lambda: kind(tmp_path, image_set="val", download=False, **options)

    return made


def test_voc_boxes_are_half_open_and_the_largest_plain_one_labels(source_of, voc):
    # areas by corners from 1, inclusive: cat 4×3 = 12, dog 2×2 = 4, person 12×8 = 96 but difficult
    shown = xml(("dog", 0, (9, 1, 10, 2)), ("cat", 0, (2, 3, 5, 5)), ("person", 1, (1, 1, 12, 8)))
    source = source_of(voc(VOCDetection, [shown, xml(("person", 0, (1, 1, 2, 2))), xml()]))
    assert source.listing.classes == VOC_CLASSES
    assert source.listing.labels.tolist() == [CAT, PERSON, -1]
    assert source.listing.present == ((DOG, PERSON), (), ())
    assert source.listing.paths == ("2012_0.jpg", "2012_1.jpg", "2012_2.jpg")
    assert "images without label: 1 ('2012_2.jpg')" in source.warnings
    found = [(one.label, one.box, one.ignore) for one in source.read(0).annotation.objects]
    assert found == [
        (DOG, (8, 0, 10, 2), False),
        (CAT, (1, 2, 5, 5), False),
        (PERSON, (0, 0, 12, 8), True),
    ]
    assert source.read(2).annotation.objects == ()
    assert source.slices(0) == {}


def test_only_difficult_objects_still_label(source_of, voc):
    source = source_of(voc(VOCDetection, [xml(("cat", 1, (1, 1, 3, 3)))]))
    assert source.listing.labels.tolist() == [CAT]


def test_names_that_are_none_of_vocs_are_other_objects(source_of, voc):
    shown = xml(("heron", 0, (1, 1, 9, 8)), ("cat", 0, (2, 3, 5, 5)))
    source = source_of(voc(VOCDetection, [shown]))
    assert source.listing.labels.tolist() == [CAT]
    assert source.listing.present == ((),)
    assert [one.label for one in source.read(0).annotation.objects] == [OTHER, CAT]


def test_one_bad_xml_file_is_one_image_without_label(source_of, voc):
    bomb = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><annotation>&c;</annotation>'
    make = voc(VOCDetection, [xml(("cat", 0, (1, 1, 3, 3))), bomb])
    source = source_of(make)
    assert source.listing.labels.tolist() == [CAT, -1]
    assert any("2012_1.xml" in warning for warning in source.warnings)
    assert source.read(1).pixels is None
    assert "Entit" in source.read(1).detail


def test_boxes_of_another_size_than_the_images_are_refused(source_of, voc):
    shown = xml(("cat", 0, (1, 1, 3, 3)))
    message = refusal(source_of, voc(VOCDetection, [shown], transform=Resize((4, 6))))
    assert "item 0: the objects are of an image of shape (8, 12), this one is 4×6" in message


def test_a_target_transform_to_an_index_makes_it_any_dataset(source_of, voc):
    make = voc(
        VOCDetection, [xml(("cat", 0, (1, 1, 3, 3)))] * 2, target_transform=lambda _target: 3
    )
    source = source_of(make)
    assert source.listing.labels.tolist() == [3, 3]
    assert source.listing.present is None


# 2 rows × 3 columns of cat (6), 3 × 4 of person (12), a column of ignored (8)
MASK = painted((CAT + 1, (0, 2), (0, 3)), (PERSON + 1, (4, 7), (5, 9)), (255, (0, 8), (11, 12)))


@pytest.mark.parametrize(
    "options", [{}, {"transform": ToTensor(), "target_transform": PILToTensor()}]
)
def test_a_mask_of_class_indices_is_one_object_a_class(source_of, voc, options):
    source = source_of(voc(VOCSegmentation, [MASK, painted()], **options))
    assert source.listing.classes == VOC_CLASSES
    assert source.listing.labels.tolist() == [PERSON, -1]
    assert source.listing.present == ((CAT,), ())
    assert source.warnings == (
        "all 2 masks were opened once to learn the labels",
        "images without label: 1 ('2012_1.jpg')",
    )
    cat, person, ignored = source.read(0).annotation.objects
    assert [one.label for one in (cat, person)] == [CAT, PERSON]
    assert [one.ignore for one in (cat, person, ignored)] == [False, False, True]
    for one, value, area in ((cat, 8, 6), (person, 15, 12), (ignored, 255, 8)):
        assert one.mask.sum() == area
        np.testing.assert_array_equal(one.mask, value == MASK)
    assert source.read(1).annotation.objects == ()


def test_an_index_beyond_vocs_classes_is_another_object(source_of, voc):
    source = source_of(voc(VOCSegmentation, [painted((21, (0, 8), (0, 6)), (8, (0, 1), (8, 9)))]))
    assert source.listing.labels.tolist() == [CAT]
    assert [one.label for one in source.read(0).annotation.objects] == [CAT, OTHER]


def test_a_mask_of_another_size_than_the_image_is_refused(source_of, voc):
    message = refusal(source_of, voc(VOCSegmentation, [MASK], transform=Resize((4, 6))))
    assert "item 0: the mask is of shape (8, 12), the image 4×6" in message


def test_a_mask_of_floats_is_refused(source_of, voc):
    message = refusal(source_of, voc(VOCSegmentation, [MASK], target_transform=ToTensor()))
    assert "the mask is float32 of shape (8, 12): expected H×W class indices" in message


def test_a_damaged_mask_is_one_image_without_label(source_of, voc, tmp_path):
    make = voc(VOCSegmentation, [MASK, MASK])
    file = tmp_path / "VOCdevkit/VOC2012/SegmentationClass/2012_1.png"
    file.write_bytes(file.read_bytes()[:60])
    source = source_of(make)
    assert source.listing.labels.tolist() == [PERSON, -1]
    assert "annotations that cannot be read: 1" in source.warnings[1]
    assert source.read(1).pixels is None


# CocoDetection


def annotation(number, image, category, bbox, **more):
    _, _, width, height = bbox
    held = {"id": number, "image_id": image, "category_id": category, "bbox": bbox}
    return {**held, "area": width * height, "iscrowd": 0, "segmentation": [], **more}


@pytest.fixture
def coco(tmp_path, capsys):
    """Images 5, 9, …; categories 1 zebra and 3 apple (an order that is not the alphabet's)."""

    def made(annotations, n_images=2, kind=CocoDetection, **options):
        ids = [5 + 4 * i for i in range(n_images)]
        for number in ids:
            saved(tmp_path / "images" / f"{number}.jpg", GREEN)
        images = [
            {"id": number, "file_name": f"{number}.jpg", "height": 8, "width": 12} for number in ids
        ]
        categories = [{"id": 3, "name": "apple"}, {"id": 1, "name": "zebra"}]
        held = {"images": images, "annotations": annotations, "categories": categories}
        if kind is CocoCaptions:
            del held["categories"]
        (tmp_path / "instances.json").write_text(json.dumps(held))
        return lambda: kind(tmp_path / "images", str(tmp_path / "instances.json"), **options)

    return made


def test_cocos_largest_object_that_is_no_crowd_labels(source_of, coco):
    # by area: zebra 2×2 = 4, apple 3×2 = 6; the crowd of zebras covers 12×8 = 96
    crowd = {"size": [8, 12], "counts": [0, 96]}
    make = coco(
        [
            annotation(1, 5, 1, [0, 0, 2, 2]),
            annotation(2, 5, 3, [4, 1, 3, 2]),
            annotation(3, 5, 1, [0, 0, 12, 8], iscrowd=1, segmentation=crowd),
            annotation(4, 9, 1, [0, 0, 12, 8], iscrowd=1, segmentation=crowd),
        ]
    )
    source = source_of(make)
    assert source.listing.classes == ("zebra", "apple")
    assert source.listing.labels.tolist() == [1, -1]
    assert source.listing.present == ((0,), ())
    assert source.listing.paths == ("5.jpg", "9.jpg")
    zebra, apple, crowd = source.read(0).annotation.objects
    assert (zebra.label, zebra.box, zebra.mask) == (0, (0, 0, 2, 2), None)
    assert (apple.label, apple.box) == (1, (4, 1, 7, 3))
    assert (crowd.ignore, crowd.mask.sum()) == (True, 96)


def test_area_goes_before_the_box(source_of, coco):
    make = coco([annotation(1, 5, 1, [0, 0, 9, 8], area=5), annotation(2, 5, 3, [0, 0, 3, 2])])
    assert source_of(make).listing.labels.tolist() == [1, -1]


def test_polygons_and_runs_become_masks(source_of, coco):
    # the polygon's corners lie on pixel edges: columns 2 to 5, rows 1 to 3; the runs go down the
    # columns of 8: 8 pixels outside, then the second column inside
    polygon = [[2, 1, 6, 1, 6, 4, 2, 4]]
    runs = {"size": [8, 12], "counts": [8, 8, 80]}
    make = coco(
        [
            annotation(1, 5, 3, [2, 1, 4, 3], segmentation=polygon),
            annotation(2, 9, 1, [1, 0, 1, 8], segmentation=runs),
        ]
    )
    source = source_of(make)
    drawn = source.read(0).annotation.objects[0].mask
    np.testing.assert_array_equal(drawn, painted((1, (1, 4), (2, 6))).astype(bool))
    drawn = source.read(1).annotation.objects[0].mask
    np.testing.assert_array_equal(drawn, painted((1, (0, 8), (1, 2))).astype(bool))


@pytest.mark.parametrize(
    "runs",
    [
        {"size": [80, 120], "counts": [0, 9600]},
        {"size": [8, 12], "counts": [0, 96000]},
        {"size": [8, 12], "counts": "oooooooo"},
    ],
)
def test_runs_that_are_not_of_the_image_are_never_decoded(source_of, coco, runs):
    source = source_of(coco([annotation(1, 5, 1, [0, 0, 2, 2], segmentation=runs)]))
    (one,) = source.read(0).annotation.objects
    assert (one.box, one.mask) == ((0, 0, 2, 2), None)
    assert any("segmentations not used" in warning for warning in source.warnings)


def test_coco_objects_of_another_size_than_the_images_are_refused(source_of, coco):
    message = refusal(source_of, coco([annotation(1, 5, 1, [0, 0, 2, 2])], transform=Resize(4)))
    assert "item 0: the objects are of an image of shape (8, 12), this one is 4×6" in message


def test_coco_objects_of_the_turned_photo_are_told_that_torchvision_turns_none(source_of, coco):
    make = coco([annotation(1, 5, 1, [0, 0, 2, 2])], transform=Resize((12, 8)))
    assert "does not turn photos by their EXIF orientation" in refusal(source_of, make)


def test_a_file_that_says_its_objects_are_estimates_is_believed(source_of, coco, tmp_path):
    make = coco([annotation(1, 5, 1, [0, 0, 2, 2])])
    file = tmp_path / "instances.json"
    held = json.loads(file.read_text())
    file.write_text(json.dumps({**held, "info": {"region_source": "pseudo:grabcut"}}))
    assert source_of(make).read(0).annotation.source == "pseudo:grabcut"


def test_captions_are_no_objects(source_of, coco):
    captions = [{"id": 1, "image_id": 5, "category_id": 1, "caption": "grass"}]
    make = coco(captions, 1, CocoCaptions)
    assert adapter_of(make()) is None
    assert "item 0: the label is a list: expected an integer" in refusal(source_of, make)


# In general


def test_a_subset_keeps_the_items_it_names(source_of, voc):
    make = voc(
        VOCDetection,
        [
            xml(("cat", 0, (1, 1, 3, 3))),
            xml(("dog", 0, (1, 1, 4, 4))),
            xml(("person", 0, (2, 2, 6, 6)), ("dog", 0, (1, 1, 2, 2))),
        ],
    )
    source = source_of(lambda: Subset(Subset(make(), [2, 0, 1]), torch.tensor([2, 0])))
    assert source.listing.labels.tolist() == [DOG, PERSON]
    assert source.listing.present == ((), (DOG,))
    assert source.listing.paths == ("2012_1.jpg", "2012_2.jpg")
    assert [one.box for one in source.read(0).annotation.objects] == [(0, 0, 4, 4)]


def test_it_travels_to_worker_processes(source_of, coco):
    source = source_of(coco([annotation(1, 5, 1, [0, 0, 2, 2])]))
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
    assert copy.read(0).annotation.objects == source.read(0).annotation.objects
    assert copy.listing.present == ((), ())


def test_a_first_item_that_raises_does_not_hide_the_others(source_of, voc, tmp_path):
    make = voc(VOCSegmentation, [MASK, MASK])
    (tmp_path / "VOCdevkit/VOC2012/JPEGImages/2012_0.jpg").unlink()
    source = source_of(make)
    assert source.listing.labels.tolist() == [PERSON, PERSON]
    assert "FileNotFoundError" in source.read(0).detail
    assert len(source.read(1).annotation.objects) == 3


def test_items_that_the_users_own_class_makes_are_left_to_it(source_of, pets):
    class OnlyLabels(OxfordIIITPet):
        def __getitem__(self, _index):
            return GREEN, 1

    made = pets("category", "segmentation")
    made.__class__ = OnlyLabels
    source = source_of(lambda: made)
    assert source.listing.labels.tolist() == [1, 1]
    assert source.listing.present is None


def test_annotations_in_another_form_are_an_error_of_one_line(source_of, coco):
    def make():
        made = coco([annotation(1, 5, 1, [0, 0, 2, 2])])()
        del made.coco.cats[3]["name"]
        return made

    message = refusal(source_of, make)
    assert message == "the annotations of a CocoDetection cannot be used: KeyError: 'name'"


@pytest.mark.parametrize("dataset", [[(GREEN, 0)], FakeData(2), Subset(FakeData(2), [1])])
def test_other_datasets_have_no_adapter(dataset):
    assert adapter_of(dataset) is None
