"""Interventions part by part, one predicted class each: changed pictures in, committed rows out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from audit.answers import asked, probabilities
from audit.engine import part_metadata
from audit.plan import Plan
from audit.regions.boxes import mask_boxes
from audit.tables.parts import is_done, part_numbers, part_path, write_table
from audit.tables.schema import arrow_schema
from audit.verify.changes import Change, Outcome, classified
from audit.verify.choice import Choice, Tested
from audit.verify.local import Host, LocalTest, local_changes
from audit.verify.looks import look_changes
from audit.verify.maps import Maps
from audit.verify.subjects import Subject, read_subjects
from audit.verify.swap import NECESSITY, SUFFICIENCY, Background, backgrounds, swaps

__all__ = [
    "VERIFY_VERSION",
    "Progress",
    "Runner",
    "SecondPass",
    "in_turn",
    "write_interventions",
]

#: Raised with every change of what an intervention does.
VERIFY_VERSION = 2
_SECOND_FILL = {"blur": "inpaint", "inpaint": "blur", "mean": "blur"}
_TWICE_FILLED = 10  # images a class whose verdict is checked by a second fill
_THREADS = 8


#: Is told how much more was done.
Progress: TypeAlias = Callable[[int], object]
#: Has classes of a second pass written to a folder.
Runner: TypeAlias = "Callable[[SecondPass, Path, list[int], Progress], None]"


@dataclass(frozen=True)
class _Pool:
    """Images of every class: pasted into, and swapped with."""

    hosts: list[Host]
    backgrounds: list[Background]


class SecondPass:
    """What the interventions of a run need beside its plan: the choice, its maps, and a pool.

    ``write`` is what any runner calls, a class at a time; classes know nothing of each other.
    """

    def __init__(self, plan: Plan, choice: Choice, maps: Maps) -> None:
        self.plan, self.choice, self.maps = plan, choice, maps

    def waiting(self, folder: Path) -> list[int]:
        """The classes without a whole part below ``folder``; parts of another choice go."""
        n = len(self.choice.classes)
        for k in set(part_numbers(folder)) - set(range(n)):
            part_path(folder, k).unlink()
        return [k for k in range(n) if not is_done(part_path(folder, k), self._metadata(k))]

    def write(self, folder: Path, k: int) -> None:
        """Test the ``k``-th chosen class and commit its part to ``folder``.

        Raises IncompleteError where the part cannot be written.
        """
        tested = self.choice.classes[k]
        with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as threads:
            if self.plan.asks_questions:
                changes = _looks(self.plan, tested, self._others, self.maps, threads)
            else:
                changes = _changes(self.plan, tested, self._pool, self.maps, threads)
            size = self.plan.batch_size
            outcomes = list(classified(changes, partial(_classify, self.plan), size))
        table = _table(outcomes, self.plan, self.maps)
        write_table(table, part_path(folder, k), self._metadata(k))

    @cached_property
    def _pool(self) -> _Pool:
        return _read_pool(self.plan, self.choice, self.maps)

    @cached_property
    def _others(self) -> list[Subject]:
        pool = self.choice.pool
        return list(read_subjects(self.plan, pool, *self.maps.of(pool)))

    def _metadata(self, k: int) -> dict[str, str]:
        return _metadata(self.plan, self.choice.classes[k])


def in_turn(second: SecondPass, folder: Path, waiting: list[int], progress: Progress) -> None:
    """Write the classes ``waiting`` one after another, in this process."""
    for k in waiting:
        second.write(folder, k)
        progress(1)


def write_interventions(
    plan: Plan,
    folder: Path,
    choice: Choice,
    maps: Maps,
    progress: Progress,
    *,
    runner: Runner = in_turn,
) -> None:
    """Write one part for each class of ``choice`` that is not done yet, below ``folder``.

    ``progress`` is told of each class that is done; ``runner`` has the waiting ones written. Parts
    of another choice are removed.
    """
    second = SecondPass(plan, choice, maps)
    waiting = second.waiting(folder)
    progress(len(choice.classes) - len(waiting))
    if waiting:
        runner(second, folder, waiting, progress)


def _metadata(plan: Plan, tested: Tested) -> dict[str, str]:
    said = f"{plan.config.fill} {tested.sample.tolist()} {tested.suspects.tolist()}"
    return part_metadata(plan) | {
        "verify_version": str(VERIFY_VERSION),
        "class": str(tested.cls),
        "tested": said,
    }


def _read_pool(plan: Plan, choice: Choice, maps: Maps) -> _Pool:
    subjects = list(read_subjects(plan, choice.pool, *maps.of(choice.pool)))
    pictures = torch.from_numpy(np.stack([one.picture for one in subjects])).permute(0, 3, 1, 2)
    size = plan.batch_size
    groups = torch.split(pictures, size)
    found = [_classify(plan, group.contiguous(), None).cpu() for group in groups]
    probability = torch.cat(found).numpy()
    hosts = [Host(one, known) for one, known in zip(subjects, probability, strict=True)]
    return _Pool(hosts, backgrounds(subjects, plan.config.fill, plan.config.seed))


def _looks(
    plan: Plan,
    tested: Tested,
    others: Sequence[Subject],
    maps: Maps,
    threads: ThreadPoolExecutor,
) -> Iterator[Change]:
    """Every picture that the questions of one type are asked of again."""
    listing, seed, fill = plan.source.listing, plan.config.seed, plan.config.fill
    texts, paths = listing.texts or (), listing.paths
    tasks: list[Callable[[], list[Change]]] = []
    for one in read_subjects(plan, tested.sample, *maps.of(tested.sample)):
        strangers = [
            other
            for other in others
            if other.index != one.index and (not paths or paths[other.index] != paths[one.index])
        ]
        make = partial(look_changes, one, texts[one.index], strangers, fill, seed)
        tasks.append(partial(_listed, make))
    return chain.from_iterable(_ordered(tasks, threads))


def _changes(
    plan: Plan, tested: Tested, pool: _Pool, maps: Maps, threads: ThreadPoolExecutor
) -> Iterator[Change]:
    """Every change of one class, in a fixed order; the pictures are made by ``threads``."""
    sample = list(read_subjects(plan, tested.sample, *maps.of(tested.sample)))
    suspects = list(read_subjects(plan, tested.suspects, *maps.of(tested.suspects)))
    others = [host for host in pool.hosts if host.subject.predicted != tested.cls]
    seed, fill = plan.config.seed, plan.config.fill
    base = LocalTest("sample", (fill,), others, None, seed)
    tasks: list[Callable[[], list[Change]]] = []
    for k, subject in enumerate(sample):
        how = replace(base, stranger=sample[k - 1])
        if k < _TWICE_FILLED:
            how = replace(how, fills=(fill, _SECOND_FILL[fill]))
        tasks.append(partial(_listed, partial(local_changes, subject, how)))
    how = replace(base, role="suspect")
    tasks += [partial(_listed, partial(local_changes, one, how)) for one in suspects]
    tasks += _swap_tasks(plan, tested.cls, sample, pool)
    return chain.from_iterable(_ordered(tasks, threads))


def _swap_tasks(
    plan: Plan, cls: int, sample: Sequence[Subject], pool: _Pool
) -> list[Callable[[], list[Change]]]:
    """Necessity of every sampled object, sufficiency of as many others."""
    seed = plan.config.seed
    others = [host for host in pool.hosts if host.subject.predicted != cls]
    strange = {host.subject.index for host in others}
    donors = {
        "same": backgrounds(sample, plan.config.fill, seed),
        "other": [one for one in pool.backgrounds if one.index in strange],
    }
    chosen = np.random.default_rng([seed, cls]).permutation(len(others))[: len(sample)]
    objects = [(NECESSITY, one, one.probability) for one in sample]
    objects += [(SUFFICIENCY, others[i].subject, float(others[i].probability[cls])) for i in chosen]
    return [
        partial(_listed, partial(swaps, one, (cls, p), test, donors, seed))
        for test, one, p in objects
    ]


def _listed(make: Callable[[], Iterator[Change]]) -> list[Change]:
    return list(make())


def _ordered(
    tasks: Sequence[Callable[[], list[Change]]], threads: ThreadPoolExecutor
) -> Iterator[list[Change]]:
    """The tasks' results in order, a few ahead of what is consumed: the pictures are large."""
    ahead = 2 * _THREADS
    waiting = [threads.submit(task) for task in tasks[:ahead]]
    for k in range(len(tasks)):
        if k + ahead < len(tasks):
            waiting.append(threads.submit(tasks[k + ahead]))
        yield waiting[k].result()
        waiting[k] = None  # type: ignore[call-overload]


def _classify(plan: Plan, views: Tensor, texts: Sequence[Mapping[str, str]] | None) -> Tensor:
    """Probabilities B×C of uint8 views B×3×H×W, given what comes with each."""
    views = views.to(plan.device)
    return probabilities(plan.classifier, plan.task, views, asked(views, texts), plan.dtype)


def _table(outcomes: list[Outcome], plan: Plan, maps: Maps) -> pa.Table:
    names = plan.task.names
    id_of = dict(zip(maps.index.tolist(), maps.sample_id, strict=True))
    rows = [
        _row(one) | {"sample_id": id_of[one.change.index], "watched_label": names[one.change.cls]}
        for one in outcomes
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema("interventions"))


def _row(outcome: Outcome) -> dict[str, object]:
    change = outcome.change
    box: list[int | None] = [None] * 4
    if change.patch is not None:
        box = mask_boxes(change.patch[None])[0].astype(int).tolist()
    return {
        "index": change.index,
        "role": change.role,
        "watched_class": change.cls,
        "test": change.test,
        "kind": change.kind,
        "attempt": change.attempt,
        "fill": change.fill or None,
        "other_index": change.other_index,
        **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)),
        "area_fraction": None if change.patch is None else float(change.patch.mean()),
        "on_other_object": change.on_other_object,
        "p_before": change.p_before,
        "p_after": outcome.p_after,
        "pred_after": outcome.pred_after,
    }
