"""S1 and S2: is the suspect patch a cause, and does it carry the class elsewhere?

S1 covers the patch and, for comparison, patches of its shape elsewhere. S2 pastes it, at its own
place, into images that were predicted otherwise, and for comparison a patch of its shape from
elsewhere in the same picture. Each is tried with a small and with a larger patch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audit.verify.changes import Change
from audit.verify.controls import CONTROLS, placements
from audit.verify.fills import cover, feathered
from audit.verify.hot import LIMITS, hot_patch
from audit.verify.subjects import Subject

__all__ = ["FORWARDS", "HOSTS", "Host", "LocalTest", "local_changes"]

#: Images that a patch is pasted into.
HOSTS = 4
#: Pictures that one image gives rise to, with one fill and a null.
FORWARDS = len(LIMITS) * (1 + CONTROLS + 1 + 2 * HOSTS)
_MOSTLY = 0.5  # a patch lies on another object when at least half of it does


@dataclass(frozen=True)
class Host:
    """An image that is predicted otherwise, with its probability of every class (float[C])."""

    subject: Subject
    probability: np.ndarray


@dataclass(frozen=True)
class LocalTest:
    """How images are tested: by which fills, against which hosts and with which map for the null.

    ``fills`` are keys of ``audit.verify.fills.FILLS``: the patch and its controls are covered with
    each of them, the null with the first. ``stranger`` is another image of the same predicted
    class, whose map chooses the patch for the null (None: no null).
    """

    role: str  # sample or suspect
    fills: tuple[str, ...]
    hosts: Sequence[Host]
    stranger: Subject | None
    seed: int


@dataclass(frozen=True)
class _Try:
    """One patch of one image, with its controls."""

    subject: Subject
    how: LocalTest
    attempt: int
    patch: np.ndarray  # H×W bool
    controls: list[np.ndarray]
    rng: np.random.Generator

    def change(self, test: str, kind: str, **more: object) -> Change:
        """A row of this image and attempt."""
        known = {"attempt": self.attempt, "p_before": self.subject.probability}
        return _row(self.subject, self.how.role, test, kind, **(known | more))


def local_changes(subject: Subject, how: LocalTest) -> Iterator[Change]:
    """Every covering and pasting of one image."""
    for attempt, limit in enumerate(LIMITS, start=1):
        rng = np.random.default_rng([how.seed, subject.index, attempt])
        patch = hot_patch(subject.heat, subject.outside, limit)
        if patch is None:
            yield _row(subject, how.role, "S1", "nothing_outside", attempt=attempt)
            continue
        controls = placements(patch, subject.region | subject.ignore, CONTROLS, rng)
        if len(controls) < CONTROLS:
            yield _row(subject, how.role, "S1", "untestable", attempt=attempt, patch=patch)
            continue
        tried = _Try(subject, how, attempt, patch, controls, rng)
        yield from _covers(tried)
        yield from _pastes(tried)
        yield from _null(tried, limit)


def _row(subject: Subject, role: str, test: str, kind: str, **more: object) -> Change:
    return Change(
        index=subject.index,
        role=role,
        cls=subject.predicted,
        test=test,
        kind=kind,
        **more,  # type: ignore[arg-type]
    )


def _covers(tried: _Try) -> Iterator[Change]:
    subject, patch = tried.subject, tried.patch
    on_other = bool((patch & subject.other).sum() >= _MOSTLY * patch.sum())
    for fill in tried.how.fills:
        for kind, where in [("cover", patch), *(("control", one) for one in tried.controls)]:
            yield tried.change(
                "S1",
                kind,
                fill=fill,
                patch=where,
                on_other_object=on_other and kind == "cover",
                picture=cover(subject.picture, where, fill, tried.rng),
            )


def _pastes(tried: _Try) -> Iterator[Change]:
    """The patch and the controls in turn, each into hosts whose region both leave alone."""
    subject, pairs = tried.subject, 0
    for place in tried.rng.permutation(len(tried.how.hosts)):
        host = tried.how.hosts[place]
        control = tried.controls[pairs % len(tried.controls)]
        if (host.subject.region & (tried.patch | control)).any():
            continue
        for kind, where in (("paste", tried.patch), ("control", control)):
            yield tried.change(
                "S2",
                kind,
                other_index=host.subject.index,
                patch=where,
                p_before=float(host.probability[subject.predicted]),
                picture=_pasted(subject.picture, where, host.subject.picture),
            )
        pairs += 1
        if pairs == HOSTS:
            return


def _null(tried: _Try, limit: float) -> Iterator[Change]:
    """A patch chosen in the same way by a map that saw another image."""
    subject, stranger, fill = tried.subject, tried.how.stranger, tried.how.fills[0]
    patch = None if stranger is None else hot_patch(stranger.heat, subject.outside, limit)
    if stranger is None or patch is None:
        return
    yield tried.change(
        "S1-null",
        "cover",
        fill=fill,
        other_index=stranger.index,
        patch=patch,
        picture=cover(subject.picture, patch, fill, tried.rng),
    )


def _pasted(source: np.ndarray, patch: np.ndarray, host: np.ndarray) -> np.ndarray:
    alpha = feathered(patch)[:, :, None]
    mixed = host + (source.astype(np.float32) - host) * alpha
    return np.asarray(np.rint(mixed), dtype=np.uint8)
