import re
from datetime import UTC, datetime

import pytest
from defusedxml import ElementTree

from audit.gates.junit import as_junit
from audit.gates.verdict import Offender, Outcome, Row, Verdict

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
# What Ant's and Jenkins' schemas both ask of a suite and of a case, and in which order.
SUITE = {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "time"}
CASE = {"name", "classname", "time"}


def _row(outcome, name="x ≥ 1", value=0.5, sentence="x is 0.5.", offenders=(), severity="fail"):
    return Row(
        name=name,
        metric="x",
        scope="overall",
        change=False,
        severity=severity,
        side="min",
        limit=1.0,
        outcome=outcome,
        value=value,
        low=None,
        high=None,
        level=None,
        sentence=sentence,
        offenders=offenders,
    )


def _verdict(*rows):
    return Verdict(Outcome.FAIL, "p.toml", "run", "base", rows)


@pytest.fixture
def suite():
    rows = (
        _row(Outcome.PASS, "good"),
        _row(Outcome.WARN, "odd", severity="warn"),
        _row(Outcome.FAIL, "bad", offenders=(Offender(2, "fox", "fox is bad."),)),
        _row(Outcome.FAIL, "none", value=None),
    )
    root = ElementTree.fromstring(as_junit(_verdict(*rows), WHEN))
    assert root.tag == "testsuites"
    (found,) = root
    return found


def test_the_suite_has_what_readers_of_junit_ask_for(suite):
    assert set(suite.keys()) == SUITE | {"skipped"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp"))
    assert [part.tag for part in suite] == [
        "properties",
        *["testcase"] * 4,
        "system-out",
        "system-err",
    ]
    assert all(set(case.keys()) == CASE for case in suite.iter("testcase"))
    assert {p.get("name"): p.get("value") for p in suite.iter("property")} == {
        "outcome": "fail",
        "run": "run",
        "policy": "p.toml",
        "baseline": "base",
    }


def test_each_gate_is_a_case_that_ends_in_its_own_way(suite):
    ends = {case.get("name"): [part.tag for part in case] for case in suite.iter("testcase")}
    assert ends == {"good": [], "odd": ["skipped"], "bad": ["failure"], "none": ["error"]}
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert suite.find(".//skipped").get("message") == "warning: x is 0.5."
    assert suite.find(".//failure").text == "fox is bad."
    assert "FAIL  bad: x is 0.5." in suite.find("system-out").text


def test_hostile_names_stay_text(hostile):
    row = _row(Outcome.FAIL, hostile, sentence=hostile, offenders=(Offender(0, hostile, ""),))
    found = as_junit(_verdict(row), WHEN)
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", found)
    assert "\ufffe" not in found.decode()
    (case,) = ElementTree.fromstring(found).iter("testcase")
    (failure,) = case
    assert "<b>" in case.get("name")
    assert "\n" not in failure.text


def test_the_classes_of_one_gate_are_capped():
    offenders = tuple(Offender(i, f"c{i}", f"c{i} is bad.") for i in range(250))
    root = ElementTree.fromstring(as_junit(_verdict(_row(Outcome.FAIL, offenders=offenders)), WHEN))
    lines = root.find(".//failure").text.splitlines()
    assert len(lines) == 101
    assert lines[-1] == "and 150 more"
