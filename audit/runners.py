"""Who writes the parts: this process one after another, or actors on many machines.

Every runner calls the same two functions, ``audit_part`` and ``SecondPass.write``, so that the
tables are the same whichever runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from audit.config import RunConfig
from audit.engine import audit_part
from audit.errors import ConfigError
from audit.places import Place
from audit.plan import Plan
from audit.room import with_room
from audit.verify.parts import Progress, SecondPass, in_turn

__all__ = ["Local", "Runner", "check_engine", "open_runner"]


class Runner(Protocol):
    """Has parts written; ``progress`` is told what was done: images, then classes."""

    def audit(self, folder: Path, waiting: list[int], progress: Progress) -> Plan:
        """Have the parts ``waiting`` of the plan written to ``folder`` (the run's ``images``).

        Returns the plan that later work should take, as the device's memory allows it.
        """

    def test(
        self, second: SecondPass, folder: Path, waiting: list[int], progress: Progress
    ) -> None:
        """Have the classes ``waiting`` of ``second`` written to ``folder``."""


class Local:
    """One part after another, in this process."""

    def __init__(self, plan: Plan, place: Place, say: Callable[[str], object]) -> None:
        self._plan, self._place, self._say = plan, place, say

    def audit(self, folder: Path, waiting: list[int], progress: Progress) -> Plan:
        """Write the parts ``waiting``; ``progress`` is told after each batch."""
        for k in waiting:
            part = partial(_part, folder=folder, k=k, progress=progress)
            self._plan, _ = with_room(self._plan, part, self._say)
            self._place.keep()
        return self._plan

    def test(
        self, second: SecondPass, folder: Path, waiting: list[int], progress: Progress
    ) -> None:
        """Write the classes ``waiting``; ``progress`` is told after each."""

        def kept(n: int) -> None:
            self._place.keep()
            progress(n)

        in_turn(second, folder, waiting, kept)


def _part(plan: Plan, folder: Path, k: int, progress: Progress) -> None:
    """Audit one part; a try that ends early does not count."""
    told = []

    def tell(n: int) -> None:
        told.append(n)
        progress(n)

    try:
        audit_part(plan, folder, k, tell)
    except BaseException:
        progress(-sum(told))
        raise


def check_engine(config: RunConfig) -> None:
    """Raise ConfigError where ``--engine`` is none of ours, or needs what is not installed."""
    if config.engine not in ("local", "ray"):
        raise ConfigError(f"--engine {config.engine}: known: local, ray")
    if config.engine == "ray" and find_spec("ray") is None:
        raise ConfigError(
            "--engine ray needs ray, which is not installed: pip install 'cam-audit[ray]'"
        )


@contextmanager
def open_runner(plan: Plan, place: Place, say: Callable[[str], object]) -> Iterator[Runner]:
    """The runner that the plan's configuration names, until its work is over.

    ``place`` is where the run is written; ``say`` is told of machines that fail.
    """
    if plan.config.engine == "local":
        yield Local(plan, place, say)
        return
    from audit.machines import Machines  # noqa: PLC0415 - it imports ray

    with Machines(plan, place, say) as machines:
        yield machines
