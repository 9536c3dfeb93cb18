"""Two tiny runs of the same images, made from nothing: every bucket once, hostile names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.tables.schema import arrow_schema

GRID = (2, 2)
SCRIPT = "</script><script>alert(1)</script>"
CLASSES = ("cat", "dog", SCRIPT)

# sample → label, then of the base and of the candidate: prediction, map, heat on the object
IMAGES: dict[str, tuple[int | None, Any, Any]] = {
    "a": (0, (0, (255, 0, 0, 0), 0.5), (0, (255, 0, 0, 0), 0.5)),  # unchanged
    "b": (0, (0, (255, 0, 0, 0), 0.4), (1, (255, 255, 0, 0), 0.3)),  # regressed
    "c": (1, (0, (255, 255, 0, 0), 0.2), (1, (255, 255, 0, 0), 0.4)),  # fixed
    "d": (1, (0, (0, 255, 0, 0), 0.3), (2, (0, 255, 0, 0), 0.3)),  # changed but still wrong
    "e": (1, (1, (255, 0, 0, 0), 0.6), (1, (0, 0, 0, 255), 0.2)),  # attention moved
    "f": (None, (0, None, None), (1, None, None)),  # without a label
    "g": (0, (0, (255, 0, 0, 0), 0.5), None),  # only in the base
    "h": (1, None, (1, (255, 0, 0, 0), 0.5)),  # only in the candidate
}


def manifest(name: str, **more: Any) -> dict[str, Any]:
    return {
        "format": "cam-audit-run/1",
        "name": name,
        "status": "finished",
        "started": "2026-01-01T00:00:00+00:00",
        "config": {"closed_set": False, "limit": None},
        "seed": 0,
        "dataset": {"name": "shapes", "split": "test", "classes": list(CLASSES), "n": 7},
        "model": {
            "name": "tiny",
            "architecture": "resnet18",
            "target_layer": "layer3",
            "grid": list(GRID),
            "preprocessing": {"resize": None, "crop": None},
            "weights_hash": name,
        },
        "view": [16, 16],
        "method": "grad-cam",
        "regions": "native",
        "score_version": 2,
        "fingerprint": {"dataset": "00ff", "annotations": "11ee", "device": "cpu"},
        "fingerprint_id": f"id of {name}",
    } | more


def write_run(run: Path, side: int, verdicts: tuple[str, ...], **more: Any) -> Path:
    """A run folder of IMAGES' ``side`` (0: base, 1: candidate), one verdict a class."""
    run.mkdir(parents=True)
    _json(run / "manifest.json", manifest(run.name, **more))
    right = sum(image[1 + side][0] == image[0] for image in IMAGES.values() if image[1 + side])
    accuracy = {"value": right / 6, "low": 0.2, "high": 0.9, "n": 6}
    counts = {name: verdicts.count(name) for name in set(verdicts)}
    told = {"version": 1, "fill": "blur", "counts": counts, "not_tested": []}
    _json(run / "summary.json", {"verdicts": told, "accuracy": accuracy})
    shown = [name for name, image in IMAGES.items() if image[1 + side] is not None]
    rows = [_image(index, name, side) for index, name in enumerate(shown)]
    for part, found in enumerate((rows[:3], rows[3:])):
        _table(run / f"images/part-{part:05}.parquet", "images", found)
    media = [_media(row["index"]) for row in rows if row["sample_id"] != "c" or side == 1]
    _table(run / "media/part-00000.parquet", "media", media)
    classes = [
        {
            "true_class": index,
            "label": label,
            "n": 2,
            "n_correct": 1,
            "accuracy": 0.5,
            "verdict": verdicts[index],
            "verdict_sentence": f"class {label!r}: decides by {run.name}",
        }
        for index, label in enumerate(CLASSES)
    ]
    _table(run / "classes.parquet", "classes", classes)
    return run


def _image(index: int, name: str, side: int) -> dict[str, Any]:
    label = IMAGES[name][0]
    pred, cam, mass = IMAGES[name][1 + side]
    row: dict[str, Any] = {
        "index": index,
        "sample_id": name,
        "path": f"{name}{SCRIPT}.jpg" if name == "b" else f"{name}.jpg",
        "status": "ok",
        "slices": [("camera", "north" if name in "abc" else "south & more")],
        "region_source": "annotation",
        "region_visible_fraction": 1.0,
        "pred_region_visible_fraction": 1.0,
        "pred_class": pred,
        "pred_label": CLASSES[pred],
        "pred_probability": 0.75,
        "pred_cam": cam or (255, 0, 0, 0),
        "pred_cam_status": "ok",
    }
    row |= _scores("pred", mass)
    if label is not None:
        row |= {"true_class": label, "true_label": CLASSES[label], "correct": label == pred}
        row |= {"true_probability": 0.5, "true_cam": cam, "true_cam_status": "ok"}
        row |= _scores("true", mass)
    return row


def _scores(target: str, mass: float | None) -> Mapping[str, float | None]:
    lift = None if mass is None else mass * 4  # an object of a quarter of the view
    return {
        f"{target}_relevance_mass_accuracy": mass,
        f"{target}_mass_lift": lift,
        f"{target}_mass_excess": None if mass is None else (mass - 0.25) / 0.75,
    }


def _media(index: int) -> dict[str, Any]:
    view = np.full((16, 16, 3), 40 + 20 * index, np.uint8)
    region = np.zeros((16, 16), np.uint8)
    region[4:12, 4:12] = 255
    return {
        "index": index,
        "galleries": ["control"],
        "view": cv2.imencode(".jpg", view)[1].tobytes(),
        "region": cv2.imencode(".png", region)[1].tobytes(),
    }


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _table(path: Path, name: str, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    schema = arrow_schema(name, GRID[0] * GRID[1])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


@pytest.fixture(name="write_run")
def _write_run() -> Callable[..., Path]:
    return write_run


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_run(tmp_path / "old", 0, ("clean", "spurious", "not_tested"))


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    return write_run(tmp_path / "new", 1, ("spurious", "clean", "spurious"))
