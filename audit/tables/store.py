"""Run folders on an object store: a working copy here, whole objects there.

A store has neither renames nor locks, but a put is whole or not at all. So everything is written to
a working copy by ``audit.tables.parts`` as on any disk, and each file that was committed there is
put as one object, whose name is then the record for every other machine. Two writers of one plan
put equal content; a part that is there already is not put again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from audit.errors import AuditError, ConfigError, DataError, IncompleteError

__all__ = ["MANIFEST", "Store", "WorkingCopy", "local_only", "url_of"]

MANIFEST = "manifest.json"
_URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)")
_NEW = "images/"  # parts of which one that is whole is never replaced by another writer's first


def url_of(place: str | Path) -> str | None:
    """The URL of ``place`` on an object store; None where it is a local path.

    A path that swallowed a slash (``s3:/bucket``) is understood too.
    """
    match = _URL.fullmatch(str(place))
    if match is None or match[1] in ("file", "local"):
        return None
    return f"{match[1]}://{match[2].rstrip('/')}"


def local_only(run: Path) -> Path:
    """``run``, for what reads a run folder from a disk.

    Raises DataError for one on an object store, saying how to copy it.
    """
    url = url_of(run)
    if url is None:
        return run
    name = url.rpartition("/")[2]
    how = f"aws s3 cp --recursive {url} {name}" if url.startswith("s3:") else "its own tool"
    raise DataError(
        f"{url} lies on an object store, and this reads a folder: copy it here first ({how}), then "
        f"name the copy: {name}"
    )


class Store:
    """The objects below one URL, by their names relative to it. Credentials are the store's own.

    Raises ConfigError where the URL's protocol is unknown or its package is missing; every method
    raises IncompleteError where the store does not answer.
    """

    def __init__(self, url: str) -> None:
        import fsspec  # noqa: PLC0415 - readers of local folders need none of it

        self.url = url
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            extra = ": pip install 'cam-audit[s3]'" if url.startswith("s3:") else ""
            raise ConfigError(f"--runs-dir {url}: {error}{extra}") from error

    def below(self, name: str) -> Store:
        """The store of what lies below ``name``."""
        return Store(f"{self.url}/{name}")

    def names(self) -> list[str]:
        """The names of all objects, ascending."""
        with self._answering():
            try:
                found = self._fs.find(self._root)
            except FileNotFoundError:
                return []
        start = len(self._root.lstrip("/")) + 1
        return sorted(path.lstrip("/")[start:] for path in found)

    def folders(self) -> list[str]:
        """The names right below the URL that hold objects."""
        with self._answering():
            try:
                found = self._fs.ls(self._root, detail=True)
            except FileNotFoundError:
                return []
        return sorted(
            one["name"].rstrip("/").rpartition("/")[2] for one in found if one["type"] != "file"
        )

    def get(self, name: str, file: Path) -> bool:
        """Write object ``name`` to ``file``; False where there is none."""
        with self._answering():
            try:
                data = self._fs.cat_file(f"{self._root}/{name}")
            except FileNotFoundError:
                return False
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return True

    def put(self, name: str, file: Path) -> None:
        """Put ``file`` as object ``name``, whole or not at all."""
        with self._answering():
            self._fs.pipe_file(f"{self._root}/{name}", file.read_bytes())

    def put_new(self, name: str, file: Path) -> bool:
        """Put ``file`` as ``name`` unless there is such an object; whether it was put.

        At once where the store can (S3's If-None-Match), else by a look before.
        """
        path = f"{self._root}/{name}"
        with self._answering():
            try:
                self._fs.pipe_file(path, file.read_bytes(), mode="create")
            except Exception:
                if self._fs.exists(path):
                    return False
                self._fs.pipe_file(path, file.read_bytes())
        return True

    def remove(self, name: str) -> None:
        """Remove object ``name``, where there is one."""
        with self._answering():
            try:
                self._fs.rm_file(f"{self._root}/{name}")
            except FileNotFoundError:
                return

    def footer(self, name: str) -> pq.FileMetaData | None:
        """The footer of Parquet object ``name``; None where it is broken."""
        with self._answering(), self._fs.open(f"{self._root}/{name}", "rb") as stream:
            try:
                return pq.read_metadata(stream)
            except pa.ArrowException:
                return None

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except AuditError:
            raise
        except Exception as error:  # every store has exceptions of its own
            said = " ".join(str(error).split()) or type(error).__name__
            raise IncompleteError(
                f"{self.url} does not do what is asked: {said}. What was finished is kept; mend "
                "it, and run the same command again to go on"
            ) from error


class WorkingCopy:
    """A local ``folder`` whose committed files are kept in ``store``."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store = folder, store
        self._known: dict[str, tuple[int, int, int]] = {}

    def fetch(self, name: str) -> None:
        """Get one file that another machine has put."""
        if self.store.get(name, self.folder / name):
            self._known[name] = _state(self.folder / name)

    def fetch_all(self) -> None:
        """Get what the run has in the store; its report is made anew anyway."""
        for name in self.store.names():
            if not name.startswith("report"):
                self.fetch(name)

    def claim(self) -> bool:
        """Put the manifest first of all; False where another process did."""
        claimed = self.store.put_new(MANIFEST, self.folder / MANIFEST)
        if claimed:
            self._known[MANIFEST] = _state(self.folder / MANIFEST)
        return claimed

    def keep(self) -> None:
        """Put every file that is new or another, the manifest last; remove what is gone."""
        names = sorted(self._files(), key=lambda name: (name == MANIFEST, name))
        for name in names:
            state = _state(self.folder / name)
            if self._known.get(name) != state:
                self._put(name)
                self._known[name] = state
        for name in set(self._known) - set(names):
            self.store.remove(name)
            del self._known[name]

    def drop(self) -> None:
        """Forget and remove every file here; in the store they stay."""
        for name in self._files():
            (self.folder / name).unlink()
        self._known = {}

    def _put(self, name: str) -> None:
        file = self.folder / name
        if name.startswith(_NEW) and name not in self._known:
            if self.store.put_new(name, file):
                return
            theirs = self.store.footer(name)
            if theirs is not None and _holds(theirs, pq.read_metadata(file)):
                return  # another writer's, of the same plan
        self.store.put(name, file)

    def _files(self) -> list[str]:
        """The names of the files that are committed: none that is, or lies in, a hidden one."""
        paths = (path.relative_to(self.folder) for path in self.folder.rglob("*"))
        return [
            path.as_posix()
            for path in paths
            if not any(part.startswith(".") for part in path.parts)
            and (self.folder / path).is_file()
        ]


def _holds(theirs: pq.FileMetaData, ours: pq.FileMetaData) -> bool:
    """Whether a part says of itself what ours does, and perhaps that it is finished."""
    said = {key: value for key, value in ours.metadata.items() if key != b"ARROW:schema"}
    return theirs.num_rows == ours.num_rows and (theirs.metadata or {}).items() >= said.items()


def _state(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
