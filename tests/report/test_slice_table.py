"""The table of slices and where its rows lead, in figures worked out by hand."""

import pytest

from audit.gates.policy import Gate, Policy
from audit.gates.summary_evidence import evidence_of
from audit.report.load import read_run
from audit.report.render import render_report
from audit.report.ruling import judged, ruling
from audit.report.slice_table import MAX_SLICES, slice_places, slice_table
from audit.report.text import NOT_AVAILABLE

SCRIPT = "<script>alert(1)</script>"


def slice_row(name, value, k=45, n=50, **more):
    return {
        "slice": name,
        "value": value,
        "n_images": n,
        "n": n,
        "n_correct": k,
        "accuracy": k / n if n else None,
        "accuracy_low": 0.786 if n else None,
        "accuracy_high": 0.957 if n else None,
        "n_scored": n,
        "median_mass": 0.52,
        "median_lift": 3.25,
        "median_area": 0.16,
        "median_center_baseline": 0.31,
        "median_permuted_baseline": 0.27,
        "off_object_rate": 0.125,
    } | more


SLICES = (
    slice_row("camera", "north"),
    slice_row("camera", "so & so", k=20, accuracy_low=0.276, accuracy_high=0.538),
    slice_row(SCRIPT, "", n=0, n_images=3, median_mass=None, off_object_rate=None),
)
ABOUT = {
    "columns": [
        {"name": "camera", "values": 2, "without": 0},
        {"name": SCRIPT, "values": 1, "without": 97},
    ],
    "left_out": [{"name": "id", "why": "more than 1,000 values"}],
}


@pytest.fixture
def sliced(tmp_path, write_run, cases):
    """Every case but the last is of a camera, every other one of the north."""
    shown = [
        one | {"slices": [("camera", "so & so" if at % 2 else "north"), ("id", str(at))]}
        for at, one in enumerate(cases[:-1])
    ]
    return write_run(
        tmp_path / "run", [*shown, cases[-1]], slices=SLICES, summary={"slices": ABOUT}
    )


def test_values_stand_below_their_column_after_all_images(sliced):
    run = read_run(sliced)
    table = slice_table(run.slices, run.summary, run.cases)
    assert [(one["name"], len(one["rows"])) for one in table["columns"]] == [
        ("camera", 2),
        (SCRIPT, 1),
    ]
    assert (table["whole"]["n"], table["whole"]["accuracy"]) == ("1,240", "90.0%")
    assert table["whole"]["unanswered"] == "1,200"
    north, south = table["columns"][0]["rows"]
    assert (north["n"], north["accuracy"], north["interval"]) == ("50", "90.0%", "78.6–95.7%")
    assert (north["off"], north["lift"], north["unanswered"]) == ("12.5%", "3.25×", "")
    assert south["strip"] == {"low": "27.60%", "high": "53.80%", "dot": "40.00%"}
    assert south["link"] == "case-table?slice=camera+%3D+so+%26+so"
    assert table["notes"] == [
        f"Images without a value: {SCRIPT} (97).",
        "Left out, more than 1,000 values: 1 column: id.",
    ]


def test_what_no_image_has_is_not_available_and_no_link(sliced):
    run = read_run(sliced)
    (row,) = slice_table(run.slices, run.summary, run.cases)["columns"][1]["rows"]
    assert (row["value"], row["link"], row["unanswered"]) == ("(empty)", "", "0")
    assert {row[name] for name in ("accuracy", "interval", "mass", "off")} == {NOT_AVAILABLE}


def test_of_very_many_those_that_can_be_least_accurate_are_kept_in_their_order(summary):
    rows = [slice_row("a", str(at), accuracy_high=(at * 7 % 1000) / 1000) for at in range(1000)]
    table = slice_table(rows, summary(), ())
    (column,) = table["columns"]
    kept = [int(row["value"]) for row in column["rows"]]
    assert len(kept) == MAX_SLICES
    assert kept == sorted(kept)
    assert {at * 7 % 1000 for at in kept} == set(range(MAX_SLICES))
    assert (table["capped"], table["shown"], table["total"]) == (True, "200", "1,000")
    assert slice_places(rows)[kept[0]] == column["rows"][0]["id"]


def test_a_gate_on_slices_leads_to_their_rows(summary):
    policy = Policy("p", (Gate("accuracy", "min", 0.6, scope="slice", min_n=10),))
    verdict = judged(policy, evidence_of(summary(), (), SLICES), "run")
    told = ruling(policy, verdict, {"slice": slice_places(SLICES)}, ())
    (row,) = told["rows"]
    assert row["offenders"] == [{"name": "camera = so & so", "place": "slice-1"}]
    assert row["left_out"] == f"1 slice with too few images left out: {SCRIPT} = ."


def test_a_run_without_further_columns_has_no_section(run):
    assert 'id="slices"' not in render_report(run).read_text()


def test_names_are_text(sliced):
    page = render_report(sliced).read_text()
    assert SCRIPT not in page
    assert 'id="slice-2"' in page


@pytest.mark.browser
def test_a_value_filters_the_cases_and_a_case_says_its_slices(visit, sliced):
    page = visit(render_report(sliced))
    page.locator("#slice-1 a").click()
    page.wait_for_function("() => document.querySelectorAll('#case-table tbody tr').length === 3")
    select = page.locator("[name=slice]")
    assert select.input_value() == "camera = so & so"
    assert select.locator("optgroup").get_attribute("label") == "camera"
    assert select.locator("option").all_inner_texts() == [
        "any",
        "camera = north",
        "camera = so & so",
    ]
    page.locator("#case-table tbody a").first.click()
    assert page.locator("#lightbox [data-f=slices]").inner_text() == "camera = so & so"
    page.locator("[data-do=close]").click()
    page.locator("[data-do=reset]").click()
    assert page.locator("#case-table tbody tr").count() == 7
