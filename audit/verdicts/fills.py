"""How much of the verdicts' evidence depends on what a patch was covered with."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.local import per_image

__all__ = ["FillAgreement", "fill_agreements"]


@dataclass(frozen=True)
class FillAgreement:
    """Whether S1 holds with the primary fill and with a second one, on the images that had both.

    ``kappa`` is Cohen's: agreement beyond what the two rates give by chance, 1 at best; None where
    both fills say the same of every image and there is nothing to agree on.
    """

    fill: str
    n: int
    holds_primary: int
    holds_second: int
    agreement: float  # share of the n images
    kappa: float | None


def fill_agreements(
    interventions: pd.DataFrame, primary: str, cutoffs: Cutoffs
) -> tuple[FillAgreement, ...]:
    """One comparison with ``primary`` for each other fill, in the order of their names."""
    used = interventions["fill"][interventions["test"] == "S1"].dropna().unique()
    first = _held(interventions, primary, cutoffs)
    found = []
    for fill in sorted(set(used) - {primary}):
        second = _held(interventions, fill, cutoffs)
        both = first.index.intersection(second.index)
        if len(both):
            found.append(_agreement(fill, first[both], second[both]))
    return tuple(found)


def _held(interventions: pd.DataFrame, fill: str, cutoffs: Cutoffs) -> pd.Series:
    images = per_image(interventions, fill, cutoffs)
    return images[images["state"] == "tested"].set_index("index")["holds"]


def _agreement(fill: str, first: pd.Series, second: pd.Series) -> FillAgreement:
    a, b = float(first.mean()), float(second.mean())
    chance = a * b + (1 - a) * (1 - b)
    seen = float((first == second).mean())
    return FillAgreement(
        fill=fill,
        n=len(first),
        holds_primary=int(first.sum()),
        holds_second=int(second.sum()),
        agreement=seen,
        kappa=None if chance == 1 else (seen - chance) / (1 - chance),
    )
