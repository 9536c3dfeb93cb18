"""Starts ``cam-audit`` in forked children, so that torch is imported once and not for each of them.

Reads one order a line (JSON) and answers each with one line:
``{"do": "start", "argv": [...], ...}`` with ``{"pid": 1234}``, and
``{"do": "wait", "pid": 1234}`` with ``{"code": 0}``, negative where a signal ended it.
"""

import ctypes
import json
import os
import resource
import sys
import traceback

from stops import Stops

import audit.auditing  # noqa: F401 - so that no child has to import it
import pipelines.cli

_CAPABILITY_VERSION_3 = 0x20080522


def main():
    for line in sys.stdin:
        order = json.loads(line)
        answer = start(order) if order["do"] == "start" else wait(order["pid"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def start(order):
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = _run(order)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return {"pid": pid}


def wait(pid):
    return {"code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}


def _run(order):
    for number, suffix in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{order['log']}.{suffix}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if order.get("file_size"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_size"],) * 2)
    if order.get("without_privileges"):
        _drop_capabilities()
    Stops(order.get("trace"), order.get("at"), order.get("how", "before")).install()
    try:
        return pipelines.cli.main(order["argv"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _drop_capabilities():
    """Let the modes of files hold for root too."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    main()
