"""The classes that images are judged by, and how a model's outputs become their scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from audit.errors import ModelError, nearest
from audit.models.class_map import ClassMap
from audit.models.output_names import OutputNames, folded

__all__ = ["LabelSpace", "match_labels"]

Groups = tuple[tuple[int, ...], ...]

_NEVER = -1e30  # the score of an answer that no output gives


@dataclass(frozen=True)
class LabelSpace:
    """C entries: the dataset's classes in their order, then the outputs that none of them claims.

    ``groups`` holds, for each entry, the model outputs it is made of. ``how`` says by what the
    classes were matched: ``class map …``, ``name``, ``WordNet id`` or ``index``.
    """

    names: tuple[str, ...]  # C
    n_classes: int  # the entries before this one are the dataset's classes
    groups: Groups  # C; an empty one: an answer that the model cannot give
    n_outputs: int  # M
    how: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def scores(self, logits: Tensor) -> Tensor:
        """Turn logits B×M into scores B×C: the log-sum-exp of each entry's logits.

        A softmax over the scores then gives an entry the sum of its outputs' probabilities
        (renormalised where outputs were dropped). Differentiable; an entry of one output keeps its
        logit exactly, and one of none is so low that its probability is 0.
        """
        plan = _plan(self.groups, self.n_outputs, logits.device)
        if plan is None:
            return logits
        if () in self.groups:
            logits = F.pad(logits, (0, 1), value=_NEVER)
        scores = logits.index_select(1, plan.first)
        if plan.merged is None:
            return scores
        members = logits[:, plan.merged.members].masked_fill(plan.merged.padding, -torch.inf)
        return scores.index_copy(1, plan.merged.entries, members.logsumexp(dim=-1))


def match_labels(
    classes: Sequence[str],
    outputs: Sequence[str] | None,
    wnids: Sequence[str] | None,
    n_outputs: int,
    class_map: ClassMap | None = None,
    *,
    closed_set: bool = False,
    answers: bool = False,
) -> LabelSpace:
    """Match a dataset's ``classes`` to a model's ``n_outputs`` outputs.

    By the class map if given; else by the outputs' names or WordNet ids (case, spaces, hyphens and
    underscores do not count); else, for a model without names, by index where the counts agree.
    Outputs that no class claims stay possible as wrong answers, unless ``closed_set`` or the class
    map drops them. A dataset without classes gets the model's outputs as they are. Of ``answers``
    to questions, which are free, some may be none of the model's outputs: it never gives them.

    Raises
    ------
    ModelError
        Where a class has no output, several possible ones, or one that another class claims too.
    """
    known = OutputNames(n_outputs, outputs, wnids)
    if class_map is not None:
        groups, how, notes = _by_map(classes, known, class_map)
        closed_set = closed_set or class_map.closed_set
    elif known.named:
        groups, how, notes = _by_name(classes, known, lacking=answers)
    else:
        groups, how, notes = _by_index(classes, n_outputs)
    _refuse_shared(classes, groups, known)
    return _completed(classes, groups, known, how, notes, drop=closed_set and bool(classes))


class _Matched(NamedTuple):
    groups: list[tuple[int, ...]]
    how: str
    notes: tuple[str, ...]


def _by_map(classes: Sequence[str], known: OutputNames, class_map: ClassMap) -> _Matched:
    keys = {folded(key): key for key in class_map.classes}
    chosen = [name if name in class_map.classes else keys.get(folded(name)) for name in classes]
    _refuse_incomplete(classes, chosen, class_map)
    source = f"class map {class_map.source}"
    groups = []
    for key in filter(None, chosen):
        group = tuple(known.find(said, source) for said in class_map.classes[key])
        known.check_names(group, class_map.names.get(key, ()), source)
        groups.append(group)
    notes = tuple(f"{name}: {text}" for name, text in class_map.notes.items())
    return _Matched(groups, source, notes)


def _refuse_incomplete(
    classes: Sequence[str], chosen: Sequence[str | None], class_map: ClassMap
) -> None:
    missing = [name for name, key in zip(classes, chosen, strict=True) if key is None]
    if missing:
        raise ModelError(
            f"class map {class_map.source} has no entry for {_some(missing)};"
            f" {nearest(missing[0], class_map.classes)}"
        )
    extra = [key for key in class_map.classes if key not in chosen]
    if extra:
        raise ModelError(
            f"class map {class_map.source} has entries for {_some(extra)}, which the dataset does"
            f" not hold; {nearest(extra[0], classes)}"
        )


def _by_name(classes: Sequence[str], known: OutputNames, *, lacking: bool) -> _Matched:
    found = [known.lookup(name) for name in classes]
    missing = [name for name, hits in zip(classes, found, strict=True) if not hits]
    if missing and not (lacking and len(missing) < len(classes)):
        raise ModelError(_unmatched(classes, missing, known))
    for name, hits in zip(classes, found, strict=True):
        if len(hits) > 1:
            raise ModelError(
                f"dataset class {name!r} may be any of the model's outputs"
                f" {_some([known.labels[hit] for hit in hits])}; say which with --class-map"
            )
    by_id = bool(classes) and all(known.is_wnid(name) for name in classes)
    groups = [tuple(hits[:1]) for hits in found]
    return _Matched(groups, "WordNet id" if by_id else "name", _never(missing))


def _never(missing: Sequence[str]) -> tuple[str, ...]:
    if not missing:
        return ()
    return (
        f"{len(missing)} answers are none of the model's outputs, it is wrong where they are true: "
        f"{_some(missing)}",
    )


def _unmatched(classes: Sequence[str], missing: Sequence[str], known: OutputNames) -> str:
    if len(classes) == known.n_outputs:
        pairs = [(name, known.labels[i]) for i, name in enumerate(classes) if name in missing]
        told = "; ".join(f"class {name!r} beside output {label!r}" for name, label in pairs[:3])
        return (
            f"the dataset's {len(classes)} classes and the model's outputs are equally many, but"
            f" {len(missing)} have different names ({told}); say which is which with --class-map"
        )
    return (
        f"no model output is called {_some(missing)} ({len(missing)} of {len(classes)} dataset"
        f" classes); {nearest(missing[0], known.labels)} (--class-map names outputs for classes)"
    )


def _by_index(classes: Sequence[str], n_outputs: int) -> _Matched:
    if classes and len(classes) != n_outputs:
        raise ModelError(
            f"the dataset has {len(classes)} classes, the model {n_outputs} outputs without names:"
            " say which output is which with --class-map"
        )
    note = "the model's outputs have no names: the i-th class was taken to be its i-th output"
    return _Matched([(i,) for i in range(len(classes))], "index", (note,) if classes else ())


def _refuse_shared(
    classes: Sequence[str], groups: Sequence[tuple[int, ...]], known: OutputNames
) -> None:
    claims = Counter(output for group in groups for output in group)
    for output, count in claims.items():
        if count > 1:
            owners = [name for name, group in zip(classes, groups, strict=True) if output in group]
            raise ModelError(
                f"model output {known.labels[output]!r} is claimed {count} times, by"
                f" {_some(owners)}; an output belongs to one class, once"
            )


def _completed(
    classes: Sequence[str],
    groups: list[tuple[int, ...]],
    known: OutputNames,
    how: str,
    notes: tuple[str, ...],
    *,
    drop: bool,
) -> LabelSpace:
    claimed = {output for group in groups for output in group}
    others = [output for output in range(known.n_outputs) if output not in claimed]
    if drop and others:
        notes += (f"closed set: {len(others)} outputs that no class claims are dropped",)
        others = []
    return LabelSpace(
        names=(*classes, *(known.labels[output] for output in others)),
        n_classes=len(classes),
        groups=(*groups, *((output,) for output in others)),
        n_outputs=known.n_outputs,
        how=how,
        notes=notes,
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004


class _Merged(NamedTuple):
    entries: Tensor  # int64[n]: the entries of several outputs
    members: Tensor  # int64[n×G]: their outputs, padded by repetition
    padding: Tensor  # bool[n×G]


class _Plan(NamedTuple):
    first: Tensor  # int64[C]: the first output of each entry
    merged: _Merged | None


@lru_cache(maxsize=8)
def _plan(groups: Groups, n_outputs: int, device: torch.device) -> _Plan | None:
    """Indices for ``scores`` on ``device``; None where scores are the logits themselves."""
    if groups == tuple((output,) for output in range(n_outputs)):
        return None
    # Outside inference mode, because an inference tensor cannot be saved for a backward pass.
    with torch.inference_mode(mode=False):
        first = torch.tensor([(*group, n_outputs)[0] for group in groups], device=device)
        return _Plan(first, _merged(groups, device))


def _merged(groups: Groups, device: torch.device) -> _Merged | None:
    several = {entry: group for entry, group in enumerate(groups) if len(group) > 1}
    if not several:
        return None
    longest = max(map(len, several.values()))
    members = [group + group[:1] * (longest - len(group)) for group in several.values()]
    padding = [[i >= len(group) for i in range(longest)] for group in several.values()]
    return _Merged(
        torch.tensor(list(several), device=device),
        torch.tensor(members, device=device),
        torch.tensor(padding, device=device),
    )
