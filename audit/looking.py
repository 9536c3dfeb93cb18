"""The verdict on each type of question: is it answered by looking at what the answer rests on?

A type is answered without looking (``spurious``) where the answer stays in more than half of its
questions although the asked object is covered (binomial test) *and* its probability falls by less
than a floor on average (one-sided t test): both must hold, so the larger p counts, corrected by
Benjamini and Hochberg over the types that were tested. Afterwards a floor may clear a type: asked
of another image, the question must get the same answer in more than half of the cases.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, ttest_1samp

from audit.looked import as_columns, looked
from audit.report.text import effect
from audit.summary import accuracy_of
from audit.tables.schema import arrow_schema
from audit.tables.sliced import Sliced
from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.statistics import lower_bound, mean_interval, q_values

__all__ = ["SEEN", "attention", "question_table", "verdicts_of"]

#: Columns of ``images`` that the table of questions is made from, beside those of the triage.
SEEN = [
    "index",
    "path",
    "correct",
    "true_relevance_mass_accuracy",
    "region_area_fraction",
    "true_other_region_mass",
]


def question_table(
    seen: pd.DataFrame, types: Sliced, interventions: pd.DataFrame, cutoffs: Cutoffs
) -> pd.DataFrame:
    """One row a type of question: how right, where the model looks, and the verdict.

    ``seen`` holds the columns SEEN of every image, in the order of ``types``; ``interventions`` is
    that table.
    """
    looks = _per_question(interventions)
    kind = pd.Series(types.codes, index=seen["index"].to_numpy())
    of_look = kind.loc[looks.index.to_numpy()].to_numpy()
    rows = []
    for k, name in enumerate(types.texts):
        mine = seen[types.codes == k]
        answered = mine["correct"].dropna()
        rows.append(
            {"question_type": name, "questions": len(mine)}
            | accuracy_of(int(answered.sum()), len(answered))
            | as_columns(attention(mine))
            | _tested(looks[of_look == k], cutoffs)
        )
    table = pd.DataFrame(rows)
    judge = table["p_value"].notna()
    table["q_value"] = np.nan
    table.loc[judge, "q_value"] = q_values(table.loc[judge, "p_value"].to_numpy(dtype=float))
    table["verdict"] = [_verdict(row, cutoffs) for _, row in table.iterrows()]
    table["verdict_sentence"] = [_sentence(row) for _, row in table.iterrows()]
    ordered: pd.DataFrame = table[arrow_schema("questions").names]
    return ordered


def verdicts_of(table: pd.DataFrame) -> dict[str, Any]:
    """What the summary's ``verdicts`` say of types of questions, in place of classes."""
    untested = table[table["verdict"] == "not_tested"]
    return {
        "groups": "question type",
        "measured": None,
        "counts": {name: int(n) for name, n in table["verdict"].value_counts().items()},
        "spurious": table["question_type"][table["verdict"] == "spurious"].tolist(),
        "not_tested": [
            {"label": name, "images": int(n)}
            for name, n in zip(untested["question_type"], untested["questions"], strict=True)
        ],
        "images_tested": int(table["tested"].sum()),
    }


def attention(seen: pd.DataFrame) -> dict[str, Any] | None:
    """Where the true answers' maps look, over images (``audit.looked``); ``seen`` as above."""
    return looked(
        seen["true_relevance_mass_accuracy"],
        seen["region_area_fraction"],
        seen["true_other_region_mass"],
        seen["path"].fillna(seen["index"].astype(str)),
    )


def _per_question(interventions: pd.DataFrame) -> pd.DataFrame:
    """What happened to each tested question, by its index: shares and falls of probability."""
    rows = interventions[interventions["test"] == "look"]
    rows = rows.assign(
        stays=(rows["pred_after"] == rows["watched_class"]).astype(float),
        drop=(rows["p_before"] - rows["p_after"]).astype(float),
    )
    rows = rows.dropna(subset=["drop"])  # a probability that is no number is no answer
    means = rows.pivot_table(
        index="index", columns="kind", values=["stays", "drop"], aggfunc="mean"
    )
    wanted = [(value, kind) for value in ("stays", "drop") for kind in _KINDS]
    found = means.reindex(columns=pd.MultiIndex.from_tuples(wanted))
    found.columns = pd.Index([f"{value}_{kind}" for value, kind in wanted])
    return found


_KINDS = ("cover", "control", "other_image")


def _tested(looks: pd.DataFrame, cutoffs: Cutoffs) -> dict[str, Any]:
    """What covering and asking elsewhere did to a type's questions."""
    covered = looks[looks["stays_cover"].notna()]
    n, stays = len(covered), int(covered["stays_cover"].sum())
    drop = mean_interval(covered["drop_cover"].to_numpy())
    asked = looks["stays_other_image"].dropna()
    return {
        "tested": n,
        "unchanged": stays,
        "unchanged_low": lower_bound(stays, n) if n else None,
        "drop": drop.value,
        "drop_low": drop.low,
        "drop_high": drop.high,
        "control_unchanged": _mean(covered["stays_control"]),
        "control_drop": _mean(covered["drop_control"]),
        "asked_elsewhere": len(asked),
        "same_elsewhere": int(asked.sum()),
        "p_value": _p_value(covered, cutoffs) if n >= cutoffs.min_images else None,
    }


def _mean(values: pd.Series) -> float | None:
    known = values.dropna()
    return float(known.mean()) if len(known) else None


def _p_value(covered: pd.DataFrame, cutoffs: Cutoffs) -> float:
    """The larger p of: answers stay in more than half; the probability falls by less than .2."""
    stays = binomtest(int(covered["stays_cover"].sum()), len(covered), 0.5, alternative="greater")
    return max(float(stays.pvalue), _less(covered["drop_cover"].to_numpy(), cutoffs.look_drop))


def _less(values: np.ndarray, bound: float) -> float:
    """p of the one-sided t test that the mean of ``values`` lies below ``bound``."""
    if values.std() == 0:
        return float(values.mean() >= bound)
    return float(ttest_1samp(values, bound, alternative="less").pvalue)


def _verdict(row: pd.Series, cutoffs: Cutoffs) -> str:
    if not row["tested"]:
        return "not_tested"
    if np.isnan(row["q_value"]):
        return "not_enough_images"
    blind = row["same_elsewhere"] > cutoffs.look_blind * row["asked_elsewhere"]
    return "spurious" if row["q_value"] <= cutoffs.q and blind else "clean"


def _sentence(row: pd.Series) -> str:
    name, verdict = row["question_type"], row["verdict"]
    if verdict == "not_tested":
        return ""
    if verdict == "not_enough_images":
        return f"question type {name!r}: {row['tested']} questions are too few to test"
    elsewhere = (
        f"asked of another image, the answer is the same in {row['same_elsewhere']} of "
        f"{row['asked_elsewhere']}"
    )
    controls = row["control_drop"]
    beside = "" if controls is None or np.isnan(controls) else f" (controls {effect(controls)})"
    if verdict == "spurious":
        return (
            f"question type {name!r}: answered without looking: with the asked object covered, "
            f"{row['unchanged']} of {row['tested']} answers stay and their probability falls by "
            f"{effect(row['drop'])}{beside}; {elsewhere}"
        )
    return (
        f"question type {name!r}: no language shortcut found: covering the asked object changes "
        f"{row['tested'] - row['unchanged']} of {row['tested']} answers and lowers the "
        f"probability by {effect(row['drop'])}{beside}; {elsewhere}"
    )
