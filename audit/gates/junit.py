"""A verdict as JUnit XML: one test case a gate.

JUnit knows no warning. A gate that warns is a skipped case, which CI shows without failing; a
figure that does not exist is an error, and a limit that is not kept a failure.
"""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree as ET

from audit.gates.verdict import Outcome, Row, Verdict
from audit.gates.words import lines, plain

__all__ = ["as_junit"]

_SUITE = "cam-audit.gate"
_LONGEST = 2000  # characters of one message
_MOST_OFFENDERS = 100


def as_junit(verdict: Verdict, when: datetime) -> bytes:
    """The XML, in UTF-8; ``when`` (UTC) is its time stamp."""
    kinds = [_kind(row) for row in verdict.rows]
    counts = {name: kinds.count(kind) for name, kind in _COUNTED.items()}
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": _SUITE,
            "package": _SUITE,
            "id": "0",
            "timestamp": f"{when:%Y-%m-%dT%H:%M:%S}",
            "hostname": "localhost",
            "tests": str(len(verdict.rows)),
            **{name: str(count) for name, count in counts.items()},
            "time": "0",
        },
    )
    _properties(suite, verdict)
    for row, kind in zip(verdict.rows, kinds, strict=True):
        _case(suite, row, kind)
    ET.SubElement(suite, "system-out").text = "\n".join(lines(verdict))
    ET.SubElement(suite, "system-err")
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _kind(row: Row) -> str | None:
    """The element that tells how a case ended; None: it passed."""
    if row.outcome is Outcome.PASS:
        return None
    if row.outcome is Outcome.WARN:
        return "skipped"
    return "error" if row.value is None else "failure"


def _properties(suite: ET.Element, verdict: Verdict) -> None:
    found = ET.SubElement(suite, "properties")
    told = {
        "outcome": verdict.outcome.value,
        "run": verdict.run,
        "policy": verdict.policy,
        "baseline": verdict.baseline,
    }
    for name, value in told.items():
        if value is not None:
            ET.SubElement(found, "property", {"name": name, "value": plain(value, _LONGEST)})


def _case(suite: ET.Element, row: Row, kind: str | None) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {"classname": _SUITE, "name": plain(row.name, _LONGEST), "time": "0"},
    )
    if kind is None:
        return
    sentence = plain(row.sentence, _LONGEST)
    message = f"warning: {sentence}" if kind == "skipped" else sentence
    element = ET.SubElement(case, kind, {"message": message, "type": row.severity})
    element.text = "\n".join(_lines(row))


def _lines(row: Row) -> list[str]:
    shown = [plain(one.said or one.label, _LONGEST) for one in row.offenders[:_MOST_OFFENDERS]]
    more = len(row.offenders) - len(shown)
    return [*shown, f"and {more} more"] if more > 0 else shown or [plain(row.sentence, _LONGEST)]
