"""Labels that look wrong, by confident learning (Northcutt, Jiang, Chuang 2021, arXiv 1911.00068).

A class's threshold t_j is the mean probability of j over the images labelled j. An image labelled i
is suspected to show j ≠ i where its probability of j, the predicted class here, reaches t_j;
suspects are ranked by the normalised margin p_j − p_i. Of these only the misclassified are kept
whose map sits on the annotated object: there the model saw the object and disagrees.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["label_suspects", "thresholds"]


def thresholds(images: pd.DataFrame) -> pd.Series:
    """t_j by class index: the mean true_probability of the images labelled j."""
    labelled = images.dropna(subset=["true_class", "true_probability"])
    return labelled.groupby("true_class")["true_probability"].mean()


def label_suspects(images: pd.DataFrame, misclassified: pd.Series) -> pd.DataFrame:
    """Which of ``images`` (columns of the table) carry a suspicious label, aligned with them.

    ``misclassified`` is that flag of their cases. Columns: ``label_suspect`` (nullable bool; null
    without a label, or where no region says whether the map sits on the object), ``rank`` (Int64,
    1 is the most suspicious; null for the others) and ``margin`` (float, p_j − p_i; likewise).
    """
    threshold = images["pred_class"].map(thresholds(images)).to_numpy("float64", na_value=np.nan)
    probability = images["pred_probability"].to_numpy("float64", na_value=np.nan)
    confident = misclassified.eq(other=True).to_numpy(dtype=bool) & (probability >= threshold)
    on_object = (images["pred_mass_lift"] >= 1).to_numpy(dtype=bool, na_value=False)
    hit = images["pred_pointing_game_hit_guard"].eq(other=True).to_numpy(dtype=bool, na_value=False)
    known = images["true_class"].notna() & images["pred_mass_lift"].notna()
    suspect = confident & on_object & hit & known.to_numpy()
    own = images["true_probability"].to_numpy("float64", na_value=np.nan)
    margin = pd.Series(probability - own, index=images.index).where(suspect)
    flag = pd.Series(suspect, index=images.index, dtype="boolean").where(known, pd.NA)
    rank = margin.rank(method="first", ascending=False).astype("Int64")
    return pd.DataFrame({"label_suspect": flag, "rank": rank, "margin": margin})
