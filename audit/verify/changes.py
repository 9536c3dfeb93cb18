"""One changed picture and what the model said of it: the rows of ``interventions``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch
from torch import Tensor

__all__ = ["Change", "Outcome", "classified"]

#: Probabilities B×C of uint8 views B×3×H×W, given what comes with each.
Classify = Callable[[Tensor, Sequence[Mapping[str, str]]], Tensor]


@dataclass(frozen=True)
class Change:
    """A picture that was changed in one place, to be classified again; a row before its outcome.

    ``picture`` is None where nothing could be changed: then ``kind`` says why.
    """

    index: int  # the image under test
    role: str  # sample or suspect
    cls: int  # the class whose probability is watched
    test: str  # S1, S1-null, S2, B-check, B-necessity, B-sufficiency, look
    kind: str
    attempt: int  # 1 or 2: which of LIMITS; 0: not a patch
    fill: str = ""
    other_index: int | None = None
    patch: np.ndarray | None = None  # H×W bool: what was changed
    on_other_object: bool = False
    p_before: float | None = None
    picture: np.ndarray | None = None  # H×W×3 uint8
    texts: Mapping[str, str] = field(default_factory=dict)  # what comes with it: its question


@dataclass(frozen=True)
class Outcome:
    """A change and what the model made of it."""

    change: Change
    p_after: float | None = None
    pred_after: int | None = None


def classified(changes: Iterable[Change], classify: Classify, batch_size: int) -> Iterator[Outcome]:
    """Classify the changed pictures, in order, ``batch_size`` at a time."""
    waiting = iter(changes)
    while group := list(islice(waiting, batch_size)):
        shown = [change for change in group if change.picture is not None]
        found = iter(_outcomes(shown, classify))
        yield from (Outcome(change) if change.picture is None else next(found) for change in group)


def _outcomes(changes: list[Change], classify: Classify) -> list[Outcome]:
    if not changes:
        return []
    pictures = np.stack([change.picture for change in changes if change.picture is not None])
    views = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
    probability = classify(views, [change.texts for change in changes])
    classes = torch.tensor([change.cls for change in changes], device=probability.device)
    after = probability.gather(1, classes[:, None])[:, 0].tolist()
    predicted = probability.argmax(dim=1).tolist()
    return [
        Outcome(change, p, best) for change, p, best in zip(changes, after, predicted, strict=True)
    ]
