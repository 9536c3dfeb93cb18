"""What is the cue? The verified patches of a class, sorted by what the model sees in them.

Patches are clustered by the model's own features (the target layer's activation, averaged over the
patch) and, with less weight, by their place: a watermark of one place and a sticker that moves are
one cluster each. Agglomerative clustering with average linkage: deterministic, no number of
clusters to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from sklearn.cluster import AgglomerativeClustering

from audit.answers import answered, asked
from audit.models.layout import as_maps
from audit.plan import Plan
from audit.regions.boxes import mask_boxes
from audit.scores.grid import project
from audit.tables.schema import arrow_schema
from audit.verify.covered import Covered, covered
from audit.verify.maps import read_maps

__all__ = ["clusters", "cues"]

_APART = 0.7  # distance of unit features at which patches differ: a cosine of about .75
_PLACE = 0.5  # weight of the place, in shares of the frame
_SIDE = 64  # px: the mean picture
_AROUND = 1.3  # of the patch's longer side: what the picture shows
_EXAMPLES = 24


def cues(plan: Plan, images: Path, evidence: pd.DataFrame, verdicts: pd.DataFrame) -> pa.Table:
    """The ``cues`` table: the clusters of each class that a patch decides, strongest first.

    ``images`` is the folder of the parts, ``evidence`` comes from ``per_image`` and ``verdicts``
    from ``class_verdicts``.
    """
    passed = verdicts["true_class"][verdicts["local_passes"].eq(other=True)]
    rows: list[dict[str, Any]] = []
    for cls in passed:
        mine = evidence[(evidence["watched_class"] == cls) & evidence["holds"]]
        if len(mine):
            maps = read_maps(images, mine["index"].to_numpy(dtype=np.int64), plan.grid)
            found = list(covered(plan, mine, maps))
            rows += _rows(int(cls), plan.task.names[cls], found, _features(plan, found))
    return pa.Table.from_pylist(rows, schema=arrow_schema("cues"))


def clusters(features: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The cluster of each patch, int64[n], by falling size.

    ``features`` float n×K of any scale, ``places`` float n×2: the patches' centres in shares of the
    frame.
    """
    if len(features) == 1:
        return np.zeros(1, dtype=np.int64)
    norm = np.linalg.norm(features, axis=1, keepdims=True)
    points = np.concatenate([features / np.where(norm > 0, norm, 1), _PLACE * places], axis=1)
    model = AgglomerativeClustering(None, distance_threshold=_APART, linkage="average")
    found = model.fit_predict(points)
    order = np.argsort(-np.bincount(found), kind="stable")
    return np.asarray(np.argsort(order, kind="stable")[found])


def _features(plan: Plan, found: Sequence[Covered]) -> np.ndarray:
    """The first target layer's activation over each patch, float32 n×K."""
    parts = []
    size = plan.batch_size
    for start in range(0, len(found), size):
        group = found[start : start + size]
        pictures = torch.from_numpy(np.stack([one.subject.picture for one in group]))
        patches = torch.from_numpy(np.stack([one.patch for one in group])).to(plan.device)
        view = pictures.permute(0, 3, 1, 2).contiguous().to(plan.device)
        ran = answered(plan.classifier, plan.task, view, asked(view), plan.dtype).ran
        maps = as_maps(ran.activations[0].detach(), ran.layouts[0]).float()
        weight = project(patches, (maps.shape[-2], maps.shape[-1]))
        parts.append(torch.einsum("bkhw,bhw->bk", maps, weight).cpu().numpy())
    return np.concatenate(parts)


def _rows(
    cls: int, label: str, found: Sequence[Covered], features: np.ndarray
) -> list[dict[str, Any]]:
    boxes = mask_boxes(np.stack([one.patch for one in found]))
    height, width = found[0].patch.shape
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 / [width, height]
    drops = np.array([one.drop for one in found])
    member = clusters(features, centres)
    rows = []
    for cluster in range(int(member.max()) + 1):
        mine = np.flatnonzero(member == cluster)
        strongest = mine[np.argsort(-drops[mine], kind="stable")].tolist()
        x0, y0, x1, y1 = boxes[mine].mean(axis=0)
        rows.append(
            {
                "pred_class": cls,
                "label": label,
                "cue": cluster + 1,
                "n": len(mine),
                "x0": x0,
                "y0": y0,
                "x1": x1,
                "y1": y1,
                "spread": float(centres[mine].std(axis=0).max()),
                "drop": float(drops[mine].mean()),
                "picture": _mean_picture([found[i] for i in mine.tolist()], boxes[mine]),
                "examples": [found[i].subject.index for i in strongest[:_EXAMPLES]],
            }
        )
    return rows


def _mean_picture(found: Sequence[Covered], boxes: np.ndarray) -> bytes:
    """The mean of the patches' surroundings, each at the same size, as PNG."""
    total = np.zeros((_SIDE, _SIDE, 3), dtype=np.float64)
    for one, (x0, y0, x1, y1) in zip(found, boxes, strict=True):
        side = _AROUND * max(x1 - x0, y1 - y0)
        scale = _SIDE / side
        left, top = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
        # pixel centres: view = left + (picture + .5) / scale - .5
        move = np.array(
            [
                [scale, 0, (0.5 - left) * scale - 0.5],
                [0, scale, (0.5 - top) * scale - 0.5],
            ]
        )
        total += cv2.warpAffine(
            one.subject.picture, move, (_SIDE, _SIDE), borderMode=cv2.BORDER_REFLECT
        )
    mean = np.rint(total / len(found)).astype(np.uint8)
    return bytes(cv2.imencode(".png", mean[:, :, ::-1])[1])
