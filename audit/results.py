"""From a run's tables to its results: flags, verdicts, class table, pairs, summary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from audit import galleries, summary, triage
from audit.tables.schema import arrow_schema
from audit.verdicts.cases import evidence_reasons, with_evidence
from audit.verdicts.classes import class_verdicts
from audit.verdicts.cutoffs import VERDICT_VERSION, Cutoffs
from audit.verdicts.fills import fill_agreements
from audit.verdicts.label_suspects import label_suspects
from audit.verdicts.local import per_image
from audit.verdicts.measured import measured
from audit.verdicts.whole_set import whole_set_rate

__all__ = ["Interventions", "Results", "results_of", "triaged", "with_reasons"]

_BLOCK = 16_384  # cases whose reasons are held: they take more room than the rest of a case


@dataclass(frozen=True)
class Interventions:
    """What was changed and classified again, and what is needed to judge it."""

    rows: pd.DataFrame  # the ``interventions`` table
    budget: int  # forwards that they might have taken
    fill: str
    view: tuple[int, int]  # height, width of the model's view


@dataclass(frozen=True)
class Results:
    """The tables below a run's parts, the cases that its report shows, and the summary."""

    cases: pd.DataFrame  # but for their reasons: with_reasons
    classes: pd.DataFrame
    pairs: pd.DataFrame
    chosen: pd.DataFrame
    evidence: pd.DataFrame  # one row a tested image: audit.verdicts.local.per_image
    summary: dict[str, Any]


def triaged(images: pd.DataFrame) -> pd.DataFrame:
    """The ``cases`` of ``images`` (columns audit.triage.READ) before any intervention."""
    cases = triage.flag(images)
    cases["label_suspect"] = label_suspects(images, cases["misclassified"])["label_suspect"]
    return cases


def results_of(
    images: pd.DataFrame,
    cases: pd.DataFrame,
    tested: Interventions,
    classes: tuple[str, ...],
    *,
    limit: int,
    seed: int,
) -> Results:
    """The results of ``images`` and their triage ``cases``, given what was tested.

    At most ``limit`` cases are chosen for the report.
    """
    cutoffs = Cutoffs()
    sources = {str(one) for one in images["region_source"].unique()}
    estimated = "annotation" not in sources and any(one.startswith("pseudo") for one in sources)
    tested = replace(tested, rows=tested.rows[tested.rows["test"] != "look"])  # of questions
    evidence = per_image(tested.rows, tested.fill, cutoffs)
    verdicts = class_verdicts(
        tested.rows,
        classes,
        view=tested.view,
        fill=tested.fill,
        estimated=estimated,
        cutoffs=cutoffs,
    )
    cases = with_evidence(cases, images["pred_class"], evidence, verdicts)
    chosen, totals = galleries.choose(cases, images, triage.judged(images), limit, seed)
    content = summary.summarise(images, cases, totals)
    content["verdicts"] = _verdicts(images, tested, evidence, verdicts, cutoffs)
    table = summary.class_table(images, cases, classes)
    shared = [name for name in verdicts.columns if name not in ("true_class", "label")]
    table[shared] = verdicts[shared]
    return Results(
        cases=cases,
        classes=table[arrow_schema("classes").names],
        pairs=summary.pair_table(images),
        chosen=chosen,
        evidence=evidence,
        summary=content,
    )


def with_reasons(
    results: Results, images: pd.DataFrame, view: tuple[int, int]
) -> Iterator[pd.DataFrame]:
    """The ``cases`` of ``results`` with their reasons, block by block.

    ``images`` are those that the results are of; ``view`` is the model's input (H, W).
    """
    for at in range(0, max(len(images), 1), _BLOCK):
        cases, rows = results.cases[at : at + _BLOCK], images[at : at + _BLOCK]
        found = evidence_reasons(cases, rows["pred_class"], results.evidence, results.classes, view)
        first = triage.reasons(rows, cases)
        both = (first != "") & (found != "")
        yield cases.assign(reason=first + both.map({True: "; ", False: ""}).astype("str") + found)


def _verdicts(
    images: pd.DataFrame,
    tested: Interventions,
    evidence: pd.DataFrame,
    verdicts: pd.DataFrame,
    cutoffs: Cutoffs,
) -> dict[str, Any]:
    """What was tested, what was found, and what was left out."""
    counts = verdicts["verdict"].value_counts()
    untested = verdicts[verdicts["verdict"] == "not_tested"]
    seen = images["pred_class"].value_counts()
    return {
        "version": VERDICT_VERSION,
        "groups": "class",
        "measured": measured(),
        "estimated_regions": bool(verdicts["verdict_estimated"].all()),
        "has_regions": bool((images["n_regions"] > 0).any()),
        "counts": {name: int(n) for name, n in counts.items()},
        "spurious": verdicts["true_class"][verdicts["verdict"] == "spurious"].tolist(),
        "not_tested": [
            {"label": row.label, "images": int(seen.get(row.true_class, 0))}
            for row in untested.itertuples()
        ],
        "images_tested": int((evidence["role"] == "sample").sum()),
        "suspects_tested": int((evidence["role"] == "suspect").sum()),
        "forwards": int(tested.rows["p_after"].notna().sum()),
        "budget": tested.budget,
        "fill": tested.fill,
        "fill_agreement": [
            asdict(one) for one in fill_agreements(tested.rows, tested.fill, cutoffs)
        ],
        "whole_set": asdict(whole_set_rate(images["pred_class"], evidence, verdicts)),
        "cutoffs": asdict(cutoffs),
    }
