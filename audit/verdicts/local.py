"""S1 and S2 of each image: is the suspect patch a cause, and does it carry the class elsewhere?

S1 holds for a try when covering its patch costs at least ``s1_drop`` more of the probability than
the median of its controls, and more than any control of *either* try: with two tries, the larger
of two drops is compared with the largest of all controls. A patch on another annotated object is
not a spurious cue: S1 does not hold for it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.rows import rows_of

__all__ = ["ATTEMPTS", "STATES", "per_image"]

#: The tries with a small and with a larger patch, as ``interventions`` numbers them.
ATTEMPTS = (1, 2)
#: What became of an image's S1.
STATES = ("tested", "nothing_outside", "untestable")

_KEY = ["index", "attempt"]
_BEST = ["attempt", "drop", "control_median", "control_max", "matters", "on_other_object", "holds"]
_PATCH = ["area_fraction", "x0", "y0", "x1", "y1"]


def per_image(interventions: pd.DataFrame, fill: str, cutoffs: Cutoffs) -> pd.DataFrame:
    """One row for each image with an S1 row, by rising ``index``; of coverings, those by ``fill``.

    Columns: index, role, watched_class, watched_label; ``state`` (of STATES); of the best try (S1
    holds before it does not, then the largest difference) attempt, drop, control_median,
    control_max (over both tries), matters (the drop is that much larger), on_other_object, holds
    (both matters and not on_other_object), area_fraction, x0, y0, x1, y1; and for each try i

    - ``difference_i``: drop − control_median; 0 where nothing lies outside; NaN: not tested, or the
      patch lies on another object
    - ``null_i``: the same for a patch that another image's map chose
    - ``gain_i``: mean over hosts of S2's gain from the patch − gain from the control, with the same
      0 and NaN
    - ``hosts_i``, ``turned_i``: hosts, and how many of them the patch turned into the class.
    """
    covering = rows_of(interventions, "S1")
    tries = _tries(covering, cutoffs, fill)
    who = ["role", "watched_class", "watched_label"]
    images = covering.groupby("index")[who].first()
    images["state"] = _states(covering, tries)
    images = images.join(_best(tries))
    for name in ("matters", "on_other_object", "holds"):
        images[name] = images[name].eq(other=True)
    tries = tries.join(_null(interventions, tries, fill)).join(_pastes(interventions))
    empty = images["state"] == "nothing_outside"
    for attempt in ATTEMPTS:
        mine = tries[tries.index.get_level_values("attempt") == attempt]
        mine = mine.droplevel("attempt").reindex(images.index)
        away = ~mine["on_other_object"].eq(other=True)
        for name in ("difference", "null", "gain"):
            images[f"{name}_{attempt}"] = mine[name].where(away).mask(empty, 0.0)
        for name in ("hosts", "turned"):
            images[f"{name}_{attempt}"] = mine[name].where(away).fillna(0).astype(int)
    return images.reset_index()


def _tries(covering: pd.DataFrame, cutoffs: Cutoffs, fill: str) -> pd.DataFrame:
    """By (index, attempt): what covering the patch and its controls did."""
    filled = covering.assign(drop=covering["p_before"] - covering["p_after"])
    filled = filled[(filled["fill"] == fill) & filled["drop"].notna()]
    controls = filled[filled["kind"] == "control"].set_index(_KEY)["drop"]
    patches = filled[filled["kind"] == "cover"].set_index(_KEY)
    tries = patches[["drop", "on_other_object", *_PATCH]].copy()
    tries["on_other_object"] = tries["on_other_object"].astype(bool)
    tries["control_median"] = controls.groupby(_KEY).median().reindex(tries.index)
    tries = tries[tries["control_median"].notna()].copy()
    worst = controls.groupby("index").max()
    tries["control_max"] = worst.reindex(tries.index.get_level_values("index")).to_numpy()
    tries["difference"] = tries["drop"] - tries["control_median"]
    far = tries["difference"] >= cutoffs.s1_drop
    tries["matters"] = far & (tries["drop"] > tries["control_max"])
    tries["holds"] = tries["matters"] & ~tries["on_other_object"]
    return tries


def _states(covering: pd.DataFrame, tries: pd.DataFrame) -> pd.Series:
    index = pd.Index(sorted(covering["index"].unique()), name="index")
    tested = index.isin(tries.index.get_level_values("index"))
    empty = index.isin(covering["index"][covering["kind"] == "nothing_outside"])
    state = np.select([tested, empty], STATES[:2], STATES[2])
    return pd.Series(state, index=index, dtype=object)


def _best(tries: pd.DataFrame) -> pd.DataFrame:
    order = tries.reset_index().sort_values(["holds", "difference"], ascending=False, kind="stable")
    return order.drop_duplicates("index").set_index("index")[[*_BEST, *_PATCH]]


def _null(interventions: pd.DataFrame, tries: pd.DataFrame, fill: str) -> pd.Series:
    rows = rows_of(interventions, "S1-null")
    rows = rows[rows["fill"] == fill].set_index(_KEY)
    drop = rows["p_before"] - rows["p_after"]
    return (drop.reindex(tries.index) - tries["control_median"]).rename("null")


def _pastes(interventions: pd.DataFrame) -> pd.DataFrame:
    """By (index, attempt): gain, hosts and turned, over hosts that took both patches."""
    rows = rows_of(interventions, "S2")
    rows = rows[rows["change"].notna()]
    key = [*_KEY, "other_index"]
    pasted = rows[rows["kind"] == "paste"].set_index(key)
    control = rows[rows["kind"] == "control"].set_index(key)["change"]
    gain = (pasted["change"] - control.reindex(pasted.index)).rename("gain")
    pairs = pasted[["turned"]].join(gain).dropna(subset=["gain"])
    by_try = pairs.groupby(_KEY)
    return by_try.agg(gain=("gain", "mean"), hosts=("gain", "size"), turned=("turned", "sum"))
