"""Where a run is written: a folder, or an object store by way of a working copy."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from audit.errors import AuditError, ConfigError, IncompleteError
from audit.manifest import FILE, check_same, locked, open_run
from audit.plan import Plan
from audit.tables.store import Store, WorkingCopy, url_of

__all__ = ["Place", "open_place"]


@dataclass(frozen=True)
class Place:
    """A run's folder here, and the same run as every machine finds it."""

    folder: Path
    copy: WorkingCopy | None = None  # None: the folder itself is the run

    @property
    def home(self) -> str:
        """The run's folder or URL."""
        return str(self.folder.absolute()) if self.copy is None else self.copy.store.url

    def keep(self) -> None:
        """See that all that is committed in the folder is in the run."""
        if self.copy is not None:
            self.copy.keep()

    def fetch(self, name: str) -> None:
        """See that a file that another machine committed to the run is in the folder."""
        if self.copy is not None:
            self.copy.fetch(name)


@contextmanager
def open_place(plan: Plan) -> Iterator[tuple[Place, bool]]:
    """The run of ``plan`` in ``--runs-dir``, and whether it goes on; a local folder is locked.

    Raises as ``audit.manifest.open_run`` and ``locked`` do, and IncompleteError where an object
    store fails. A working copy lasts as long as this.
    """
    url = url_of(plan.config.runs_dir)
    if url is None:
        folder, resumed = open_run(plan, Path(plan.config.runs_dir))
        with locked(folder):
            check_same(folder, plan)  # before the lock another process may have put a run there
            yield Place(folder), resumed
        return
    with tempfile.TemporaryDirectory(prefix="cam-audit-") as scratch, _explained(scratch, url):
        runs = Path(scratch)
        copy, resumed = _opened(plan, Store(url), runs)
        yield Place(copy.folder, copy), resumed


def _opened(plan: Plan, store: Store, runs: Path) -> tuple[WorkingCopy, bool]:
    """A working copy below ``runs``, of an earlier run of the plan or of a new one."""
    try:
        _fetch_manifests(plan, store, runs)
        while True:
            folder, resumed = open_run(plan, runs)
            copy = WorkingCopy(folder, store.below(folder.name))
            if resumed or copy.claim():
                break
            copy.fetch(FILE)  # another process was first: its run is taken up if it is the same
    except IncompleteError as error:
        raise ConfigError(str(error)) from error
    if resumed:
        copy.fetch_all()
    return copy, resumed


def _fetch_manifests(plan: Plan, store: Store, runs: Path) -> None:
    """Get the manifests among which ``open_run`` looks for the plan's run.

    Raises ConfigError where a name is taken by what is no run, or by one that ``--fresh`` would
    have to move.
    """
    named = plan.config.run
    for name in [named] if named is not None else store.folders():
        # Before the manifest: another writer's puts are then never taken for a stranger's files.
        taken = named is not None and bool(store.below(name).names())
        found = store.below(name).get(FILE, runs / name / FILE)
        if named is None:
            continue
        if found and plan.config.fresh:
            raise ConfigError(
                f"--fresh: {store.url}/{name} exists, and an object store cannot move it aside at "
                "once: choose another --run"
            )
        if taken and not found:
            raise ConfigError(
                f"{store.url}/{name} exists and is no run folder (no {FILE}): choose another --run"
            )


@contextmanager
def _explained(scratch: str, url: str) -> Iterator[None]:
    """Say of an error that names the working copy what that is."""
    try:
        yield
    except AuditError as error:
        if scratch not in str(error):
            raise
        raise type(error)(f"{error} ({scratch} is the working copy of {url})") from error
