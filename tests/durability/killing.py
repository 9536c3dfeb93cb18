"""Starts audits in processes of their own, to be killed, and compares what they leave."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from audit.manifest import read_manifest

HERE = Path(__file__).parent
COMMAND = (
    *("run", "--dataset", "cued:Cued", "--model", "cued:CornerNet", "--target-layer", "features"),
    *("--device", "cpu", "--batch-size", "8", "--workers", "0", "--part-size", "11"),
    *("--no-sanity", "--max-cases", "20"),
)


def command_with(*more):
    """The command with these flags too; one that it has already takes the new value."""
    command, new = list(COMMAND), list(more)
    for name in COMMAND[1::2]:
        if name in new:
            at = new.index(name)
            command[command.index(name) + 1] = new[at + 1]
            del new[at : at + 2]
    return (*command, *new)


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit code (negative: by that signal) and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def folder(self):
        """The run folder whose report it printed last."""
        return Path(self.out.strip().splitlines()[-1]).parents[1]


class Server:
    """Starts audits; each is a process of its own that has torch imported already."""

    def __init__(self, scratch):
        self._scratch, self._n, self._logs = scratch, 0, {}
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "server.py")],
            cwd=HERE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *argv, **order):
        """Start ``cam-audit`` with these arguments; its process id."""
        self._n += 1
        log = self._scratch / f"log-{self._n}"
        order |= {"do": "start", "argv": [str(one) for one in argv], "log": str(log)}
        pid = self._ask(order)["pid"]
        self._logs[pid] = log
        return pid

    def wait(self, pid):
        code = self._ask({"do": "wait", "pid": pid})["code"]
        log = self._logs.pop(pid)
        return Ended(code, *(log.with_suffix(end).read_text() for end in (".out", ".err")))

    def run(self, *argv, **order):
        return self.wait(self.start(*argv, **order))

    def run_all(self, commands, **order):
        """Run these commands to their ends, two at a time; how each ended, in order.

        Of each keyword the value is a list with one entry a command.
        """
        ended = []
        for k in range(0, len(commands), 2):
            pids = [
                self.start(*commands[i], **{name: values[i] for name, values in order.items()})
                for i in range(k, min(k + 2, len(commands)))
            ]
            ended += [self.wait(pid) for pid in pids]
        return ended

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def _ask(self, order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@dataclass(frozen=True)
class Whole:
    """What an uninterrupted run leaves, and the calls by which it did."""

    folder: Path
    calls: tuple[str, ...]


def contents(folder):
    """Every table's bytes, and the summary's, by path; the parts of a run that must be equal."""
    files = [*folder.rglob("*.parquet"), folder / "summary.json"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def names(folder):
    """Every file of a run, hidden ones included."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def assert_whole(ended, whole):
    """The run ended well, and left what an uninterrupted one leaves: no more, and no less."""
    assert ended.code == 0, ended.err
    assert names(ended.folder) == names(whole.folder)
    found, expected = contents(ended.folder), contents(whole.folder)
    assert [name for name in expected if found[name] != expected[name]] == []
    assert read_manifest(ended.folder)["status"] == "finished"
    assert (ended.folder.parent / "latest").resolve() == ended.folder.resolve()
