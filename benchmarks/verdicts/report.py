"""The planted benchmark's tables, from what ``benchmarks.verdicts.run`` left.

Usage: ``python -m benchmarks.verdicts.report [DATA_ROOT] [--half HALF] [--write]``. Cuts of the
rivals come from the development half. ``--write`` keeps the reported half's rates in
``audit/verdicts/measured.json``, which reports of audits quote.

Intervals are one-sided 95% bounds by a bootstrap over models: classes of one model share its
weights and are not independent. Where no class of any model fails, the bootstrap has nothing to
resample and the bound is Clopper–Pearson's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from audit.data.decoy.plants import WHOLE_GROUND
from audit.verdicts.cutoffs import VERDICT_VERSION
from audit.verdicts.measured import MEASURED
from audit.verdicts.statistics import lower_bound, upper_bound
from benchmarks.verdicts.designs import HALVES, RATES, SCALES, Cell
from benchmarks.verdicts.rivals import RIVALS, Rival
from benchmarks.verdicts.run import cells_of, is_done
from benchmarks.verdicts.truth import CASE_DROP

__all__ = ["Audited", "Share", "main", "print_tables", "read_half", "share"]

_STRONG = 0.95  # rates from here on are those that the verdicts must find
_DRAWS = 2000


@dataclass(frozen=True)
class Audited:
    """One cell with its tables: a row a class, and a row an image."""

    cell: Cell
    classes: pd.DataFrame
    cases: pd.DataFrame


@dataclass(frozen=True)
class Share:
    """k of n, with one-sided 95% bounds from below and from above."""

    k: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """k / n; NaN where n is 0."""
        return self.k / self.n if self.n else float("nan")

    def __str__(self) -> str:
        return f"{self.k} of {self.n} = {self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def read_half(half: str, data_root: Path, estimated: bool = False) -> list[Audited]:
    """The cells of ``half`` that have been audited by the present rules."""
    found = []
    for cell in cells_of(half):
        name = cell.name + ("-estimated" if estimated else "")
        folder = data_root / "verdicts" / "results" / name
        if is_done(folder):
            classes = pd.read_parquet(folder / "classes.parquet")
            cases = pd.read_parquet(folder / "cases.parquet")
            found.append(Audited(cell, classes, cases))
    return found


def share(counts: Sequence[tuple[int, int]], seed: int = 0) -> Share:
    """k of n summed over models (one pair a model), with bounds clustered by model."""
    k, n = (int(sum(one)) for one in zip(*counts, strict=True)) if counts else (0, 0)
    if k in (0, n):
        return Share(k, n, lower_bound(k, n), upper_bound(k, n))
    pairs = np.array(counts)
    drawn = np.random.default_rng(seed).integers(0, len(pairs), (_DRAWS, len(pairs)))
    sums = pairs[drawn].sum(axis=1)
    rates = sums[:, 0] / np.maximum(sums[:, 1], 1)
    return Share(k, n, float(np.quantile(rates, 0.05)), float(np.quantile(rates, 0.95)))


def _found(one: Audited) -> pd.Series:
    return one.classes["verdict"] == "spurious"


def _recall(cells: Sequence[Audited], found: Callable[[Audited], pd.Series]) -> Share:
    return share(
        [
            (
                int((found(one) & one.classes["truth_spurious"]).sum()),
                int(one.classes["truth_spurious"].sum()),
            )
            for one in cells
        ]
    )


def _false_alarms(cells: Sequence[Audited], found: Callable[[Audited], pd.Series]) -> Share:
    """Of the classes that carry no plant and depend on none."""
    pairs = []
    for one in cells:
        clean = one.classes["kind"].isna() & ~one.classes["truth_spurious"]
        pairs.append((int((found(one) & clean).sum()), int(clean.sum())))
    return share(pairs)


def _case_share(
    cells: Sequence[Audited], flagged: Callable[[pd.DataFrame], pd.Series], of_flagged: bool
) -> Share:
    """Precision (of the flagged) or recall (of the truly spurious) among the tested images."""
    pairs = []
    for one in cells:
        tested = _tested(one)
        said, true = flagged(tested), tested["truth_drop"] >= CASE_DROP
        pairs.append((int((said & true).sum()), int((said if of_flagged else true).sum())))
    return share(pairs)


def _tested(one: Audited) -> pd.DataFrame:
    return one.cases[(one.cases["state"] == "tested") & (one.cases["role"] == "sample")]


def _difference(images: pd.DataFrame) -> np.ndarray:
    return (images["drop"] - images["control_median"]).to_numpy(dtype=float)


def _auroc(cells: Sequence[Audited], score: Callable[[pd.DataFrame], np.ndarray]) -> float:
    """Of one score among the tested images: does it rank the truly spurious first?"""
    truth, scores = [], []
    for one in cells:
        place = one.cases.index.get_indexer(_tested(one).index)
        truth.append(one.cases["truth_drop"].to_numpy()[place] >= CASE_DROP)
        scores.append(score(one.cases)[place])
    y, x = np.concatenate(truth), np.concatenate(scores)
    kept = ~np.isnan(x)
    return float(roc_auc_score(y[kept], x[kept]))


def _class_shares(one: Audited, rival: Rival) -> np.ndarray:
    """Of the images predicted as each class: the share of the flagged, or the mean score."""
    score = rival.score(one.cases)
    flags = pd.Series(score if rival.cut is None else score > rival.cut, index=one.cases.index)
    by_class = flags.groupby(one.cases["pred_class"]).mean()
    return by_class.reindex(range(len(one.classes))).to_numpy(dtype=float)


def _best_cut(cells: Sequence[Audited], rival: Rival) -> float:
    """The cut on a class's share with the best balanced accuracy on the development half."""
    shares = np.concatenate([_class_shares(one, rival) for one in cells])
    true = np.concatenate([one.classes["truth_spurious"] for one in cells])
    clean = np.concatenate(
        [one.classes["kind"].isna() & ~one.classes["truth_spurious"] for one in cells]
    )
    cuts = np.unique(shares[~np.isnan(shares)])
    balanced = [(shares[true] >= cut).mean() + (shares[clean] < cut).mean() for cut in cuts]
    return float(cuts[int(np.argmax(balanced))])


def main() -> None:
    """Print the tables; ``--write`` keeps the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_root", nargs="?", type=Path, default=Path("data"))
    parser.add_argument("--half", default="reported", choices=tuple(HALVES))
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    cells = read_half(asked.half, asked.data_root)
    print_tables(cells, read_half("development", asked.data_root))
    _print_estimated(read_half(asked.half, asked.data_root, estimated=True))
    if asked.write:
        _write(cells)


def print_tables(cells: Sequence[Audited], development: Sequence[Audited]) -> None:
    """Print every table of ``cells``; the rivals' cuts are chosen on ``development``."""
    strong, rates = _strong(cells), _rates(cells)
    print(f"{len(cells)} models; bounds one-sided 95%, clustered by model\n")
    print(f"- truly spurious classes found, rates >= {_STRONG}: {rates['found']}")
    print(f"- false alarms among clean classes, all rates: {rates['false_alarms']}")
    print(f"- precision of spurious_verified, rates >= {_STRONG}: {rates['verified_precision']}")
    print(f"- recall of spurious_verified: {_case_share(strong, _verified, of_flagged=False)}")
    ignored = sum(int(one.classes["truth_ignored"].sum()) for one in cells)
    print(f"- planted classes that the model ignores, in neither rate: {ignored}\n")
    _print_curve(cells)
    _print_kinds(strong)
    _print_sizes(strong)
    _print_rivals(strong, cells, development)


def _strong(cells: Sequence[Audited]) -> list[Audited]:
    return [one for one in cells if one.cell.rate >= _STRONG or not one.cell.plants]


def _rates(cells: Sequence[Audited]) -> dict[str, Share]:
    """What the verdicts promise: recall and precision at strong rates, false alarms at all."""
    strong = _strong(cells)
    return {
        "found": _recall(strong, _found),
        "false_alarms": _false_alarms(cells, _found),
        "verified_precision": _case_share(strong, _verified, of_flagged=True),
    }


def _verified(images: pd.DataFrame) -> pd.Series:
    return images["spurious_verified"].astype("boolean").fillna(value=False).astype(bool)


def _print_curve(cells: Sequence[Audited]) -> None:
    print("| rate | models | accuracy | decorrelated | used plants | found | false alarms |")
    print("|---" * 7 + "|")
    for rate in (0.0, *RATES):
        mine = [one for one in cells if one.cell.rate == rate]
        if mine:
            accuracy = np.mean([one.classes["accuracy"].iloc[0] for one in mine])
            apart = np.mean([one.classes["accuracy_apart"].iloc[0] for one in mine])
            used = sum(int(one.classes["truth_spurious"].sum()) for one in mine)
            print(
                f"| {rate or 'clean'} | {len(mine)} | {accuracy:.3f} | {apart:.3f} | {used} "
                f"| {_recall(mine, _found) if used else '–'} | {_false_alarms(mine, _found)} |"
            )
    print()


def _print_kinds(cells: Sequence[Audited]) -> None:
    rows = pd.concat([one.classes.assign(cell=one.cell.name) for one in cells])
    cases = pd.concat([_tested(one) for one in cells])
    print("| plant | area | classes | used | reliance | found | by | IoU of the patch |")
    print("|---" * 8 + "|")
    for kind, mine in rows[rows["kind"].notna()].groupby("kind"):
        used = mine[mine["truth_spurious"]]
        found = used[used["verdict"] == "spurious"]
        images = cases[(cases["kind"] == kind) & (cases["truth_drop"] >= CASE_DROP)]
        by = ", ".join(f"{n} {way}" for way, n in found["verdict_by"].value_counts().items())
        print(
            f"| {kind} | {images['area'].median():.3f} | {len(mine)} | {len(used)} "
            f"| {mine['reliance'].mean():.2f} | {len(found)} | {by or '–'} "
            f"| {images['plant_iou'].median():.2f} |"
        )
    print()


def _print_sizes(cells: Sequence[Audited]) -> None:
    """Plants that lie at one place, by their linear size relative to their kind's own."""
    print("| scale | classes | used | found |")
    print("|---" * 4 + "|")
    for scale in sorted(SCALES):
        mine = [one.classes for one in cells if one.cell.plants and one.cell.scale == scale]
        if mine:
            rows = pd.concat(mine)
            rows = rows[rows["kind"].notna() & ~rows["kind"].isin(WHOLE_GROUND)]
            used = rows[rows["truth_spurious"]]
            found = (used["verdict"] == "spurious").sum()
            print(f"| {scale:g} | {len(rows)} | {len(used)} | {found} |")
    print()


def _print_rivals(
    strong: Sequence[Audited], cells: Sequence[Audited], development: Sequence[Audited]
) -> None:
    print("| | classes found | false alarms | case precision | case recall | AUROC |")
    print("|---" * 6 + "|")
    print(
        f"| verdicts (S1 with L, B) | {_recall(strong, _found)} | {_false_alarms(cells, _found)} "
        f"| {_case_share(strong, _verified, of_flagged=True).value:.2f} "
        f"| {_case_share(strong, _verified, of_flagged=False).value:.2f} "
        f"| {_auroc(strong, _difference):.3f} |"
    )
    for rival in RIVALS:
        cut = _best_cut(development, rival)

        def found(one: Audited, rival: Rival = rival, cut: float = cut) -> pd.Series:
            return pd.Series(_class_shares(one, rival) >= cut)

        def flagged(images: pd.DataFrame, rival: Rival = rival, cut: float = cut) -> pd.Series:
            limit = cut if rival.cut is None else rival.cut
            return pd.Series(rival.score(images) > limit, index=images.index)

        kind = "mean" if rival.cut is None else "share"
        print(
            f"| {rival.name} ({kind} >= {cut:.2f}) | {_recall(strong, found)} "
            f"| {_false_alarms(cells, found)} "
            f"| {_case_share(strong, flagged, of_flagged=True).value:.2f} "
            f"| {_case_share(strong, flagged, of_flagged=False).value:.2f} "
            f"| {_auroc(strong, rival.score):.3f} |"
        )
    print()


def _print_estimated(cells: Sequence[Audited]) -> None:
    if cells:
        strong, rates = _strong(cells), _rates(cells)
        print(f"With GrabCut's regions in place of the masks, {len(cells)} of these models:\n")
        print(f"- found, rates >= {_STRONG}: {rates['found']} in {len(strong)} models")
        print(f"- false alarms, all rates: {rates['false_alarms']}")
        print(f"- precision of what would be spurious_verified: {rates['verified_precision']}")


def _write(cells: Sequence[Audited]) -> None:
    held: dict[str, object] = {
        "command": "python -m benchmarks.verdicts.report --write",
        "verdict_version": VERDICT_VERSION,
        "models": len(cells),
    }
    for name, one in _rates(cells).items():
        rates = {"rate": one.value, "low": one.low, "high": one.high}
        held[name] = {"k": one.k, "n": one.n} | {key: round(x, 4) for key, x in rates.items()}
    MEASURED.write_text(json.dumps(held, indent=1) + "\n")
    print(f"\nwrote {MEASURED.name}")


if __name__ == "__main__":
    main()
