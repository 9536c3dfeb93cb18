import pickle
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset
from torchvision.datasets import FakeData
from torchvision.transforms import Normalize, ToTensor

from audit.data.custom import CustomSource
from audit.data.decode import digest_of
from audit.errors import DataError, ModelError
from audit.records import Sample

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
PIXELS[0, 0] = 0, 128, 255


class Items:
    """A map-style dataset of given items; an exception among them is raised when fetched."""

    def __init__(self, items, **attributes):
        self.items = items
        self.fetched = []
        self.__dict__.update(attributes)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        self.fetched.append(index)
        item = self.items[index]
        if isinstance(item, BaseException):
            raise item
        return item


@pytest.fixture
def source_of(monkeypatch):
    """A CustomSource over the object that ``its_module:make`` returns."""
    module = type(sys)("its_module")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "its_module", module)

    def source(made):
        module.make = lambda: made
        return CustomSource("its_module:make")

    return source


def refusal(source_of, item, **attributes):
    with pytest.raises(DataError) as error:
        source_of(Items([item], **attributes))
    return str(error.value)


# Finding the function


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "made_here", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


def test_a_module_in_the_current_folder_is_found(here):
    (here / "made_here.py").write_text(
        "import numpy as np\n"
        "def make():\n"
        "    return [(np.zeros((2, 3, 3), np.uint8), 0), (np.ones((2, 3, 3), np.uint8), 1)]\n"
    )
    source = CustomSource("made_here:make")
    assert source.listing.labels.tolist() == [0, 1]
    assert source.read(1).pixels.shape == (2, 3, 3)
    sys.modules.pop("made_here")


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        (None, "make", r"importing 'made_here' failed \(ModuleNotFoundError.*or lie in"),
        ("import not_there", "make", r"No module named 'not_there'"),
        ("def make(: pass", "make", r"SyntaxError"),
        ("def make(): pass", "mk", r"made_here has no function 'mk'; did you mean 'make'"),
        ("def make(n): pass", "make", r"make\(\) failed: TypeError.*positional argument"),
        ("make = 3", "make", r"has no function 'make'"),
    ],
)
def test_what_hinders_the_function_is_said(here, text, name, says):
    if text is not None:
        (here / "made_here.py").write_text(text)
    with pytest.raises(DataError, match=says):
        CustomSource(f"made_here:{name}")
    sys.modules.pop("made_here", None)


def test_an_error_of_ours_passes_through(here):
    (here / "made_here.py").write_text(
        "from audit.errors import ModelError\ndef make():\n    raise ModelError('as it is')\n"
    )
    with pytest.raises(ModelError, match=r"^as it is$"):
        CustomSource("made_here:make")
    sys.modules.pop("made_here")


@pytest.mark.parametrize("made", [None, 3, "text", {0: (PIXELS, 0)}, iter([(PIXELS, 0)])])
def test_what_is_no_map_style_dataset_is_refused(source_of, made):
    with pytest.raises(DataError, match=rf"returned a {type(made).__name__}.*map-style"):
        source_of(made)


def test_an_empty_or_unwritten_dataset_is_refused(source_of):
    with pytest.raises(DataError, match="empty list"):
        source_of([])
    with pytest.raises(DataError, match="map-style"):
        source_of(Items([NotImplementedError()]))


# Labels and classes


def test_targets_are_taken_without_fetching_every_item(source_of):
    dataset = Items([(PIXELS, 2), (PIXELS, 0), (PIXELS, -1)], targets=[2, 0, -1], classes="abc")
    source = source_of(dataset)
    assert source.listing.labels.tolist() == [2, 0, -1]
    assert source.listing.labels.dtype == np.int64
    assert source.listing.classes == ("a", "b", "c")
    assert source.listing.paths is None
    assert source.listing.sizes.tolist() == [0, 0, 0]
    assert source.warnings == ()
    assert dataset.fetched == [0]


@pytest.mark.parametrize("targets", [torch.tensor([1, 0]), np.array([1, 0]), (1, 0)])
def test_any_list_of_integers_will_do(source_of, targets):
    assert source_of(Items([(PIXELS, 1), (PIXELS, 0)], labels=targets)).warnings == ()


def test_without_targets_every_item_is_fetched_and_that_is_said(source_of):
    source = source_of(Items([(PIXELS, 1), ValueError("lost"), Sample(PIXELS)]))
    assert source.listing.labels.tolist() == [1, -1, -1]
    assert source.listing.classes == ("0", "1")
    assert source.warnings == ("all 3 items were fetched once to learn their labels",)


def test_targets_that_the_items_contradict_are_not_believed(source_of):
    source = source_of(Items([(PIXELS, 1), (PIXELS, 0)], targets=[0, 1]))
    assert source.listing.labels.tolist() == [1, 0]
    assert "disagrees with its first item" in source.warnings[0]


def test_targets_that_are_no_labels_are_passed_over(source_of):
    source = source_of(Items([(PIXELS, 1)], targets=["1.xml"], labels=[1]))
    assert source.listing.labels.tolist() == [1]
    assert source.warnings == ()


def test_a_label_that_differs_from_its_listing_is_never_scored(source_of):
    source = source_of(Items([(PIXELS, 0), (PIXELS, 1)], targets=[0, 0]))
    reading = source.read(1)
    assert reading.pixels is None
    assert reading.detail == "the item's label is 1, the dataset lists it as 0"


@pytest.mark.parametrize(
    ("labels", "attributes", "says"),
    [
        ([0, 2], {"classes": ["a", "b"]}, "item 1 has the label 2: expected 0 to 1, or -1"),
        ([0, -2], {}, "item 1 has the label -2"),
        ([0, 2**40], {}, "item 1 has the label 1099511627776: expected 0 to 99999"),
    ],
)
def test_labels_out_of_range_are_named(source_of, labels, attributes, says):
    with pytest.raises(DataError, match=says):
        source_of(Items([(PIXELS, label) for label in labels], **attributes))


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("cat", "the label is a str: expected an integer"),
        (1.0, "a float"),
        (np.eye(3, dtype=np.float32)[0], "float32 of shape 3"),
    ],
)
def test_labels_that_are_no_index_are_named(source_of, label, says):
    assert says in refusal(source_of, (PIXELS, label))


def test_a_synonym_tuple_names_its_class_by_the_first(source_of):
    source = source_of(Items([(PIXELS, 0)], classes=[("tench", "Tinca tinca")]))
    assert source.listing.classes == ("tench",)


def test_a_subset_keeps_its_datasets_classes_and_labels(source_of):
    items = [(PIXELS, label) for label in (0, 1, 2)]
    whole = Items(items, targets=[0, 1, 2], classes=["a", "b", "c"], paths=["x", "y", "z"])
    source = source_of(Subset(Subset(whole, [2, 1]), [0]))
    assert source.listing.labels.tolist() == [2]
    assert source.listing.classes == ("a", "b", "c")
    assert source.listing.paths == ("z",)


def test_names_come_from_paths_or_from_fetched_samples(source_of):
    samples = [Sample(PIXELS, 0, path="first"), Sample(PIXELS, 0)]
    assert source_of(Items(samples)).listing.paths == ("first", "[1]")
    named = Items(samples, targets=[0, 0], paths=["p", "q"])
    assert source_of(named).listing.paths == ("p", "q")
    with pytest.raises(DataError, match="holds 2 items, its attribute paths 1"):
        source_of(Items(samples, targets=[0, 0], paths=["p"]))


# Images


@pytest.mark.parametrize(
    "image",
    [
        PIXELS,
        PIXELS.transpose(2, 0, 1),
        torch.from_numpy(PIXELS),
        torch.from_numpy(PIXELS).permute(2, 0, 1),
        Image.fromarray(PIXELS),
        ToTensor()(Image.fromarray(PIXELS)),
    ],
    ids=["HWC", "CHW", "tensor HWC", "tensor CHW", "PIL", "ToTensor"],
)
def test_every_form_of_an_image_gives_the_same_pixels_and_digest(source_of, image):
    reading = source_of([(image, 0)]).read(0)
    np.testing.assert_array_equal(reading.pixels, PIXELS)
    assert reading.pixels.flags.writeable
    shape = np.array([4, 6], dtype=np.int64).tobytes()
    assert reading.digest == digest_of(shape, PIXELS.tobytes())


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (1, 4, 6)])
def test_grey_becomes_three_equal_channels(source_of, shape):
    grey = PIXELS[..., 0]
    pixels = source_of([(grey.reshape(shape), 0)]).read(0).pixels
    np.testing.assert_array_equal(pixels, np.dstack([grey] * 3))


def test_three_rows_of_three_columns_are_settled_by_the_kind(source_of):
    cube = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    as_array = source_of([(cube, 0)]).read(0).pixels
    as_tensor = source_of([(torch.from_numpy(cube), 0)]).read(0).pixels
    np.testing.assert_array_equal(as_array, cube)
    np.testing.assert_array_equal(as_tensor, cube.transpose(1, 2, 0))


def test_a_path_is_read_like_any_file(source_of, tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    source = source_of([(tmp_path / "a.png", 0), (str(tmp_path / "b.png"), 0)])
    np.testing.assert_array_equal(source.read(0).pixels, PIXELS)
    assert source.read(0).digest == digest_of((tmp_path / "a.png").read_bytes())
    assert "no such file" in source.read(1).detail


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (PIXELS.astype(np.int64), "int64 of shape 4×6×3"),
        (PIXELS.astype(np.float32), "float32 of shape 4×6×3 from 0 to 255"),
        (Normalize([0.5] * 3, [0.2] * 3)(ToTensor()(Image.fromarray(PIXELS))), "from -2.5 to 2.5"),
        (np.full((4, 6, 3), np.nan), "from nan to nan"),
        (np.zeros((4, 6, 4), np.uint8), "uint8 of shape 4×6×4"),
        (np.zeros((2, 4, 6, 3), np.uint8), "uint8 of shape 2×4×6×3"),
        (np.zeros((0, 6, 3), np.uint8), "uint8 of shape 0×6×3"),
        (None, "a NoneType"),
        ({"pixels": PIXELS}, "a dict"),
    ],
)
def test_images_that_do_not_fit_are_described_beside_what_is_expected(source_of, image, says):
    message = refusal(source_of, (image, 0))
    assert message.startswith("--dataset its_module:make: item 0: the image is ")
    assert says in message
    assert "expected uint8 RGB of shape H×W×3" in message


@pytest.mark.parametrize("item", [(PIXELS, 0, 1), {"image": PIXELS}, PIXELS])
def test_items_of_another_kind_are_refused(source_of, item):
    message = refusal(source_of, item)
    assert type(item).__name__ in message
    assert "expected an audit.records.Sample or an (image, label) pair" in message


def test_an_item_that_raises_is_one_unreadable_image(source_of):
    source = source_of(Items([OSError("disk\ngone \udcff"), (PIXELS, 1)], targets=[1, 1]))
    reading = source.read(0)
    assert reading.pixels is None
    assert reading.detail == "OSError: disk gone \\udcff"
    assert len(reading.digest) == 32
    assert source.slices(0) == {}
    assert source.read(1).pixels is not None


@pytest.mark.parametrize("attributes", [{"targets": [1, 1, 1]}, {}])
def test_an_item_that_calls_exit_is_one_unreadable_image(source_of, attributes):
    source = source_of(Items([SystemExit(3), (PIXELS, 1), SystemExit("gone")], **attributes))
    assert source.read(0).pixels is None
    assert source.read(0).detail == "SystemExit: 3"
    assert source.slices(2) == {}
    assert source.read(1).pixels is not None
    assert source.listing.labels[1] == 1


def test_a_person_may_interrupt_an_item(source_of):
    source = source_of(Items([(PIXELS, 1), KeyboardInterrupt()], targets=[1, 1]))
    with pytest.raises(KeyboardInterrupt):
        source.read(1)


def test_a_later_item_that_does_not_fit_is_one_unreadable_image(source_of):
    source = source_of(Items([(PIXELS, 1), (PIXELS / 7.0, 1)], targets=[1, 1]))
    assert "float64 of shape 4×6×3" in source.read(1).detail


# Regions and slices


def test_boxes_and_masks_come_with_the_image(source_of):
    mask = np.zeros((4, 6), np.uint8)
    mask[1:3, 2:5] = 255
    source = source_of(
        [
            Sample(PIXELS, 0, boxes=[(0, 1, 2.5, 3)], slices={"site": "a", "year": 2024}),
            Sample(PIXELS, 0, mask=mask),
            Sample(PIXELS, 0, boxes=torch.empty(0, 4)),
        ]
    )
    assert [one.box for one in source.read(0).annotation.objects] == [(0, 1, 2.5, 3)]
    assert source.read(0).annotation.objects[0].mask is None
    assert source.slices(0) == {"site": "a", "year": "2024"}
    (masked,) = source.read(1).annotation.objects
    assert masked.mask.dtype == np.bool_
    assert masked.mask.sum() == 6
    assert source.read(2).annotation.objects == ()


@pytest.mark.parametrize(
    ("regions", "says"),
    [
        ({"mask": np.zeros((6, 4), bool)}, r"the mask is of shape \(6, 4\), the image 4×6"),
        ({"mask": np.full((4, 6), 7)}, "other values than 0 and 1"),
        ({"boxes": [(0, 0, 1)]}, r"boxes are of shape \(1, 3\): expected N×4"),
        ({"boxes": [(0, 0, 1, 1), (3, 0, 3, 1)]}, r"the box \(3, 0, 3, 1\) is degenerate"),
        ({"boxes": [(0, 0, np.nan, 1)]}, "degenerate"),
        ({"boxes": [(0, 0, 1, 1)], "mask": np.ones((4, 6), bool)}, "at most one of the two"),
    ],
)
def test_regions_that_do_not_fit_are_named(source_of, regions, says):
    with pytest.raises(DataError, match=says):
        source_of([Sample(PIXELS, 0, **regions)])


def test_an_item_is_fetched_once_for_its_image_and_its_slices(source_of):
    dataset = Items([Sample(PIXELS, 0, slices={"n": i}) for i in range(3)], targets=[0, 0, 0])
    source = source_of(dataset)
    dataset.fetched.clear()
    for index in (2, 1):  # as a batch is read
        source.read(index)
    assert [source.slices(index) for index in (2, 1)] == [{"n": "2"}, {"n": "1"}]
    assert dataset.fetched == [2, 1]


def test_slices_alone_fetch_the_item(source_of):
    samples = [Sample(PIXELS, 0), Sample(PIXELS, 0, slices={"a": "b"})]
    source = source_of(Items(samples, targets=[0, 0]))
    assert source.slices(1) == {"a": "b"}


def test_torchvisions_own_datasets_are_read(source_of):
    source = source_of(FakeData(size=5, image_size=(3, 8, 9), num_classes=4))
    assert len(source.listing) == 5
    assert source.read(4).pixels.shape == (8, 9, 3)


def test_it_travels_to_worker_processes_without_the_dataset(source_of):
    source = source_of(Items([(PIXELS, 0)], targets=[0], hook=lambda: None))  # cannot be pickled
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(copy.read(0).pixels, PIXELS)
