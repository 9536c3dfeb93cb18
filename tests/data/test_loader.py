from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from audit.data.loader import Views, batches
from audit.data.stl10 import open_stl10
from audit.errors import ConfigError, DataError
from audit.records import AnnotatedObject, Annotation, Listing, Preprocessing, Reading
from audit.regions.boxes import objects_of

OWN_SIZE = Preprocessing()


@dataclass(frozen=True)
class Toy:
    """Images of one grey level each, of the sizes given; None cannot be read."""

    sizes: tuple
    objects: dict = field(default_factory=dict)
    warnings: tuple = ()
    present: tuple | None = None
    texts: tuple | None = None

    @property
    def listing(self):
        n = len(self.sizes)
        paths = tuple(f"{i}.png" for i in range(n))
        sizes = np.zeros(n, dtype=np.int64)
        labels, more = np.arange(n) % 2, {"present": self.present, "texts": self.texts}
        return Listing(("a", "b"), labels, paths, sizes, **more)

    def read(self, index):
        if self.sizes[index] is None:
            return Reading(None, "00", "truncated")
        if self.sizes[index] == "broken":
            raise DataError("row 7: no such label")
        pixels = np.full((*self.sizes[index], 3), index, dtype=np.uint8)
        annotation = Annotation(tuple(self.objects.get(index, ())))
        return Reading(pixels, f"{index:02x}", "", 6, annotation)

    def slices(self, index):
        return {"camera": str(index)}


def _batches(source, preprocessing=OWN_SIZE, size=(8, 8), batch=2, workers=0, regions="native"):
    views = Views(source, preprocessing, size, regions)
    return list(batches(views, np.arange(len(source.listing)), batch, workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_order_and_size_of_batches(workers):
    found = _batches(Toy(((8, 8),) * 5), workers=workers)
    assert [batch.index.tolist() for batch in found] == [[0, 1], [2, 3], [4]]
    assert found[1].pixels[1, 0, 0, 0].item() == 3
    assert found[1].path == ("2.png", "3.png")
    assert found[2].slices == ({"camera": "4"},)


def test_an_unreadable_image_keeps_its_place():
    (batch,) = _batches(Toy(((8, 8), None)))
    assert batch.readable.tolist() == [True, False]
    assert batch.detail == ("", "truncated")
    assert batch.size.tolist() == [[8, 8], [0, 0]]
    assert not batch.pixels[1].any()


@pytest.mark.parametrize("workers", [0, 1])
def test_another_size_is_an_error_that_names_the_image_and_the_way_out(workers):
    with pytest.raises(ConfigError, match=r"'1\.png' gives a view of 8×9.*--input-size") as caught:
        _batches(Toy(((8, 8), (8, 9))), workers=workers)
    assert "Traceback" not in str(caught.value)


def test_a_bad_dataset_is_told_as_it_is_from_a_worker():
    with pytest.raises(DataError, match=r"^row 7: no such label$"):
        _batches(Toy(("broken",)), workers=1)


def test_boxes_become_a_region_and_what_the_crop_cuts_is_counted():
    # an 8×16 image cropped to its middle 8 columns (4 to 12); the box covers columns 2 to 6
    toy = Toy(((8, 16),), {0: objects_of(np.array([[2.0, 0, 6, 4]]))})
    (batch,) = _batches(toy, Preprocessing(crop=(8, 8)))
    assert batch.groups.raster[0, :4, :2].all()
    assert batch.groups.raster.sum().item() == 8
    assert batch.groups.visible.tolist() == [0.5]
    assert batch.groups.n_objects.tolist() == [1]
    assert batch.groups.boxes[0].tolist() == [[0, 0, 2, 4]]
    assert batch.frame.tolist() == [[4, 0, 12, 8]]


def test_overlapping_boxes_count_once_and_those_outside_not_at_all():
    boxes = np.array([[0.0, 0, 4, 8], [2, 0, 6, 8], [20, 20, 30, 30]])
    (batch,) = _batches(Toy(((8, 8),), {0: objects_of(boxes)}))
    assert batch.groups.n_objects.tolist() == [2]
    assert batch.groups.raster.sum().item() == 48
    assert batch.groups.visible.tolist() == [1]


def test_an_empty_mask_is_no_object():
    (batch,) = _batches(Toy(((8, 8),), {0: [AnnotatedObject(mask=np.zeros((8, 8), dtype=bool))]}))
    assert batch.groups is None
    assert batch.source == ("none",)


def test_regions_can_be_left_out():
    (batch,) = _batches(Toy(((8, 8),), {0: [AnnotatedObject((0, 0, 4, 4))]}), regions=None)
    assert batch.groups is None


def test_objects_of_a_class_are_one_group_and_those_to_ignore_an_area():
    objects = [
        AnnotatedObject((0, 0, 2, 8), label=1),
        AnnotatedObject((4, 0, 6, 8), label=0),
        AnnotatedObject((6, 0, 8, 8), label=1),
        AnnotatedObject((0, 0, 8, 1), label=0, ignore=True),
    ]
    (batch,) = _batches(Toy(((8, 8), (8, 8), None), {1: objects}), batch=3)
    assert batch.groups.image.tolist() == [1, 1]
    assert batch.groups.label.tolist() == [0, 1]
    assert batch.groups.n_objects.tolist() == [1, 2]
    assert batch.groups.raster.sum(dim=(1, 2)).tolist() == [16, 32]
    assert batch.ignore.sum(dim=(1, 2)).tolist() == [0, 8, 0]
    assert batch.source == ("none", "annotation", "none")


class Beside:
    """Annotations from beside the dataset: the left half of every image but the first."""

    digest, warnings = "d", ()

    def of(self, index, size, orientation):
        if index == 0:
            return Annotation(note="no entry")
        box = (0, 0, size[1] / 2, size[0])
        return Annotation((AnnotatedObject(box),), f"pseudo:{orientation}", "")


def test_annotations_from_beside_replace_the_datasets_own():
    toy = Toy(((8, 8), (8, 8)), {0: [AnnotatedObject((0, 0, 8, 8))]})
    (batch,) = _batches(toy, regions=Beside())
    assert batch.groups.image.tolist() == [1]
    assert batch.groups.raster.sum().item() == 32
    assert batch.source == ("none", "pseudo:6")
    assert batch.detail == ("no entry", "")


def test_annotations_from_beside_serve_arrays_too(stl10_root):
    (batch,) = _batches(
        open_stl10(stl10_root, "test"), Preprocessing(crop=(48, 48)), (48, 48), 24, 0, Beside()
    )
    assert batch.groups.image.tolist() == list(range(1, 24))
    assert (batch.groups.raster.sum(dim=(1, 2)) == 24 * 48).all()
    assert batch.groups.visible.tolist() == [0.25] * 23  # 24×48 of 48×96 pixels
    assert batch.detail[0] == "no entry"


def test_further_classes_travel_with_the_image():
    (batch,) = _batches(Toy(((8, 8),) * 2, present=((1,), ())))
    assert batch.present == ((1,), ())
    assert _batches(Toy(((8, 8),)))[0].present == (None,)


RED, BLUE = {"question": "is it red?"}, {"question": "is it blue?"}


def _digests(*texts):
    """Of the same image, once with each of ``texts``; None: the dataset has none."""

    class Same(Toy):
        def read(self, _index):
            return super().read(0)

    given = None if texts == (None,) else texts
    (batch,) = _batches(Same(((8, 8),) * len(texts), texts=given), batch=len(texts))
    return batch.digest


def test_what_comes_with_an_image_travels_with_it():
    found = _batches(Toy(((8, 8),) * 3, texts=(RED, {}, BLUE)))
    assert [batch.texts for batch in found] == [(RED, {}), (BLUE,)]
    assert _batches(Toy(((8, 8),)))[0].texts == ({},)


def test_of_one_image_two_questions_have_two_digests():
    red, blue, again = _digests(RED, BLUE, RED)
    assert red != blue
    assert red == again
    assert len(red) == len(_digests({"question": "où est-ce? 🐕 \ud800"})[0]) == 32


def test_without_texts_the_digest_is_the_images_own():
    assert _digests(None) == ("00",)
    assert _digests({}) == ("00",)


def test_question_and_caption_are_told_apart_and_their_order_is_not():
    asked, captioned = _digests({"question": "a dog"}, {"caption": "a dog"})
    assert asked != captioned
    both = {"question": "a", "caption": "b"}
    assert len(set(_digests(both, dict(reversed(both.items()))))) == 1


def test_an_unreadable_image_keeps_its_question_and_a_digest_of_its_own():
    (batch,) = _batches(Toy((None, None), texts=(RED, BLUE)))
    assert batch.texts == (RED, BLUE)
    assert len(set(batch.digest)) == 2
    assert not batch.readable.any()


def test_array_batches_are_slices_of_the_file(stl10_root):
    source = open_stl10(stl10_root, "test")
    found = _batches(source, size=(96, 96), batch=10)
    assert [len(batch) for batch in found] == [10, 10, 4]
    assert np.array_equal(torch.cat([b.pixels for b in found]).numpy(), source.images)
    assert len({digest for batch in found for digest in batch.digest}) == 24
    assert found[2].texts == ({},) * 4


def test_array_masks_follow_the_crop(stl10_root):
    source = open_stl10(stl10_root, "test")

    class Masked:
        images, listing, warnings = source.images, source.listing, ()
        masks = np.zeros((24, 96, 96), dtype=np.uint8)

    Masked.masks[0, 40:50, 0:96] = 1  # a band: the middle half of the columns is kept
    views = Views(Masked(), Preprocessing(crop=(48, 48)), (48, 48), "native")
    (batch,) = batches(views, np.arange(2), 2, 0)
    assert batch.view_on(torch.device("cpu")).shape == (2, 3, 48, 48)
    assert batch.groups.image.tolist() == [0]
    assert batch.groups.raster.sum().item() == 10 * 48
    assert batch.groups.visible.tolist() == [0.5]
    assert batch.groups.boxes[0].tolist() == [[0, 16, 48, 26]]
    assert batch.source == ("annotation", "none")
