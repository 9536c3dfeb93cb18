"""Which cases the report shows: a bounded choice, the same for the same tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["CONFIDENT", "GALLERIES", "choose"]

CONFIDENT = 0.9  # an error given at least this probability is a confident one
GALLERIES = (
    "verified",
    "confident_errors",
    "label_suspects",
    "disagreement",
    "local_cause",
    "misclassified",
    "off_object",
    "on_object_correct",
    "control",
)
# Gallery → its flag, and one part of how many of the limit it may fill before the others.
_FIRST = {
    "verified": ("spurious_verified", 4),
    "label_suspects": ("label_suspect", 8),
    "local_cause": ("local_cause", 8),
}
_FEW = 16  # one part of how many of the limit confident errors and disagreements may fill each
_PAIRS, _OF_A_PAIR = 20, 3  # confusions that have images, and how many each
_CONTROL_SHARE = 0.1
_CONTROL_MOST = 100


def choose(
    cases: pd.DataFrame, images: pd.DataFrame, judged: pd.Series, limit: int, seed: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Pick at most ``limit`` cases for the report.

    Of ``images`` (rows as in ``cases``) the columns correct, true_class, pred_class,
    pred_probability and cam_agreement are read. Up to a quarter are the worst of the images
    verified to be decided by a patch, up to an eighth the worst label suspects, as many the worst
    local causes; up to a sixteenth each the surest errors, the errors whose two maps agree least,
    and the worst of the most frequent confusions. A tenth (at most 100) is a random control sample
    of the readable images, and as much an example of images that are right and on the object; the
    rest goes to the worst of the images that are both misclassified and off the object, of those
    that are one, and of those that are the other, a third each, and what one leaves unused to the
    others. Returns a frame with ``index`` and ``galleries`` (lists), ascending, and how many images
    of the run belong to each gallery.
    """
    held = {name: _raised(cases, flag) for name, (flag, _) in _FIRST.items()}
    held |= _errors(cases, images)
    held["misclassified"] = _raised(cases, "misclassified")
    held["off_object"] = off = _raised(cases, "off_object")
    right = images["correct"].eq(other=True).fillna(value=False).astype(bool)
    held["on_object_correct"] = right & judged & ~off
    held["control"] = ~_raised(cases, "unreadable")
    rng = np.random.default_rng([seed, 0])
    cases = cases[["index", "severity"]]
    few = min(round(limit * _CONTROL_SHARE), _CONTROL_MOST)
    compared = ("control", "on_object_correct")
    picked = {name: _random(cases[held[name]], few, rng) for name in compared}
    left = max(limit - sum(map(len, picked.values())), 0)
    for name, (_, part) in _FIRST.items():
        picked[name] = _worst(cases[held[name]])[: min(-(-limit // part), left)]
        left -= len(picked[name])
    ranks = {
        "confident_errors": -images["pred_probability"],
        "disagreement": images["cam_agreement"],
    }
    for name, rank in ranks.items():
        picked[name] = _first(cases, held[name], rank)[: min(-(-limit // _FEW), left)]
        left -= len(picked[name])
    wrong = held["misclassified"]
    confused = _of_pairs(cases[wrong], images[wrong])[: min(-(-limit // _FEW), left)]
    left -= len(confused)
    rest = ~cases["index"].isin(confused)
    cells = (wrong & off & rest, wrong & ~off & rest, off & ~wrong)
    parts = [_worst(cases[cell]) for cell in cells]
    shares = _shares([len(part) for part in parts], left)
    both, alone, beside = (part[:share] for part, share in zip(parts, shares, strict=True))
    picked["misclassified"] = np.concatenate([confused, both, alone])
    beside_too = cases["index"][off & ~rest]  # confusions that are off the object as well
    picked["off_object"] = np.concatenate([both, beside, beside_too])
    return _listed(picked), {name: int(held[name].sum()) for name in GALLERIES}


def _shares(sizes: list[int], room: int) -> list[int]:
    """What each of several lists has of ``room``: as much as the others, or all that it is long."""
    shares = [0] * len(sizes)
    for rank, at in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[at] = min(sizes[at], -(-room // (len(sizes) - rank)))
        room -= shares[at]
    return shares


def _errors(cases: pd.DataFrame, images: pd.DataFrame) -> dict[str, pd.Series]:
    wrong = _raised(cases, "misclassified")
    sure = (images["pred_probability"] >= CONFIDENT).fillna(value=False).astype(bool)
    return {
        "confident_errors": wrong & sure,
        "disagreement": wrong & images["cam_agreement"].notna(),
    }


def _first(cases: pd.DataFrame, held: pd.Series, rank: pd.Series) -> np.ndarray:
    """The held images, the smallest ``rank`` first."""
    order = rank[held].astype(float).sort_values(kind="stable").index
    return np.asarray(cases.loc[order, "index"])


def _of_pairs(wrong: pd.DataFrame, images: pd.DataFrame) -> np.ndarray:
    """The worst images of each of the most frequent confusions, those of the first one first."""
    pair = ["true_class", "pred_class"]
    worst = wrong.join(images[pair]).sort_values(
        ["severity", "index"], ascending=[False, True], kind="stable"
    )
    of_pair = worst.groupby(pair)
    frequent = of_pair.size().sort_values(ascending=False, kind="stable").index[:_PAIRS]
    first = of_pair.head(_OF_A_PAIR)
    place = frequent.get_indexer(pd.MultiIndex.from_frame(first[pair]))
    order = np.argsort(place, kind="stable")
    return np.asarray(first["index"])[order[place[order] >= 0]]


def _raised(cases: pd.DataFrame, flag: str) -> pd.Series:
    """The flag as plain bool: null, what was not tested, is not raised."""
    return cases[flag].astype("boolean").fillna(value=False).astype(bool)


def _worst(cases: pd.DataFrame) -> np.ndarray:
    ranked = cases.sort_values(["severity", "index"], ascending=[False, True], kind="stable")
    return np.asarray(ranked["index"])


def _random(cases: pd.DataFrame, n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(cases["index"].to_numpy(), size=min(n, len(cases)), replace=False)


def _listed(picked: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row an index, with the galleries it was picked for."""
    galleries: dict[int, list[str]] = {}
    for name in GALLERIES:
        for index in picked[name].tolist():
            galleries.setdefault(index, []).append(name)
    chosen = sorted(galleries)
    return pd.DataFrame({"index": chosen, "galleries": [galleries[index] for index in chosen]})
