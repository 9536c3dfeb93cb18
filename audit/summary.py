"""From flagged images to the class table, the pairs, and the summary a person reads first."""

from __future__ import annotations

from typing import Any

import pandas as pd
from scipy.stats import binomtest

from audit.distributions import distributions
from audit.tables.schema import FLAGS, arrow_schema
from audit.triage import judged, of_one_kind

__all__ = [
    "MEDIANS",
    "accuracy_of",
    "class_table",
    "named",
    "pair_table",
    "problems",
    "scored",
    "summarise",
    "wilson",
]

#: Column of medians → the column of ``images`` that it is of, where ``scored``.
MEDIANS = {
    "median_mass": "true_relevance_mass_accuracy",
    "median_lift": "true_mass_lift",
    "median_area": "region_area_fraction",
    "median_center_baseline": "center_baseline_mass",
    "median_permuted_baseline": "permuted_baseline_mass",
}
_PAIR = ["true_class", "pred_class", "true_label", "pred_label"]
_OF_MAPS = ["true_class", "pred_class", "true_cam_entropy", "true_border_mass", "cam_agreement"]
_EXAMPLES = 5
_TOLD = ["index", "status_detail"]  # what an example of a problem tells, beside its path


def class_table(
    images: pd.DataFrame, cases: pd.DataFrame, classes: tuple[str, ...]
) -> pd.DataFrame:
    """One row for each of the dataset's classes, also where no image shows it."""
    answered = images.loc[images["correct"].notna(), ["true_class", "correct"]]
    seen = images.loc[scored(images), ["true_class", *MEDIANS.values()]]
    off = cases["off_object"][judged(images) & of_one_kind(images)]
    errors = images["correct"].eq(False).fillna(value=False)
    wrong = pair_table(images.loc[errors, _PAIR])
    rows = []
    for index, label in enumerate(classes):
        mine = answered["correct"][answered["true_class"] == index]
        rows.append(
            {"true_class": index, "label": label}
            | accuracy_of(int(mine.sum()), len(mine))
            | _attention(seen[seen["true_class"] == index])
            | {"off_object_rate": _number(off[images["true_class"] == index].mean())}
            | _worst(wrong[wrong["true_class"] == index])
            | {"verdict": "not_tested"}
        )
    return pd.DataFrame(rows, columns=arrow_schema("classes").names)


def pair_table(images: pd.DataFrame) -> pd.DataFrame:
    """How often each label got each answer, most often first."""
    counts = images.groupby(_PAIR, observed=True).size().rename("n").reset_index()
    counts = counts.astype(dict.fromkeys(_PAIR[2:], "str"))  # of categories
    return counts.sort_values(["n", *_PAIR[:2]], ascending=[False, True, True], ignore_index=True)


def problems(images: pd.DataFrame) -> list[dict[str, Any]]:
    """What is wrong with the data: kind, count and the first examples.

    Of notes, the first of each wording, those that occur most often first, with how many there are.
    """
    found = []
    for kind, where in _kinds(images).items():
        if where.any():
            rows, counts = _examples(kind, images.loc[where, _TOLD])
            paths = images.loc[rows.index, "path"]
            told = list(map(_example, paths, rows["index"], rows["status_detail"], counts))
            found.append({"kind": kind, "count": int(where.sum()), "examples": told})
    return found


def named(images: pd.DataFrame) -> pd.Series:
    """Which of ``images`` are examples of ``problems``, bool: no other's path is ever told."""
    shown = pd.Series(data=False, index=images.index)
    for kind, where in _kinds(images).items():
        shown[_examples(kind, images.loc[where, _TOLD])[0].index] = True
    return shown


def _kinds(images: pd.DataFrame) -> dict[str, pd.Series]:
    """The kinds of problems, and which images have each."""
    return {
        "unreadable": images["status"] == "unreadable",
        "nonfinite": images["status"] == "nonfinite",
        "unlabelled": images["true_class"].isna(),
        "duplicate": images["sample_id"].str.contains("#"),
        "no_region": (images["n_regions"] == 0).fillna(value=False),
        "region_cut_away": (images["region_visible_fraction"] < 0.25).fillna(value=False),  # noqa: PLR2004
        "note": (images["status"] == "ok") & images["status_detail"].notna(),
    }


def summarise(
    images: pd.DataFrame, cases: pd.DataFrame, galleries: dict[str, int]
) -> dict[str, Any]:
    """The content of ``summary.json``; what does not exist is None, never 0."""
    answered = images["correct"].dropna()
    flags = cases[list(FLAGS)]
    return {
        "counts": _counts(images, flags),
        "accuracy": wilson(int(answered.sum()), len(answered)),
        "attention": _overall(images),
        "maps": _maps(images),
        "regions": _regions(images),
        "two_by_two": _two_by_two(images, cases),
        "flags": {
            name: int(column.sum()) for name, column in flags.items() if column.notna().any()
        },
        "galleries": galleries,
        "problems": problems(images),
        "distributions": distributions(images),
    }


def scored(images: pd.DataFrame) -> pd.Series:
    """Images whose true-class map counts in an aggregate over regions."""
    visible = images["region_visible_fraction"] >= 0.25  # noqa: PLR2004 - METRICS: not judged below
    return visible & images["true_relevance_mass_accuracy"].notna() & of_one_kind(images)


def _regions(images: pd.DataFrame) -> dict[str, Any]:
    """How many images each source of regions served, and on which the aggregates rest."""
    counted = images["region_source"][images["n_regions"].notna()].value_counts()
    kinds = sorted(images["region_source"][of_one_kind(images)].unique())
    return {"sources": {name: int(n) for name, n in counted.items() if n}, "aggregated": kinds}


def _maps(images: pd.DataFrame) -> dict[str, float | int | None] | None:
    """What the maps say without any region; agreement only where the two maps differ."""
    seen = images.loc[images["true_cam_entropy"].notna(), _OF_MAPS]
    if seen.empty:
        return None
    two = seen["cam_agreement"][seen["true_class"] != seen["pred_class"]].dropna()
    return {
        "median_entropy": _number(seen["true_cam_entropy"].median()),
        "median_border_mass": _number(seen["true_border_mass"].median()),
        "n": len(seen),
        "median_agreement": _number(two.median()),
        "agreement_n": len(two),
    }


def _counts(images: pd.DataFrame, flags: pd.DataFrame) -> dict[str, int]:
    status = images["status"].value_counts()
    return {
        "audited": len(images),
        **{name: int(status.get(name, 0)) for name in ("ok", "unreadable", "nonfinite")},
        "unlabelled": int(images["true_class"].isna().sum()),
        "no_region": int(flags["no_region"].sum()),
        "duplicates": int(images["sample_id"].str.contains("#").sum()),
        "degenerate_cam": int(flags["degenerate_cam"].sum()),
        "judged": int(judged(images).sum()),
    }


def wilson(successes: int, n: int) -> dict[str, float | int] | None:
    """A share with its 95% Wilson interval and n; None without any trial."""
    if n == 0:
        return None
    found = binomtest(successes, n).proportion_ci(method="wilson")
    return {"value": successes / n, "low": float(found.low), "high": float(found.high), "n": n}


def accuracy_of(successes: int, n: int) -> dict[str, Any]:
    """A table's columns on the accuracy of ``n`` images, of which ``successes`` are right."""
    found = wilson(successes, n) or {}
    return {
        "n": n,
        "n_correct": successes,
        "accuracy": found.get("value"),
        "accuracy_low": found.get("low"),
        "accuracy_high": found.get("high"),
    }


def _attention(seen: pd.DataFrame) -> dict[str, Any]:
    medians = {name: seen[column].median() for name, column in MEDIANS.items()}
    return {"n_scored": len(seen), **medians}


def _overall(images: pd.DataFrame) -> dict[str, float | int | None] | None:
    seen = images.loc[scored(images), list(MEDIANS.values())]
    if seen.empty:
        return None
    found = _attention(seen)
    names = {
        "median_center_baseline": "center_baseline",
        "median_permuted_baseline": "permuted_baseline",
    }
    kept = {
        names.get(name, name): _number(value) for name, value in found.items() if name != "n_scored"
    }
    permuted = int(seen["permuted_baseline_mass"].notna().sum())
    return {**kept, "permuted_n": permuted, "n": len(seen)}


def _two_by_two(images: pd.DataFrame, cases: pd.DataFrame) -> dict[str, int] | None:
    counted = judged(images) & images["correct"].notna() & of_one_kind(images)
    if not counted.any():
        return None
    right, off = images["correct"][counted].astype(bool), cases["off_object"][counted].astype(bool)
    return {
        "correct_on": int((right & ~off).sum()),
        "correct_off": int((right & off).sum()),
        "wrong_on": int((~right & ~off).sum()),
        "wrong_off": int((~right & off).sum()),
    }


def _worst(wrong: pd.DataFrame) -> dict[str, Any]:
    if wrong.empty:
        return {"worst_confusion": None, "worst_confusion_n": None}
    first = wrong.iloc[0]
    return {"worst_confusion": first["pred_label"], "worst_confusion_n": int(first["n"])}


def _examples(kind: str, images: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    """A few of the ``images`` of one kind, and how many each of them stands for."""
    if kind != "note":
        rows = images.head(_EXAMPLES)
        return rows, [1] * len(rows)
    wording = images["status_detail"].str.replace(r"\d+", "0", regex=True)  # figures aside
    counts = wording.value_counts().head(_EXAMPLES)
    firsts = [images[(wording == words).to_numpy()].head(1) for words in counts.index]
    return pd.concat([images.head(0), *firsts]), counts.tolist()


def _example(path: object, index: int, detail: object, n: int) -> str:
    name = path if isinstance(path, str) else f"index {index}"
    told = f"{name}: {detail}" if isinstance(detail, str) and detail else name
    return f"{n} × {told}" if n > 1 else told


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
