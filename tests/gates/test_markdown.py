from dataclasses import replace

import pytest

from audit.gates.markdown import LIMIT, as_markdown, inline
from audit.gates.verdict import Offender, Outcome, Row, Verdict

ROW = Row(
    name="accuracy ≥ 0.9",
    metric="accuracy",
    scope="class",
    change=False,
    severity="fail",
    side="min",
    limit=0.9,
    outcome=Outcome.FAIL,
    value=0.775,
    low=0.5887,
    high=0.8923,
    level=1 - 0.05 / 3,
    sentence="accuracy of 'fox' is 0.775: below the limit of 0.9; 1 of 3 classes fails.",
    offenders=(Offender(2, "fox", "accuracy of 'fox' is 0.775."),),
    n_tested=3,
)
GOOD = replace(ROW, name="good", outcome=Outcome.PASS, offenders=(), scope="overall", level=None)


def _page(*rows, outcome=Outcome.FAIL):
    return as_markdown(Verdict(outcome, "gates.toml", "run", "base", rows))


def test_the_page_says_what_fails_before_what_passes():
    lines = _page(GOOD, ROW).splitlines()
    assert lines[0] == "## Release gate: FAIL"
    assert lines[2] == "Run run, policy gates.toml, against base: of 2 gates 1 failed, 1 passed."
    assert lines[4] == f"- **FAIL** accuracy ≥ 0.9: {ROW.sentence}"
    assert lines[8] == (
        "| accuracy ≥ 0.9 | ❌ fail | 0.775 (worst of 3) | 0.5887 to 0.8923 (98.33%) "
        "| ≥ 0.9 | fail |"
    )
    assert lines[9] == "| good | ✅ pass | 0.775 | – | ≥ 0.9 | fail |"
    assert len(lines) == 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://evil.example/x", "http:\u200b//evil.example/x"),
        ("www.evil.example", "www\u200b.evil.example"),
        ("@you and #7", "@\u200byou and \\#\u200b7"),
        ("$x^2$", r"\$x^2\$"),
        ("<b>|`", r"&lt;b\>\|\`"),
        ("two\nlines", "two␊lines"),
    ],
)
def test_a_name_becomes_no_markup_no_link_and_no_mention(text, said):
    assert inline(text) == said


def test_several_classes_are_listed_and_capped():
    some = tuple(Offender(i, f"c{i}", f"c{i} is bad.") for i in range(8))
    page = _page(replace(ROW, offenders=some))
    assert "\n  - c4 is bad.\n  - and 3 more classes\n" in page
    assert "c5 is bad" not in page


def test_one_of_a_kind_is_singular():
    some = tuple(Offender(i, f"c{i}", f"c{i} is bad.") for i in range(6))
    page = _page(replace(ROW, offenders=some))
    assert "policy gates.toml, against base: of 1 gate 1 failed.\n" in page
    assert "\n  - and 1 more class\n" in page
    assert "\n  - and 1 more slice\n" in _page(replace(ROW, scope="slice", offenders=some))


def test_a_change_has_its_sign():
    row = replace(ROW, change=True, value=0.0425, low=0.01059, high=0.07399, level=0.95)
    assert "| +0.0425 (worst of 3) | +0.01059 to +0.07399 (95%) | ≥ 0.9 |" in _page(row)
    row = replace(row, value=-0.01, low=-0.02, high=0)
    assert "| −0.01 (worst of 3) | −0.02 to 0 (95%) |" in _page(row)


def test_a_figure_that_does_not_exist_is_no_number():
    page = _page(replace(ROW, value=None, low=None, high=None, level=None))
    assert "| ❌ fail | none | – |" in page


def test_hostile_names_make_no_markup(hostile):
    row = replace(ROW, name=hostile, sentence=hostile, offenders=(Offender(0, hostile, hostile),))
    page = as_markdown(Verdict(Outcome.FAIL, hostile, hostile, hostile, (row,)))
    assert "<b>" not in page
    assert "@you" not in page  # a zero-width space parts the two
    assert "[x]" not in page.replace(r"\[x\]", "")
    assert "://" not in page
    assert "\x1b" not in page
    table = [line for line in page.splitlines() if line.startswith("| ")]
    assert {line.replace(r"\|", "").count("|") for line in table} == {7}
    assert len(page.splitlines()) == 9


def test_the_page_is_never_too_long():
    """A thousand gates, each with names of four bytes a character that all are escaped."""
    name = "𝔄|" * 300
    row = replace(
        ROW,
        name=name,
        sentence=name,
        offenders=tuple(Offender(i, name, name) for i in range(50)),
    )
    page = _page(*[row] * 1000)
    assert len(page.encode()) < LIMIT
    assert "more gates\n" in page
    assert "more gates are not listed; the worst come first." in page
    assert len(_page(*[replace(row, outcome=Outcome.PASS)] * 1000).encode()) < LIMIT
