"""Parts on many machines by Ray: an actor for each device, a part at a time, retried elsewhere.

The head hands out numbers of parts and gets a few bytes back; what the actors make are files in the
run folder. A machine may be lost, and another may come, while a run is under way.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeAlias

from audit.errors import AuditError, ConfigError, IncompleteError
from audit.manifest import package_versions
from audit.places import Place
from audit.plan import Plan
from audit.tables.parts import part_path
from audit.verify.parts import SecondPass
from audit.worker import Ready, Worker

__all__ = ["Machines"]

#: How often a part may fail with its worker, and a device may fail to start.
_TRIES = 4
_TICK = 1.0  # s between looks at which machines there are
_QUIET = 60.0  # s without a worker after which the wait is explained

_Progress: TypeAlias = Callable[[int], object]
_Ask: TypeAlias = Callable[[Any, int], Any]


@dataclass(frozen=True)
class _Slot:
    """One device of the cluster."""

    node: str
    number: int  # on that machine
    machine: str  # its address


@dataclass(frozen=True)
class _Hired:
    """One actor, and the device it has."""

    actor: Any
    slot: _Slot


class Machines:
    """The devices of a Ray cluster as a runner (``audit.runners.Runner``); for ``with``.

    ``place`` is where the run is written, ``say`` is told of machines that fail. Joins the cluster
    that runs here or that RAY_ADDRESS names, else starts Ray on this machine.
    """

    def __init__(self, plan: Plan, place: Place, say: Callable[[str], object]) -> None:
        self._plan, self._place = plan, place
        self._crew = _Crew(plan, place.home, say)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        with _undisturbed():
            self._crew.close()

    def audit(self, folder: Path, waiting: list[int], progress: _Progress) -> Plan:
        """Have the parts ``waiting`` written to ``folder``, which is the run's ``images``."""
        self._each(folder, waiting, lambda actor, k: actor.audit.remote(k), progress)
        return self._plan

    def test(
        self,
        second: SecondPass,
        folder: Path,
        waiting: list[int],
        progress: _Progress,
    ) -> None:
        """Have the classes ``waiting`` of ``second`` written to ``folder``."""
        ray = self._crew.ray
        choice, maps = ray.put(second.choice), ray.put(second.maps)
        self._each(folder, waiting, lambda actor, k: actor.test.remote(k, choice, maps), progress)

    def _each(self, folder: Path, waiting: list[int], ask: _Ask, progress: _Progress) -> None:
        """Ask for every part of ``waiting`` until all are done.

        Raises what a worker raises of ours, IncompleteError where a part fails again and again.
        """
        queue, tries = deque(waiting), Counter[int]()
        busy: dict[Any, tuple[_Hired, int]] = {}
        while queue or busy:
            while queue and self._crew.idle:
                hired, k = self._crew.idle.pop(), queue.popleft()
                busy[ask(hired.actor, k)] = hired, k
            for ref in self._crew.wait(list(busy)):
                hired, k = busy.pop(ref)
                done, error = self._crew.result(ref)
                if error is None:
                    self._crew.idle.append(hired)
                    self._place.fetch(f"{folder.name}/{part_path(folder, k).name}")
                    progress(done.n)
                    self._crew.tell(hired, done.notes)
                    continue
                self._crew.lose(hired, f"part {k}", error)
                tries[k] += 1
                if tries[k] == _TRIES:
                    raise IncompleteError(
                        f"part {k} failed {_TRIES} times, at last on {hired.slot.machine}: "
                        f"{error}. What was finished is kept; the same command goes on"
                    )
                queue.append(k)


class _Crew:
    """The actors: one on each device that is there, started when first needed."""

    def __init__(self, plan: Plan, home: str, say: Callable[[str], object]) -> None:
        config = replace(plan.config, device=plan.device.type)  # Ray shows an actor its own GPU
        self._arguments = config, home, str(Path.cwd())
        self._plan, self._kind, self._say = plan, plan.device.type, say
        self._ours = False  # whether Ray was joined or started here
        self._hired: dict[_Slot, _Hired] = {}
        self._starting: dict[Any, _Hired] = {}
        self._failed: Counter[_Slot] = Counter()
        self._told: set[str] = set()
        self._looked = self._worked = time.monotonic()
        self.idle: list[_Hired] = []

    @cached_property
    def ray(self) -> Any:
        """The ray module, part of a cluster; its own handlers of signals are not taken over."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        with _signals_kept():
            import ray  # noqa: PLC0415 - an extra, and it takes a second

            self._ours = not ray.is_initialized()
            if self._ours:
                ray.init(log_to_driver=False, logging_level=logging.ERROR)
        self._looked = -_TICK
        return ray

    def wait(self, asked: list[Any]) -> list[Any]:
        """Which of ``asked`` came back within a second; actors come and go meanwhile."""
        self._hire()
        waited = [*asked, *self._starting]
        if waited:
            ready, _ = self.ray.wait(waited, num_returns=1, timeout=_TICK)
        else:
            ready = []
            time.sleep(_TICK)
        for ref in [ref for ref in ready if ref in self._starting]:
            self._welcome(ref)
            ready.remove(ref)
        self._explain(bool(asked or self.idle))
        return list(ready)

    def result(self, ref: Any) -> tuple[Any, str | None]:
        """What ``ref`` brought, or in one line why it failed; an error of ours is raised."""
        errors = self.ray.exceptions
        try:
            return self.ray.get(ref), None
        except errors.RayTaskError as error:
            if isinstance(error.cause, AuditError):
                raise error.cause from None
            return None, f"{type(error.cause).__name__}: {error.cause}"
        except errors.RayError as error:
            return None, str(error).splitlines()[0]

    def tell(self, hired: _Hired, notes: tuple[str, ...]) -> None:
        """Say what happened on a machine."""
        for note in notes:
            self._say(f"note: {hired.slot.machine}: {note}")

    def lose(self, hired: _Hired, doing: str, why: str) -> None:
        """Let a failed actor go; its device gets another one while it is there."""
        self._say(f"note: {doing} failed on {hired.slot.machine} and is tried again: {why}")
        self._dismiss(hired)

    def close(self) -> None:
        """End every actor, and Ray where it was started here."""
        for hired in list(self._hired.values()):
            self._dismiss(hired)
        if self._ours:
            self.ray.shutdown()

    def _dismiss(self, hired: _Hired) -> None:
        del self._hired[hired.slot]
        self.ray.kill(hired.actor)

    def _hire(self) -> None:
        """Start an actor on every device without one, at most once a second."""
        if time.monotonic() - self._looked < _TICK:
            return
        self._looked = time.monotonic()
        there = dict(_devices([node for node in self.ray.nodes() if node["Alive"]], self._kind))
        for slot, share in there.items():
            if slot not in self._hired and self._failed[slot] < _TRIES:
                self._start(slot, share)
        if there and all(self._failed[slot] == _TRIES for slot in there):
            raise IncompleteError(
                f"on every machine of the Ray cluster a worker failed {_TRIES} times to start"
            )

    def _start(self, slot: _Slot, share: dict[str, float]) -> None:
        strategies = self.ray.util.scheduling_strategies
        here = strategies.NodeAffinitySchedulingStrategy(slot.node, soft=False)
        kind = self.ray.remote(Worker).options(scheduling_strategy=here, **share)
        hired = _Hired(kind.remote(*self._arguments), slot)
        self._hired[slot] = hired
        self._starting[hired.actor.prepare.remote()] = hired

    def _welcome(self, ref: Any) -> None:
        """Take up an actor that has made its plan; raises ConfigError where it is another."""
        hired = self._starting.pop(ref)
        try:
            ready, why = self.result(ref)
        except AuditError as error:
            raise type(error)(f"machine {hired.slot.machine}: {error}") from error
        if why is not None:
            self._failed[hired.slot] += 1
            self.lose(hired, "the start", why)
            return
        self._check(ready)
        self._failed[hired.slot] = 0
        self.idle.append(hired)

    def _check(self, ready: Ready) -> None:
        different = self._plan.differs(ready.fingerprint)
        if different:
            raise ConfigError(
                f"machine {ready.machine} would audit another plan: its {', '.join(different)} "
                "differ from this machine's; every machine needs the same files and packages"
            )
        here = package_versions()
        for name in here:
            line = f"note: {name} is {ready.versions[name]} on {ready.machine}, {here[name]} here"
            if ready.versions[name] != here[name] and line not in self._told:
                self._told.add(line)
                self._say(line)

    def _explain(self, working: bool) -> None:
        """Say once why nothing happens: no device is free."""
        if working:
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked > _QUIET:
            self._worked = time.monotonic()
            self._say(
                "note: waiting: no machine of the Ray cluster has a free device of the kind "
                f"{self._kind} (`ray status` says what there is)"
            )


def _devices(nodes: list[dict[str, Any]], kind: str) -> Iterator[tuple[_Slot, dict[str, float]]]:
    """Every machine's devices, each with its share of it: its GPUs, or all CPUs as one device."""
    for node in nodes:
        resources = node["Resources"]
        cpus = int(resources.get("CPU", 0))
        n = int(resources.get("GPU", 0)) if kind == "cuda" else min(cpus, 1)
        for i in range(n):
            slot = _Slot(node["NodeID"], i, node["NodeManagerAddress"])
            yield slot, {"num_cpus": cpus // n, "num_gpus": float(kind == "cuda")}


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Put back the handlers of signals that are there now."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Nothing interrupts what is done here: an interrupt that came before ends in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
