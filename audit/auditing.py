"""One audit from configuration to report: parts, tables, pictures, page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from audit import looking
from audit.config import RunConfig
from audit.engine import part_metadata
from audit.errors import DataError
from audit.finish import finish_parts
from audit.frame import read_images
from audit.manifest import set_status
from audit.media import write_media
from audit.memory import give_back
from audit.places import Place, open_place
from audit.plan import Plan, make_plan
from audit.precision import effect
from audit.regions.pseudo.quality import measured_quality
from audit.report.render import render_report
from audit.report.ruling import policy_of
from audit.results import Interventions, Results, results_of, triaged, with_reasons
from audit.room import with_room
from audit.runners import Runner, check_engine, open_runner
from audit.said import noun_table, read_words, words_summary
from audit.sanity.check import check
from audit.slices import slice_table
from audit.tables.parts import (
    done_parts,
    part_path,
    read_parts,
    write_bytes,
    write_frames,
    write_table,
)
from audit.tables.schema import arrow_schema
from audit.tables.sliced import Slices, read_slices
from audit.tables.verdict_columns import TESTED
from audit.verdicts.cutoffs import Cutoffs
from audit.verify.covered import covered
from audit.verify.cues import cues
from audit.verify.looks import types_of
from audit.verify.maps import read_maps
from audit.verify.stage import intervene
from audit.verify.swapped import swap_examples

__all__ = ["run_audit"]


def run_audit(config: RunConfig, say: Callable[[str], object] = lambda _line: None) -> Path | str:
    """Audit a dataset as ``config`` says, or go on where an earlier call was stopped.

    ``say`` is told, line by line, what a person should know while it runs. Returns the report's
    path, or its URL on an object store. Raises an AuditError, with every finished part kept.
    """
    started = time.perf_counter()
    policy_of(config.policy)  # a mistake in it is told before hours of work
    check_engine(config)
    plan = make_plan(config, say)
    with open_place(plan) as (place, resumed), open_runner(plan, place, say) as runner:
        folder = place.folder
        timings = {"start": time.perf_counter() - started}
        for warning in plan.warnings:
            say(f"note: {warning}")
        with _timed(place, timings, "images"):
            done = _done(plan, folder / "images")
            if resumed:
                say(f"{folder.name}: going on; {len(done)} of {plan.n_parts} parts are done")
            plan = _write_parts(plan, folder / "images", done, runner)
        with _timed(place, timings, "triage"):
            finish_parts(folder / "images", plan, part_metadata(plan))
            give_back()
            images = read_images(folder / "images")
            cases = triaged(images)
        with _timed(place, timings, "interventions"):
            test = partial(
                _tested, folder=folder, images=images, cases=cases, runner=runner, say=say
            )
            plan, tested = with_room(plan, test, say)
        with _timed(place, timings, "tables"):
            results = _write_results(plan, folder, images, cases, tested)
            content = results.summary
        with _timed(place, timings, "media"):
            _write_pictures(plan, folder, results, tested)
        set_status(folder, "audited", timings)
        if config.sanity:
            with _timed(place, timings, "sanity"):
                _write_summary(folder, content | {"sanity": _sanity(plan, images, say)})
        del images, cases, results, tested, test  # the report reads the tables alone
        give_back()
        report = render_report(folder, config.policy)
        _link_latest(folder)  # before "finished", after which no call would take the run up
        set_status(folder, "finished", timings)
        place.keep()
    for line in _noted(content["problems"]):
        say(line)
    say(_closing(folder, content))
    return report if place.copy is None else f"{place.home}/{report.relative_to(folder)}"


def _done(plan: Plan, folder: Path) -> set[int]:
    """The parts of this plan that are whole: right footer, right number of rows."""
    found = done_parts(folder, part_metadata(plan))
    return {k for k, rows in found.items() if k < plan.n_parts and rows == len(plan.part(k))}


def _write_parts(plan: Plan, folder: Path, done: set[int], runner: Runner) -> Plan:
    """Have the parts written that are not done; the plan as the device's memory allows it."""
    ready = sum(len(plan.part(k)) for k in done)
    n = len(plan.indices)
    with tqdm(total=n, initial=ready, unit="img", desc="audit", disable=None) as bar:
        waiting = [k for k in range(plan.n_parts) if k not in done]
        plan = runner.audit(folder, waiting, bar.update) if waiting else plan
    strange = sorted(set(done_parts(folder, {})) - set(range(plan.n_parts)))
    if strange:
        raise DataError(
            f"{part_path(folder, strange[0])} is no part of this run, which has {plan.n_parts}: "
            "move it away"
        )
    return plan


def _tested(
    plan: Plan,
    folder: Path,
    images: pd.DataFrame,
    cases: pd.DataFrame,
    *,
    runner: Runner,
    say: Callable[[str], object],
) -> Interventions:
    """Change pictures and classify them again, where there are regions to look beside."""
    if plan.task.names and plan.config.budget != 0 and (images["n_regions"] > 0).any():
        say("testing what decides by changing pictures (--budget 0 leaves it out)")
    return intervene(plan, folder, images, cases, runner.test)


def _write_results(
    plan: Plan, folder: Path, images: pd.DataFrame, cases: pd.DataFrame, tested: Interventions
) -> Results:
    """Write cases, classes, pairs, slices and summary."""
    config = plan.config
    classes = plan.source.listing.classes
    results = results_of(images, cases, tested, classes, limit=config.max_cases, seed=config.seed)
    measured, used = measured_quality(), results.summary["regions"]["sources"]
    results.summary["regions"]["quality"] = {
        name: measured[name] for name in used if name in measured
    }
    changed = effect(plan)
    results.summary["precision"] = None if changed is None else asdict(changed)
    slices = read_slices(folder / "images")
    results.summary["slices"] = slices.summary()
    tables: dict[str, Iterable[pd.DataFrame]] = {
        "cases": with_reasons(results, images, tested.view),
        "classes": [results.classes if plan.task.names else results.classes[:0]],
        "pairs": [results.pairs],
        "slices": [slice_table(slices, images, results.cases)],
    }
    if plan.asks_questions:
        tables["questions"] = [_asked(results, folder, slices, tested.rows)]
    if plan.task.nouns:  # captions, which have no classes that could be tested
        words = read_words(folder / "words")
        results.summary["verdicts"] |= {"groups": "none", "counts": {}, "not_tested": []}
        results.summary["words"] = words_summary(words)
        tables["nouns"] = [noun_table(words, plan.task.nouns)]
    for name, frames in tables.items():
        write_frames(frames, arrow_schema(name), folder / f"{name}.parquet", part_metadata(plan))
    _write_summary(folder, results.summary | {"sanity": None})
    return results


def _asked(
    results: Results, folder: Path, slices: Slices, interventions: pd.DataFrame
) -> pd.DataFrame:
    """The ``questions`` table; the summary is told what it says."""
    parts = read_parts(folder / "images", looking.SEEN)
    seen = pa.concat_tables([table for _, table in parts]).to_pandas()
    types = types_of(slices, len(seen))
    table = looking.question_table(seen, types, interventions, Cutoffs())
    forwards = int(interventions["p_after"].notna().sum())
    results.summary["verdicts"] |= looking.verdicts_of(table) | {"forwards": forwards}
    results.summary["questions"] = looking.attention(seen)
    return table


def _write_pictures(plan: Plan, folder: Path, results: Results, tested: Interventions) -> None:
    """Write the pictures of the chosen cases, and of what decides the classes found spurious."""
    parts, said = folder / "images", part_metadata(plan)
    held = results.evidence[results.evidence["holds"]]
    shown = held[held["index"].isin(results.chosen["index"])]
    maps = read_maps(parts, shown["index"].to_numpy(dtype=np.int64), plan.grid)
    pictures = {one.subject.index: one.picture for one in covered(plan, shown, maps)}
    write_media(plan, results.chosen, pictures, folder / "media", said)
    found = cues(plan, parts, results.evidence, results.classes)
    write_table(found, folder / "cues.parquet", said)
    swapped = swap_examples(plan, parts, tested.rows, results.classes)
    write_table(swapped, folder / "swaps.parquet", said)


def _sanity(plan: Plan, images: pd.DataFrame, say: Callable[[str], object]) -> dict[str, Any]:
    """What the sanity checks of the maps found, as plain values."""
    say("checking on a sample whether the maps depend on the model (--no-sanity leaves it out)")
    found = check(plan, images)
    if found.unavailable:
        say(f"note: the maps' sanity checks are not available: {found.unavailable}")
    return asdict(found)


def _write_summary(folder: Path, content: dict[str, Any]) -> None:
    write_bytes(json.dumps(content, indent=1, ensure_ascii=False).encode(), folder / "summary.json")


def _noted(problems: list[dict[str, Any]]) -> list[str]:
    """What only showed beside the images, annotations that could not be used among it."""
    return [
        f"note: images read with a note: {one['count']} ({'; '.join(one['examples'])})"
        for one in problems
        if one["kind"] == "note"
    ]


def _closing(folder: Path, content: dict[str, Any]) -> str:
    """The line that ends a run: how many, how accurate, how many to look at, what was proven."""
    accuracy, flags = content["accuracy"], content["flags"]
    right = "no accuracy" if accuracy is None else f"accuracy {accuracy['value']:.1%}"
    counts = content["counts"]
    off = f"{flags['off_object']} of {counts['judged']} judged off the object (triage)"
    return (
        f"{folder.name}: {counts['audited']} images, {right}, "
        f"{off if counts['judged'] else 'none could be judged off the object'}, "
        f"{counts['unreadable']} unreadable; " + _found(content["verdicts"])
    )


def _found(verdicts: dict[str, Any]) -> str:
    counts = verdicts["counts"]
    spurious, clean = (counts.get(name, 0) for name in TESTED)
    questions = verdicts["groups"] == "question type"
    if not spurious + clean:
        return f"no {'type of question' if questions else 'class'} tested"
    if questions:
        return f"{spurious} of {spurious + clean} types of question answered without looking"
    kind = " (estimated regions: warnings)" if verdicts["estimated_regions"] else ""
    return f"{spurious} of {spurious + clean} tested classes found spurious{kind}"


@contextmanager
def _timed(place: Place, timings: dict[str, float], stage: str) -> Iterator[None]:
    """Time a stage, at whose end what it wrote is kept."""
    started = time.perf_counter()
    yield
    place.keep()
    timings[stage] = time.perf_counter() - started


def _link_latest(folder: Path) -> None:
    """Point runs/latest at ``folder``; a file system without links does without."""
    link, temporary = folder.parent / "latest", folder.parent / f".latest.{folder.name}"
    try:
        temporary.symlink_to(folder.name)
        temporary.replace(link)
    except OSError:
        temporary.unlink(missing_ok=True)
