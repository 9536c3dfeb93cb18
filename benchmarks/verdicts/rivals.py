"""What others would flag on the same runs: one score an image, higher is more suspicious.

A rival flags an image beyond its own published or customary cut, and a class where the share of its
flagged images reaches a cut that is chosen on the development half. One without a customary cut
flags by its score, a class by the mean of it, both beyond a cut that is chosen there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import eigvalsh
from sklearn.cluster import SpectralClustering
from sklearn.neighbors import kneighbors_graph

__all__ = ["RIVALS", "Rival", "spray_clusters"]

_NEIGHBOURS = 10
_MOST_CLUSTERS = 8


@dataclass(frozen=True)
class Rival:
    """A way to suspect images: ``score`` of a run's images, float[N], and the customary cut."""

    name: str
    score: Callable[[pd.DataFrame], np.ndarray]
    cut: float | None


def _mass(images: pd.DataFrame) -> np.ndarray:
    return 1 - images["pred_relevance_mass_accuracy"].to_numpy(dtype=float)


def _lift(images: pd.DataFrame) -> np.ndarray:
    return -images["pred_mass_lift"].to_numpy(dtype=float)


def _pointing(images: pd.DataFrame) -> np.ndarray:
    return 1 - images["pred_pointing_game_hit"].astype(float).to_numpy()


def _context(images: pd.DataFrame) -> np.ndarray:
    """Shared Interest's "sufficient context": right, and the salient set covers the object."""
    right = images["correct"].astype(float).fillna(0).to_numpy()
    return right * images["pred_ground_truth_coverage"].to_numpy(dtype=float)


def _dependent(images: pd.DataFrame) -> np.ndarray:
    """Shared Interest's "context dependant": right, and the salient set misses the object."""
    right = images["correct"].astype(float).fillna(0).to_numpy()
    return right * (1 - images["pred_iou_coverage"].to_numpy(dtype=float))


def _spray(images: pd.DataFrame) -> np.ndarray:
    """How much of its cluster's heat lies outside the object, on average."""
    outside = _mass(images)
    score = np.full(len(images), np.nan)
    for _, mine in images.groupby("pred_class", sort=True):
        place = images.index.get_indexer(mine.index)
        cluster = spray_clusters(np.stack(mine["pred_cam"].tolist()))
        for k in np.unique(cluster):
            score[place[cluster == k]] = np.nanmean(outside[place[cluster == k]])
    return score


def spray_clusters(cams: np.ndarray) -> np.ndarray:
    """Clusters of one class's maps (n×cells), int[n]: spectral, their number by the eigengap.

    After Lapuschkin et al. 2019 (SpRAy, arXiv 1902.10178), without the person who looks at them.
    """
    if len(cams) <= _NEIGHBOURS:
        return np.zeros(len(cams), dtype=int)
    flat = cams.astype(float)
    flat /= np.maximum(flat.sum(axis=1, keepdims=True), 1e-9)
    near = kneighbors_graph(flat, _NEIGHBOURS, include_self=True).toarray()
    affinity = (near + near.T) / 2
    degree = affinity.sum(axis=1)
    laplacian = np.eye(len(flat)) - affinity / np.sqrt(degree[:, None] * degree[None, :])
    values = eigvalsh(laplacian)[: _MOST_CLUSTERS + 1]
    n = 1 + int(np.argmax(np.diff(values)))
    if n == 1:
        return np.zeros(len(cams), dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a graph in several pieces is what is looked for
        model = SpectralClustering(n, affinity="precomputed", random_state=0)
        return np.asarray(model.fit_predict(affinity))


RIVALS = (
    Rival("mass inside below .5", _mass, 0.5),
    Rival("lift below 1", _lift, -1.0),
    Rival("pointing game misses", _pointing, 0.5),
    Rival("Shared Interest: sufficient context", _context, 0.5),
    Rival("Shared Interest: context dependent", _dependent, 0.9),
    Rival("SpRAy-like clusters", _spray, None),
)
