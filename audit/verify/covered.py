"""The suspect patch of tested images and their covered version, as they were classified."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.plan import Plan
from audit.verify.local import LocalTest, local_changes
from audit.verify.maps import Maps
from audit.verify.subjects import Subject, read_subjects

__all__ = ["Covered", "covered"]


@dataclass(frozen=True)
class Covered:
    """One tested image, and its best try."""

    subject: Subject
    patch: np.ndarray  # H×W bool
    picture: np.ndarray  # H×W×3 uint8: the patch covered
    drop: float  # of the predicted class's probability


def covered(plan: Plan, evidence: pd.DataFrame, maps: Maps) -> Iterator[Covered]:
    """The tested images of ``evidence`` (from ``audit.verdicts.local.per_image``), by index.

    The same seed gives the same pixels that the intervention had.
    """
    rows = evidence[evidence["state"] == "tested"].sort_values("index")
    indices = rows["index"].to_numpy(dtype=np.int64)
    how = LocalTest("sample", (plan.config.fill,), (), None, plan.config.seed)
    subjects = read_subjects(plan, indices, *maps.of(indices))
    told = zip(subjects, rows["attempt"], rows["drop"].astype(float), strict=True)
    for subject, attempt, drop in told:
        change = next(
            one
            for one in local_changes(subject, how)
            if (one.kind, one.attempt) == ("cover", attempt)
        )
        if change.patch is not None and change.picture is not None:
            yield Covered(subject, change.patch, change.picture, drop)
