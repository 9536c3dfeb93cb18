"""What a gate reads of a run folder, and nothing that the folder names; torch is not needed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from audit.errors import ConfigError, DataError
from audit.gates.measures import Pairs
from audit.report import contract
from audit.report.banner import of
from audit.report.tables import Row, parts_of, read, require, rows_of, some
from audit.tables.sliced import read_slices
from audit.tables.store import local_only
from audit.tables.verdict_columns import verdict_columns

__all__ = ["PairsFound", "Run", "alike", "pairs_of", "read_run", "same_data"]

_MANIFEST = ("name", "status", "dataset", "fingerprint")
_CLASSES = ("true_class", "label", "n", "n_correct")
_SLICES = ("slice", "value", "n_images", "n", "n_correct")
# First words of metrics that rest on the answers alone, and of those that rest on verdicts.
_ANSWERS = frozenset({"accuracy", "counts", "n", "n_correct", "worst_confusion_n"})
_VERDICTS = frozenset({"verdicts", *(column.name for column in verdict_columns())})


@dataclass(frozen=True)
class Run:
    """A finished run."""

    root: Path
    name: str
    manifest: Row
    summary: Row
    classes: tuple[Row, ...]
    slices: tuple[Row, ...]  # of slices.parquet; none where the dataset has no further column
    questions: tuple[Row, ...]  # of questions.parquet; none where the dataset asks none


@dataclass(frozen=True)
class PairsFound:
    """How the answers to the images that two runs share changed: all of them, and by group."""

    overall: Pairs
    classes: dict[int, Pairs]  # by true_class
    slices: dict[int, Pairs]  # by the row of slices.parquet; only where they are asked for


def read_run(run: Path) -> Run:
    """Read the run folder ``run``.

    Raises DataError where it is not one, not finished, or lacks images that were audited.
    """
    if not local_only(run).is_dir():
        raise DataError(f"there is no run folder at {run}")
    root = run.resolve()  # runs/latest is a link
    manifest = _object(root / "manifest.json")
    if manifest.get("format") != contract.FORMAT:
        found = manifest.get("format")
        raise DataError(
            f"{root / 'manifest.json'} has format {found!r}; this version reads {contract.FORMAT!r}"
        )
    require(_MANIFEST, manifest, str(root / "manifest.json"), "key")
    if manifest["status"] not in contract.COMPLETE:
        raise DataError(
            f"{root} is marked {manifest['status']!r}: finish the run first (the same command goes "
            "on where it was)"
        )
    _check_images(root, manifest["dataset"])
    classes = rows_of(read([root / "classes.parquet"], None))
    require(_CLASSES, classes[0] if classes else _CLASSES, str(root / "classes.parquet"), "column")
    summary = _object(root / "summary.json")
    return Run(
        root,
        root.name,
        manifest,
        summary,
        classes,
        slices=some(root / "slices.parquet", _SLICES),
        questions=some(root / "questions.parquet", contract.QUESTIONS),
    )


def _check_images(root: Path, dataset: object) -> None:
    """Raise DataError unless the parts of ``images`` hold what ``dataset`` says was audited."""
    parts = parts_of(root / "images")
    if not parts:
        raise DataError(f"{root / 'images'} has no part-*.parquet: not a finished run folder")
    again = f"the same `cam-audit run` command, with --run {root.name}, makes"
    found = sum(_rows(part, f"{again} it again") for part in parts)
    audited = dataset.get("audited") if isinstance(dataset, dict) else None
    if isinstance(audited, int) and found != audited:
        held = f"{found:,} rows in {of(len(parts), 'part', 'parts')}"
        raise DataError(
            f"{root / 'images'} holds {held}, but {audited:,} images were audited: {again} a "
            "missing part again"
        )


def _rows(part: Path, remedy: str) -> int:
    """How many rows the footer says: nothing else of the file is read."""
    try:
        return int(pq.read_metadata(part).num_rows)
    except (pa.ArrowException, OSError) as error:
        why = str(error).rstrip(".")
        raise DataError(f"{part} cannot be read as Parquet: {why}; {remedy}") from None


def alike(run: Run, baseline: Run) -> bool:
    """Whether both runs are of one plan: equal weights, options and data."""
    return bool(run.manifest["fingerprint"] == baseline.manifest["fingerprint"])


def same_data(run: Run, baseline: Run, metrics: Iterable[str], *, slices: bool = False) -> None:
    """Raise ConfigError, saying in what they differ, where a change of ``metrics`` means nothing.

    The images have to be the same for any change; the regions, the view, the method, its grid and
    the scores' version for all but answers; the verdicts' version for a change of verdicts; and the
    further columns for ``slices``.
    """
    compared = [*_compared(run, baseline, {one.split(".")[0] for one in metrics})]
    if slices:
        compared.append(("the further columns", _sliced(run), _sliced(baseline)))
    different = [
        f"{what} ({theirs} against {ours})" for what, ours, theirs in compared if ours != theirs
    ]
    if different:
        raise ConfigError(
            f"--baseline {baseline.name} cannot be compared with {run.name}: they differ in "
            f"{', '.join(different)}; audit both checkpoints alike"
        )


def pairs_of(run: Run, baseline: Run, *, slices: bool = False) -> PairsFound:
    """Join the images of both runs on ``sample_id``, where both have a label and an answer.

    ``slices``: count by the values of the further columns too, as ``run`` has them.
    """
    now, before = _answers(run), _answers(baseline)
    try:
        both = now.merge(before, on="sample_id", suffixes=("", "_before"), validate="one_to_one")
    except pd.errors.MergeError as error:
        raise DataError(
            f"{run.root} or {baseline.root} has a sample_id more than once: {error}"
        ) from error
    same = alike(run, baseline)
    changed = pd.DataFrame(
        {
            "true_class": both["true_class"],
            "n": 1,
            "lost": both["correct_before"] & ~both["correct"],
            "won": both["correct"] & ~both["correct_before"],
        }
    )
    classes = _summed(changed, changed["true_class"].to_numpy(), same=same)
    total = changed.sum()
    return PairsFound(
        Pairs(int(total["n"]), int(total["lost"]), int(total["won"]), same=same),
        classes,
        _by_slice(run, changed, both["at"], same=same) if slices else {},
    )


def _summed(changed: pd.DataFrame, by: np.ndarray, *, same: bool) -> dict[int, Pairs]:
    """The pairs of each value of ``by``, aligned with ``changed``."""
    sums = changed[["n", "lost", "won"]].groupby(by).sum()
    return {
        int(group): Pairs(int(n), int(lost), int(won), same=same)
        for group, n, lost, won in sums.itertuples()
    }


def _by_slice(run: Run, changed: pd.DataFrame, at: pd.Series, *, same: bool) -> dict[int, Pairs]:
    """``at``: each pair's place among the images of ``run``."""
    rows = {(row["slice"], row["value"]): index for index, row in enumerate(run.slices)}
    found = {}
    for column in read_slices(run.root / "images").columns:
        sums = _summed(changed, column.codes[at.to_numpy()], same=same)
        for place, text in enumerate(column.texts):
            if place in sums and (column.name, text) in rows:
                found[rows[column.name, text]] = sums[place]
    return found


def _answers(run: Run) -> pd.DataFrame:
    """The answers to labelled images; ``at``: each one's place among all of them."""
    parts = parts_of(run.root / "images")
    frame: pd.DataFrame = read(parts, ("sample_id", "true_class", "correct")).to_pandas()
    known = frame.assign(at=np.arange(len(frame))).dropna()
    return known.astype({"correct": bool, "true_class": "int64"})


def _compared(run: Run, baseline: Run, sections: set[str]) -> Iterator[tuple[str, object, object]]:
    """What must be equal for figures of ``sections``: its name, and each run's value."""
    yield "the dataset's listing", _print(run, "dataset"), _print(baseline, "dataset")
    yield (
        "the split",
        run.manifest["dataset"].get("split"),
        baseline.manifest["dataset"].get("split"),
    )
    yield "the sample", _sample(run), _sample(baseline)
    if sections - _ANSWERS:
        for key, what in (
            ("annotations", "the annotations"),
            ("score_version", "the score version"),
        ):
            yield what, _print(run, key), _print(baseline, key)
        for (what, ours), (_, theirs) in zip(_seen(run), _seen(baseline), strict=True):
            yield what, ours, theirs
    if sections & _VERDICTS:
        yield "the verdicts' version", _verdict_version(run), _verdict_version(baseline)


def _seen(run: Run) -> Iterator[tuple[str, object]]:
    """What a map is made by and of, as ``compare`` too asks it to be equal: its name and value."""
    model = run.manifest.get("model") or {}
    preprocessing = model.get("preprocessing") or {}
    yield "the method", run.manifest.get("method")
    yield "the model's view", _sides(run.manifest.get("view"))
    yield "the maps' grid", _sides(model.get("grid"))
    yield "the resize", _sides(preprocessing.get("resize"))
    yield "the crop", _sides(preprocessing.get("crop"))


def _sides(lengths: object) -> str:
    if lengths is None:
        return "none"
    return "×".join(map(str, lengths)) if isinstance(lengths, list) else str(lengths)


def _print(run: Run, key: str) -> str:
    return str(run.manifest["fingerprint"].get(key))[:12]


def _sliced(run: Run) -> str:
    told = [(row["slice"], row["value"], row["n_images"]) for row in run.slices]
    return hashlib.blake2b(repr(told).encode(), digest_size=6).hexdigest()


def _verdict_version(run: Run) -> object:
    return (run.summary.get("verdicts") or {}).get("version")


def _sample(run: Run) -> str:
    config = run.manifest.get("config") or {}
    limit = config.get("limit")
    return "all" if limit is None else f"{limit} of seed {config.get('seed')}"


def _object(path: Path) -> Row:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path.parent} has no {path.name}: not a finished run folder") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no JSON object")
    return content
