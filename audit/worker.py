"""What runs on one device of one machine: its own plan, then parts as they are asked for.

Nothing here knows what asks; what is returned is small, for the results are files.
"""

from __future__ import annotations

import atexit
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audit.config import RunConfig
from audit.engine import audit_part
from audit.errors import ConfigError
from audit.manifest import package_versions
from audit.plan import Plan, make_plan
from audit.room import with_room
from audit.tables.store import Store, WorkingCopy, url_of
from audit.verify.choice import Choice
from audit.verify.maps import Maps
from audit.verify.parts import SecondPass

__all__ = ["Done", "Ready", "Worker"]


@dataclass(frozen=True)
class Ready:
    """What a worker says of itself before it is given work."""

    machine: str
    fingerprint: dict[str, str]
    versions: dict[str, str | None]


@dataclass(frozen=True)
class Done:
    """What a worker says of a part: how many images or classes it held, and what happened."""

    n: int
    notes: tuple[str, ...]


class Worker:
    """One device. ``home`` is the run's folder or URL, ``cwd`` where the head of the run works."""

    def __init__(self, config: RunConfig, home: str, cwd: str) -> None:
        self._config, self._cwd = config, Path(cwd)
        self._copy = _copy_of(home)
        self._folder = Path(home) if self._copy is None else self._copy.folder
        self._plan: Plan | None = None
        self._second: SecondPass | None = None

    def prepare(self) -> Ready:
        """Make the plan from the configuration, in the head's working folder.

        Raises ConfigError where this machine lacks a folder, and what ``make_plan`` raises.
        """
        for folder in (self._cwd, self._folder):
            if not folder.is_dir():
                raise ConfigError(
                    f"it has no folder {folder}: every machine needs the same folders, on shared "
                    "storage"
                )
        os.chdir(self._cwd)  # relative paths and the user's modules are found as on the head
        self._plan = make_plan(self._config)
        return Ready(platform.node(), dict(self._plan.fingerprint), package_versions())

    def audit(self, k: int) -> Done:
        """Write part ``k`` of the images."""
        folder = self._folder / "images"
        notes = self._with_room(lambda plan: audit_part(plan, folder, k))
        return Done(len(self._made().part(k)), notes)

    def test(self, k: int, choice: Choice, maps: Maps) -> Done:
        """Write the interventions of the ``k``-th chosen class."""
        folder = self._folder / "interventions"
        return Done(
            1, self._with_room(lambda plan: self._pass(plan, choice, maps).write(folder, k))
        )

    def _pass(self, plan: Plan, choice: Choice, maps: Maps) -> SecondPass:
        """The second pass by ``plan``, whose pool is read once."""
        if self._second is None or self._second.plan is not plan:
            self._second = SecondPass(plan, choice, maps)
        return self._second

    def _with_room(self, write: Callable[[Plan], None]) -> tuple[str, ...]:
        """Write by the plan as the device's memory allows it; returns what a person should know."""
        notes: list[str] = []
        self._plan, _ = with_room(self._made(), write, notes.append)
        if self._copy is not None:  # what is put to the store is not kept here
            self._copy.keep()
            self._copy.drop()
        return tuple(notes)

    def _made(self) -> Plan:
        if self._plan is None:
            raise RuntimeError("prepare() comes first")
        return self._plan


def _copy_of(home: str) -> WorkingCopy | None:
    if url_of(home) is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="cam-audit-worker-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return WorkingCopy(folder, Store(home))
