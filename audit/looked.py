"""Mass on what is asked for, against its area and the other objects: means over images."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from audit.verdicts.statistics import mean_interval

__all__ = ["as_columns", "looked"]


def looked(
    mass: pd.Series, area: pd.Series, other: pd.Series, image: pd.Series
) -> dict[str, Any] | None:
    """Means and t intervals over images, each the mean of its rows: those are not independent.

    ``mass`` is a map's share on its region, ``area`` the region's of the view, ``other`` the map's
    share on the other objects (NaN: there are none), ``image`` names each row's image. None where
    no map could be scored.
    """
    rows = pd.DataFrame({"mass": mass, "area": area, "other": other}, dtype=float)
    scored = rows.dropna(subset=["mass", "area"])
    if scored.empty:
        return None
    means = scored.groupby(image[scored.index]).mean()
    on, share, beside = (means[name].to_numpy() for name in ("mass", "area", "other"))
    told = ~np.isnan(beside)
    return {
        "images": len(means),
        "mass": asdict(mean_interval(on)),
        "area": float(share.mean()),
        "other": float(beside[told].mean()) if told.any() else None,
        "above_area": asdict(mean_interval(on - share)),
        "above_other": asdict(mean_interval((on - beside)[told])),
    }


def as_columns(found: dict[str, Any] | None) -> dict[str, float | None]:
    """The same as the columns of a table that say it."""
    if found is None:
        return dict.fromkeys(("mass", "mass_low", "mass_high", "area", "other_mass"))
    mass = found["mass"]
    return {
        "mass": mass["value"],
        "mass_low": mass["low"],
        "mass_high": mass["high"],
        "area": found["area"],
        "other_mass": found["other"],
    }
