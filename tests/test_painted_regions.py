"""A photo with white rectangles, annotated in every form: they must land where its white lands."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pycocotools import mask as coco_mask

from audit.data.folder import FolderSource
from audit.data.loader import Views, batches
from audit.records import Preprocessing
from audit.regions.box_table import BoxTableAnnotations
from audit.regions.boxes import mask_boxes
from audit.regions.coco import CocoAnnotations
from audit.regions.masks import MaskAnnotations
from audit.regions.voc import VocAnnotations

ORIENTATION = 0x0112
CARRIED = "annotations of the unturned photo"


@st.composite
def rectangles(draw, height, width):
    """Two masks (height×width bool), a rectangle of 5×5 pixels or more each."""
    masks = np.zeros((2, height, width), dtype=bool)
    for mask in masks:
        y0, x0 = draw(st.integers(0, height - 5)), draw(st.integers(0, width - 5))
        y1, x1 = draw(st.integers(y0 + 5, height)), draw(st.integers(x0 + 5, width))
        mask[y0:y1, x0:x1] = True
    return masks


def put_photo(file, white, orientation):
    """Save the stored photo; returns it as Pillow turns it upright."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    file.parent.mkdir(parents=True)
    Image.fromarray(np.where(white, np.uint8(255), np.uint8(0))).save(file, exif=exif)
    with Image.open(file) as photo:
        return np.asarray(ImageOps.exif_transpose(photo)) > 0


def put_voc(folder, masks):
    """Corners from 1, the last pixel included."""
    height, width = masks.shape[1:]
    objects = "".join(
        f"<object><name>a</name><bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin>"
        f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for x0, y0, x1, y1 in mask_boxes(masks).astype(int).tolist()
    )
    size = f"<size><width>{width}</width><height>{height}</height></size>"
    folder.mkdir()
    (folder / "p.xml").write_text(f"<annotation>{size}{objects}</annotation>")
    return folder


def put_coco(file, masks, shape_of):
    height, width = masks.shape[1:]
    shapes = [shape_of(mask) for mask in masks]
    content = {
        "images": [{"id": 1, "file_name": "a/p.png", "width": width, "height": height}],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": 1} | s for i, s in enumerate(shapes)
        ],
    }
    file.write_text(json.dumps(content))
    return file


def box(mask):
    x0, y0, x1, y1 = mask_boxes(mask[None])[0].tolist()
    return {"bbox": [x0, y0, x1 - x0, y1 - y0]}


def polygon(mask):
    x0, y0, x1, y1 = mask_boxes(mask[None])[0].tolist()
    return {"segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]]}


def rle(mask):
    found = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"segmentation": found | {"counts": found["counts"].decode()}}


def put_mask(folder, white):
    (folder / "a").mkdir(parents=True)
    image = Image.fromarray(white.astype(np.uint8))
    image.putpalette([0, 0, 0, 255, 255, 255])
    image.save(folder / "a" / "p.png")
    return folder


def put_table(file, masks):
    rows = [",".join(map(str, row)) for row in mask_boxes(masks).tolist()]
    file.write_text("\n".join(["path,x0,y0,x1,y1", *(f"a/p.png,{row}" for row in rows)]))
    return file


def every_form(root, listing, masks, upright):
    """Annotations of ``masks``; a table states no size, so it is of ``upright``."""
    yield "boxes", BoxTableAnnotations(put_table(root / "boxes.csv", upright), listing)
    yield "voc", VocAnnotations(put_voc(root / "voc", masks), listing)
    yield "masks", MaskAnnotations(put_mask(root / "masks", masks.any(axis=0)), listing)
    for shape in (box, polygon, rle):
        file = put_coco(root / f"{shape.__name__}.json", masks, shape)
        yield shape.__name__, CocoAnnotations(file, listing)


@settings(max_examples=80, deadline=None)
@given(
    orientation=st.integers(1, 8),
    height=st.integers(16, 60),
    width=st.integers(16, 60),
    crop=st.integers(12, 50),
    resize=st.integers(16, 48),
    exact=st.booleans(),
    unturned=st.booleans(),
    data=st.data(),
)
def test_a_region_lands_where_its_painted_pixels_land(
    orientation, height, width, crop, resize, exact, unturned, data
):
    """Through resize, crop, padding and EXIF; in the stored frame where ``unturned``, else upright.

    Of a photo that is only mirrored, or square, nobody can tell the two apart: upright.
    """
    stored = data.draw(rectangles(height, width))
    unturned = unturned and orientation > 4 and height != width
    wanted = Preprocessing(resize=(resize, resize + 7) if exact else resize, crop=(crop, crop + 3))
    with TemporaryDirectory() as made:
        root = Path(made)
        upright = np.stack(
            [put_photo(root / f"{i}" / "one.png", one, orientation) for i, one in enumerate(stored)]
        )
        put_photo(root / "photos" / "a" / "p.png", stored.any(axis=0), orientation)
        source = FolderSource(root / "photos")
        forms = every_form(root, source.listing, stored if unturned else upright, upright)
        for form, regions in forms:
            (batch,) = batches(Views(source, wanted, wanted.crop, regions), np.arange(1), 1, 0)
            seen, region = batch.pixels[0, 0].numpy(), batch.groups.raster[0].numpy()
            # all white or all black lies clear of the edges, where both ways must agree
            assert not (region & (seen == 0)).any(), form
            assert not (~region & (seen == 255)).any(), form
            assert (CARRIED in batch.detail[0]) == (unturned and form != "boxes"), form
