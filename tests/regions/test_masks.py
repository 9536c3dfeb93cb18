import os
import pickle
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from audit.data.voc import VOC_CLASSES
from audit.errors import DataError
from audit.records import OTHER, UNCLASSED, Listing
from audit.regions.masks import MaskAnnotations

OWN_COLOURS = [0, 0, 0, 220, 20, 60, 0, 130, 180]


def listing(*paths, classes=("cat", "dog")):
    return Listing(classes, np.zeros(len(paths), np.int64), paths, np.zeros(len(paths), np.int64))


def voc_colours():
    """VOC's colour map by its definition: the bits of an index, spread over the high bits."""
    colours = []
    for index in range(256):
        rgb = [0, 0, 0]
        for place in range(8):
            for channel in range(3):
                rgb[channel] |= (index >> (3 * place + channel) & 1) << (7 - place)
        colours += rgb
    return colours


def put(path, values, mode="P", palette=OWN_COLOURS, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(values, dtype=np.uint8))
    if mode == "P":
        image = Image.frombytes("P", image.size, image.tobytes())
        image.putpalette(palette)
    elif mode == "1":
        image = image.point(lambda value: 255 if value else 0).convert("1", dither=0)
    image.save(path, **options)


def raw_png(path, rows, width, bits, colour=0):
    """A PNG as its standard has it: ``rows`` are the packed bytes of each row."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, len(rows), bits, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def of(folder, size, orientation=1, classes=("cat", "dog")):
    return MaskAnnotations(folder, listing("a.jpg", classes=classes)).of(0, size, orientation)


def beside_a_good_one(folder):
    """Image 0 has the mask ``a.png`` that is there, image 1 a good one of one pixel."""
    put(folder / "b.png", [[1]])
    return MaskAnnotations(folder, listing("a.jpg", "b.jpg"))


def said(found):
    """Label, ignore and the mask as rows of 0 and 1 of each object."""
    return [(one.label, one.ignore, one.mask.astype(int).tolist()) for one in found.objects]


def test_a_palettised_mask_holds_class_indices(tmp_path):
    mask = np.zeros((32, 48))
    mask[2:18, 4:24] = 1  # docs/regions.md: the cat, then the dog
    mask[8:30, 30:46] = 2
    put(tmp_path / "cat" / "a.png", mask)
    masks = MaskAnnotations(tmp_path, listing("cat/a.jpg"))
    found = masks.of(0, (32, 48), 1)
    assert [(one.label, one.ignore) for one in found.objects] == [(0, False), (1, False)]
    cat, dog = (one.mask for one in found.objects)
    assert cat.dtype == bool
    assert cat.sum() == 16 * 20
    assert cat[2:18, 4:24].all()
    assert dog.sum() == 22 * 16
    assert dog[8:30, 30:46].all()
    assert (found.note, masks.warnings) == ("", ())


def test_255_is_ignored_area(tmp_path):
    # All 256 colours are given: with 3, Pillow would store 2 bits a pixel and lose the 255
    put(tmp_path / "a.png", [[0, 255, 2]], palette=[i // 3 for i in range(768)])
    assert said(of(tmp_path, (1, 3))) == [(1, False, [[0, 0, 1]]), (UNCLASSED, True, [[0, 1, 0]])]


def test_a_value_above_the_classes_is_another_object_with_a_note(tmp_path):
    put(tmp_path / "a.png", [[1, 3, 0]])
    found = of(tmp_path, (1, 3))
    assert [one.label for one in found.objects] == [0, OTHER]
    assert found.note == ("mask values above the number of classes (2), kept as other objects: '3'")


def test_vocs_colours_with_vocs_classes_mean_vocs_order(tmp_path):
    # VOC's order: 8 is cat, 12 is dog, 15 is person, which this dataset lacks; 21 is nothing
    put(tmp_path / "a.png", [[8, 12, 15, 255, 21]], palette=voc_colours())
    found = of(tmp_path, (1, 5), classes=("Dog", "cat"))
    assert [(one.label, one.ignore) for one in found.objects] == [
        (1, False),
        (0, False),
        (OTHER, False),
        (OTHER, False),
        (UNCLASSED, True),
    ]
    assert "above the number of classes (20), kept as other objects: '21'" in found.note


def test_vocs_order_is_said_where_it_is_not_the_datasets(tmp_path):
    put(tmp_path / "a.png", [[8]], palette=voc_colours())
    (warning,) = MaskAnnotations(tmp_path, listing("a.jpg")).warnings
    assert "('a.png' has it) are read in VOC's order, 1 for aeroplane" in warning
    assert MaskAnnotations(tmp_path, listing("a.jpg", classes=VOC_CLASSES)).warnings == ()


def test_vocs_colours_alone_do_not_change_the_order(tmp_path):
    put(tmp_path / "a.png", [[1, 2]], palette=voc_colours())
    found = of(tmp_path, (1, 2), classes=("cat", "gnome"))
    assert [one.label for one in found.objects] == [0, 1]


def test_vocs_classes_in_other_colours_keep_the_datasets_order(tmp_path):
    put(tmp_path / "a.png", [[1, 2]])
    assert [one.label for one in of(tmp_path, (1, 2)).objects] == [0, 1]


@pytest.mark.parametrize(
    ("values", "mode"), [([[0, 255]], "L"), ([[0, 1]], "L"), ([[0, 1]], "1"), ([[0, 255]], "1")]
)
def test_two_grey_values_are_a_binary_mask(tmp_path, values, mode):
    put(tmp_path / "a.png", values, mode)
    assert said(of(tmp_path, (1, 2))) == [(UNCLASSED, False, [[0, 1]])]


def test_more_grey_values_are_class_indices(tmp_path):
    put(tmp_path / "a.png", [[0, 1, 2, 255]], "L")
    assert said(of(tmp_path, (1, 4))) == [
        (0, False, [[0, 1, 0, 0]]),
        (1, False, [[0, 0, 1, 0]]),
        (UNCLASSED, True, [[0, 0, 0, 1]]),
    ]


@pytest.mark.parametrize(("values", "labels"), [([0, 65535], [UNCLASSED]), ([1, 2], [0, 1])])
def test_16_bit_grey(tmp_path, values, labels):
    Image.fromarray(np.array([values], dtype=np.uint16)).save(tmp_path / "a.png")
    assert [one.label for one in of(tmp_path, (1, 2)).objects] == labels


@pytest.mark.parametrize(
    ("row", "bits", "labels"),
    [
        (b"\x12", 4, [0, 1]),  # two pixels of 4 bits: 1 and 2
        (b"\x0f", 4, [UNCLASSED]),  # 0 and white
        (b"\x60", 2, [0, 1]),  # 01 10: 1 and 2
        (b"\x10", 2, [UNCLASSED]),  # 00 01: 0 and 1
    ],
)
def test_packed_grey_keeps_the_stored_values(tmp_path, row, bits, labels):
    """Pillow stretches 2 and 4 bits to 0 to 255, which would make class 1 of 4 bits class 17."""
    raw_png(tmp_path / "a.png", [row], width=2, bits=bits)
    assert [one.label for one in of(tmp_path, (1, 2)).objects] == labels


def test_an_empty_mask_has_no_objects(tmp_path):
    put(tmp_path / "a.png", [[0, 0]], "L")
    assert of(tmp_path, (1, 2)).objects == ()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_colours_are_no_mask(tmp_path, mode):
    Image.new(mode, (3, 2)).save(tmp_path / "a.png")
    masks = beside_a_good_one(tmp_path)
    found = masks.of(0, (2, 3), 1)
    assert found.objects == ()
    why = f"its pixels are {mode}; a palettised or grey PNG is needed"
    assert found.note == f"mask not used: {why}"
    assert masks.warnings == (f"masks left out: 1 ('a.png: {why}')",)


def test_a_picture_is_no_mask_of_classes(tmp_path):
    put(tmp_path / "a.png", np.arange(101).reshape(1, 101), "L")
    assert "101 distinct values, a mask of classes at most 100" in of(tmp_path, (1, 101)).note


def test_a_mask_of_another_size_is_not_decoded(tmp_path):
    raw_png(tmp_path / "a.png", [], width=10**6, bits=8)
    header = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(header[:20] + struct.pack(">I", 10**6) + header[24:])
    found = of(tmp_path, (32, 48))
    assert found.objects == ()
    assert "of an image of 1000000×1000000 pixels (width×height), this one has 48×32" in found.note


def test_a_lying_mask_of_the_unturned_size_is_not_used_where_nothing_was_turned(tmp_path):
    put(tmp_path / "a.png", [[1, 0, 0]])
    found = of(tmp_path, (3, 1), orientation=3)
    assert found.objects == ()
    assert "of an image of 3×1 pixels" in found.note


def test_a_photo_turned_by_exif_takes_its_mask_along(tmp_path):
    put(tmp_path / "a.png", [[1, 1, 0], [2, 0, 0]])
    found = of(tmp_path, (3, 2), orientation=6)
    # Clockwise: the left column, read from below, becomes the first row
    assert said(found) == [
        (0, False, [[0, 1], [0, 1], [0, 0]]),
        (1, False, [[1, 0], [0, 0], [0, 0]]),
    ]
    assert "turned upright" in found.note


@pytest.mark.parametrize("kept", [0, 10, 25, 60, 200])
def test_a_cut_off_png_becomes_a_note(tmp_path, kept):
    rng = np.random.default_rng(0)
    put(tmp_path / "a.png", rng.integers(0, 3, (40, 40)))
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[:kept])
    found = beside_a_good_one(tmp_path).of(0, (40, 40), 1)
    assert found.objects == ()
    assert found.note.startswith("mask not used: ")


def test_what_is_no_png_or_gone_becomes_a_note(tmp_path):
    (tmp_path / "a.png").write_text("<html>not found</html>, a failed download")
    masks = beside_a_good_one(tmp_path)
    assert "the file is no PNG" in masks.of(0, (4, 4), 1).note
    (tmp_path / "b.png").unlink()
    assert masks.of(1, (1, 1), 1).note == "mask not used: no such file or directory"


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.symlink_to("nowhere.png"), "no such file or directory"),
        (lambda path: path.symlink_to("a.png"), "too many levels of symbolic links"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    ],
    ids=["link to nothing", "link to itself", "pipe", "device"],
)
def test_what_cannot_be_opened_is_left_out_and_said_at_once(tmp_path, spoil, why):
    spoil(tmp_path / "a.png")
    masks = beside_a_good_one(tmp_path)
    assert masks.warnings == (f"masks left out: 1 ('a.png: {why}')",)
    assert masks.of(0, (1, 1), 1).note == f"mask not used: {why}"
    assert len(masks.of(1, (1, 1), 1).objects) == 1


def test_only_masks_that_cannot_be_used_end_the_run(tmp_path):
    Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"none of the 1 masks in .* can be used: 'a.png: its pix"):
        MaskAnnotations(tmp_path, listing("a.jpg"))


def test_images_and_masks_without_each_other_are_counted(tmp_path):
    put(tmp_path / "in" / "a.PNG", [[1]])
    put(tmp_path / "z.png", [[1]])
    masks = MaskAnnotations(tmp_path, listing("a.jpg", "b.jpg"))
    assert len(masks.of(0, (1, 1), 1).objects) == 1
    assert masks.of(1, (1, 1), 1).objects == ()
    assert masks.warnings == (
        "annotations of no image: 1 ('z.png')",
        "images without annotation: 1 ('b.jpg')",
    )


def test_no_mask_of_any_image_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no \.png file"):
        MaskAnnotations(tmp_path, listing("a.jpg"))
    put(tmp_path / "z.png", [[1]])
    with pytest.raises(DataError, match=r"none of the 1 annotated images"):
        MaskAnnotations(tmp_path, listing("a.jpg"))


def test_the_digest_follows_the_bytes_not_the_time(tmp_path):
    put(tmp_path / "a.png", [[1, 2]])
    first = MaskAnnotations(tmp_path, listing("a.jpg")).digest
    os.utime(tmp_path / "a.png", (1, 1))
    assert MaskAnnotations(tmp_path, listing("a.jpg")).digest == first
    put(tmp_path / "a.png", [[2, 2]])
    assert MaskAnnotations(tmp_path, listing("a.jpg")).digest != first


def test_it_travels_to_worker_processes(tmp_path):
    put(tmp_path / "a.png", [[1]])
    copy = pickle.loads(pickle.dumps(MaskAnnotations(tmp_path, listing("a.jpg"))))  # noqa: S301
    assert [one.label for one in copy.of(0, (1, 1), 1).objects] == [0]
