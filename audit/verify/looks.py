"""Is a question answered by looking? The object that the answer rests on is covered, and asked for.

Three pictures a question, as S1 does it: the asked object covered; patches of its shape elsewhere
covered, off every annotated object; and, unchanged, another image. A model that looks loses its
answer with the object, and has another one for another image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.tables.sliced import Sliced, Slices
from audit.triage import ANNOTATED, LEAST_VISIBLE
from audit.verify.changes import Change
from audit.verify.choice import LEAST, Choice, Tested
from audit.verify.controls import placements
from audit.verify.fills import cover
from audit.verify.subjects import Subject

__all__ = [
    "FORWARDS",
    "ONE_TYPE",
    "TYPE",
    "choose_looks",
    "default_budget",
    "look_changes",
    "types_of",
]

#: The further column that groups questions; where a dataset has none, all are of one type.
TYPE = "question_type"
ONE_TYPE = "all questions"
_CONTROLS = 2
#: Pictures that one question gives rise to.
FORWARDS = 1 + _CONTROLS + 1
_A_TYPE = 100  # questions tested of a type, at most
_OTHERS = 200  # images that questions are asked of besides
_LARGEST = 0.8  # share of the view beyond which covering the object leaves no picture


@dataclass(frozen=True)
class _Look:
    """One question, and what every row of it has in common."""

    subject: Subject
    texts: Mapping[str, str]

    def change(self, kind: str, picture: np.ndarray, **more: object) -> Change:
        return Change(
            index=self.subject.index,
            role="sample",
            cls=self.subject.predicted,
            test="look",
            kind=kind,
            attempt=0,
            p_before=self.subject.probability,
            picture=picture,
            texts=self.texts,
            **more,  # type: ignore[arg-type]
        )


def types_of(slices: Slices, n: int) -> Sliced:
    """The type of each of ``n`` questions, in the order of the images."""
    for column in slices.columns:
        if column.name == TYPE:
            return column
    return Sliced(TYPE, (ONE_TYPE,), np.zeros(n, dtype=np.int16))


def default_budget(types: int) -> int:
    """Extra forwards: a hundred questions of each type."""
    return _A_TYPE * FORWARDS * types


def choose_looks(images: pd.DataFrame, types: Sliced, budget: int, seed: int) -> Choice:
    """A uniform sample of each type's questions within ``budget`` extra forwards, the common first.

    ``images`` (columns audit.triage.READ) are those that ``types`` is of. ``Tested.cls`` is a
    type's place in ``types.texts``. Only questions whose object shows and does not fill the view
    count, by an annotation: an estimated region knows nothing of the question. That the answer's
    map is zero, as where no part of the picture speaks for it, is no reason to leave one out.
    """
    fit = _testable(images)
    places = {k: np.flatnonzero(fit & (types.codes == k)) for k in range(len(types.texts))}
    enough = sorted(
        (k for k, rows in places.items() if len(rows) >= LEAST),
        key=lambda k: (-len(places[k]), k),
    )
    index = images["index"].to_numpy(dtype=np.int64)
    each = budget // (FORWARDS * max(len(enough), 1))
    paid = enough if each >= LEAST else enough[: budget // (FORWARDS * LEAST)]
    tested = []
    for k in paid:
        rng = np.random.default_rng([seed, k])
        n = min(len(places[k]), max(LEAST, min(each, _A_TYPE)))
        chosen = rng.choice(index[places[k]], size=n, replace=False)
        tested.append(Tested(k, np.sort(chosen), np.zeros(0, dtype=np.int64)))
    rng = np.random.default_rng([seed, len(types.texts)])
    pool = rng.choice(index[fit], size=min(_OTHERS, int(fit.sum())), replace=False)
    return Choice(tuple(tested), np.sort(pool))


def _testable(images: pd.DataFrame) -> np.ndarray:
    """Which questions can be tested: bool[N]."""
    fits = (
        images["pred_cam_status"].isin(("ok", "zero"))
        & (images["pred_region_visible_fraction"] >= LEAST_VISIBLE)
        & (images["pred_region_area_fraction"] > 0)
        & (images["pred_region_area_fraction"] <= _LARGEST)
        & (images["region_source"] == ANNOTATED)
    )
    return fits.fillna(value=False).to_numpy(dtype=bool)


def look_changes(
    subject: Subject,
    texts: Mapping[str, str],
    others: Sequence[Subject],
    fill: str,
    seed: int,
) -> Iterator[Change]:
    """Every picture that ``subject``'s question is asked of again; ``others`` are other images."""
    rng = np.random.default_rng([seed, subject.index])
    look, patch = _Look(subject, texts), subject.region & ~subject.ignore
    if patch.any():
        blocked = subject.region | subject.other | subject.ignore
        wheres = [("cover", patch)]
        wheres += [("control", one) for one in placements(patch, blocked, _CONTROLS, rng)]
        for kind, where in wheres:
            picture = cover(subject.picture, where, fill, rng)
            yield look.change(kind, picture, fill=fill, patch=where)
    if others:
        other = others[int(rng.integers(len(others)))]
        yield look.change("other_image", other.picture, other_index=other.index)
