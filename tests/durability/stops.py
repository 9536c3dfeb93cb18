"""Stops a process at a commit point: wraps the calls by which files become final.

Installed in the process to be killed, so that the program itself needs no hook for it.
"""

import os
import signal
import stat
from pathlib import Path

CALLS = ("fsync", "replace", "rename", "link", "symlink")


class Stops:
    """Counts the calls that commit something, lists them, and ends the process at one of them.

    ``how`` is ``before`` (the call is not made), ``torn`` (half of the file to be synced is there),
    or ``paused`` (it stops before the call, until it is told to continue). The list holds one line
    a call: its name, f or d for file or folder, and the paths.
    """

    def __init__(self, trace=None, at=None, how="before"):
        self._trace, self._at, self._how, self._n = trace, at, how, 0

    def install(self):
        for name in CALLS:
            setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name, call):
        def wrapped(*args, **kwargs):
            self._reached(name, args)
            return call(*args, **kwargs)

        return wrapped

    def _reached(self, name, args):
        if self._n == self._at:
            if self._how == "torn":
                # By its path: the program may have opened it for reading only.
                path = _path_of(args[0])
                os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGSTOP if self._how == "paused" else signal.SIGKILL)
        self._n += 1
        if self._trace is not None:
            with Path(self._trace).open("a") as stream:
                stream.write(_line(name, args) + "\n")


def _line(name, args):
    if name != "fsync":
        return f"{name} - {os.fspath(args[0])} {os.fspath(args[1])}"
    kind = "d" if stat.S_ISDIR(os.fstat(args[0]).st_mode) else "f"
    return f"fsync {kind} {_path_of(args[0])}"


def _path_of(handle):
    return Path(f"/proc/self/fd/{handle}").readlink()
