"""What became of a group of images, a class or a slice: the columns that both tables have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from audit.comparison.overall import flips, labelled
from audit.comparison.statistics import adjusted_wald, mcnemar
from audit.verdicts.statistics import mean_interval

__all__ = ["DELTA_MASS", "Groups"]

_MASS = "true_relevance_mass_accuracy"
#: The column of joined images with the change of the heat on the object.
DELTA_MASS: Final = f"delta_{_MASS}"


@dataclass(frozen=True)
class Groups:
    """Joined images by group; a group without any is not there."""

    compared: Mapping[Any, pd.DataFrame]  # labelled, and answered in both runs
    scored: Mapping[Any, pd.DataFrame]  # with heat on the object in both runs
    moved: Mapping[Any, int]  # how many have their attention moved

    @classmethod
    def of(cls, pairs: pd.DataFrame, by: str) -> Groups:
        """The joined images ``pairs`` by the values of their column ``by``."""
        moved = pairs[pairs["attention_moved"].fillna(value=False)]
        return cls(
            dict(tuple(labelled(pairs).groupby(by))),
            dict(tuple(pairs[pairs[DELTA_MASS].notna()].groupby(by))),
            moved.groupby(by).size().to_dict(),
        )

    def changes(self, group: Any) -> dict[str, Any]:
        """The columns on one group; 0 images, and no figure, where it is not there."""
        return {
            **_accuracy(self.compared.get(group)),
            **_mass(self.scored.get(group)),
            "attention_moved": int(self.moved.get(group, 0)),
        }


def _accuracy(images: pd.DataFrame | None) -> dict[str, Any]:
    """Accuracies, flips, the adjusted Wald interval of the difference, and McNemar's test."""
    if images is None:
        return {"n": 0, "negative_flips": 0, "positive_flips": 0}
    n = len(images)
    negative, positive = flips(images)
    interval, test = adjusted_wald(n, negative, positive), mcnemar(negative, positive)
    return {
        "n": n,
        "base_accuracy": images["base_correct"].sum() / n,
        "candidate_accuracy": images["candidate_correct"].sum() / n,
        "negative_flips": negative,
        "positive_flips": positive,
        "delta_accuracy": (positive - negative) / n,
        "delta_accuracy_low": interval.low,
        "delta_accuracy_high": interval.high,
        "mcnemar_p": test.exact_p,
        "mcnemar_mid_p": test.mid_p,
    }


def _mass(images: pd.DataFrame | None) -> dict[str, Any]:
    """Mean heat on the object in both runs, and the t interval of its mean change."""
    if images is None:
        return {"n_scored": 0}
    mean = mean_interval(images[DELTA_MASS].to_numpy(dtype=np.float64))
    return {
        "n_scored": mean.n,
        "base_mass": images[f"base_{_MASS}"].mean(),
        "candidate_mass": images[f"candidate_{_MASS}"].mean(),
        "delta_mass": mean.value,
        "delta_mass_low": mean.low,
        "delta_mass_high": mean.high,
    }
