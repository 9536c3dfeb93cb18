"""The decoy set's run, a second checkpoint's, their comparison, and a million rows, in a browser.

Everything is made as a person makes it, from nothing: the pictures are drawn, the reference model
and a hastier one are fitted, both are audited and compared.
"""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from audit.report.render import render_report
from pipelines.cli import main

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks/ is no installed package
from benchmarks.report import make_run

PLANTED = ("fish", "moon", "ring")  # classes whose train pictures mostly carry a cue

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, chromium):
    """The runs ``reference`` and ``hasty``; asked for after the browser that they are made for."""
    root = tmp_path_factory.mktemp("e2e")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert main(["run", "--run", "reference", "--workers", "0"]) == 0
        hasty = ["--output", "hasty.safetensors", "--epochs", "2", "--workers", "0"]
        assert main(["fit", *hasty]) == 0
        fitted = ["--checkpoint", "hasty.safetensors", "--run", "hasty"]
        assert main(["run", *fitted, "--no-sanity", "--workers", "0"]) == 0
        assert main(["compare", "runs/reference", "runs/hasty"]) == 0
    return root


@pytest.fixture(scope="module")
def million(folder):
    run = folder / "million"
    make_run(folder / "runs" / "reference", run, 1_000_000)
    return render_report(run)


def _focused(page, selector):
    """Press Tab until what ``selector`` names has the focus."""
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")


def _opacity(page):
    return page.locator("#lightbox canvas").evaluate("c => getComputedStyle(c).opacity")


def test_the_run_is_clicked_through(folder, visit, accessible):
    page = visit(folder / "runs" / "reference" / "report" / "index.html")
    assert page.locator("h1").inner_text()
    for planted in PLANTED:
        assert planted in page.locator("#verdicts .name").all_inner_texts()
    accessible(page)
    cell = page.locator('.matrix td:not(.right) a[href^="#case-table?true="]').first
    wanted = int(cell.inner_text())
    cell.click()
    rows = page.locator("#case-table tbody tr")
    page.wait_for_function(
        "n => document.querySelectorAll('#case-table tbody tr').length === n", arg=wanted
    )
    said = page.locator("#case-table .showing").inner_text()
    assert said.endswith(f"the run has {wanted:,} such images")
    filtered = page.evaluate("location.hash")
    assert "true=" in filtered
    assert "pred=" in filtered
    rows.first.locator("[data-open]").click()
    page.wait_for_selector("#lightbox[open] canvas")
    for key, word in (("p", "Map for"), ("t", "Map for")):
        page.keyboard.press(key)
        assert word in page.locator("#lightbox .map-note").inner_text()
    page.locator("#lightbox .opacity").fill("30")
    assert _opacity(page) == "0.3"
    accessible(page)
    opened = page.locator("#lightbox-title").inner_text()
    page.reload()
    page.wait_for_selector("#lightbox[open] canvas")
    assert page.locator("#lightbox-title").inner_text() == opened
    assert page.evaluate("location.hash").startswith(filtered)


def test_what_decides_is_shown(folder, visit):
    """A class that a patch decides has its cues, one that the background does its swaps."""
    run = folder / "runs" / "reference"
    classes = pq.read_table(run / "classes.parquet").to_pylist()
    page = visit(run / "report" / "index.html")
    found = [row for row in classes if row["verdict"] == "spurious"]
    assert {row["label"] for row in found} == set(PLANTED)
    for row in found:
        block = page.locator(f"#verdict-{row['true_class']}")
        block.scroll_into_view_if_needed()
        assert (block.locator(".cues li").count() > 0) == bool(row["local_passes"])
        swaps = block.locator(".swaps img")
        assert swaps.count() == (12 if row["background_passes"] else 0)
        for at in range(swaps.count()):
            swaps.nth(at).scroll_into_view_if_needed()
            page.wait_for_function("i => i.naturalWidth > 0", arg=swaps.nth(at).element_handle())
    assert any(row["background_passes"] for row in found)


def test_the_run_is_walked_through_by_keyboard_alone(folder, visit):
    page = visit(folder / "runs" / "reference" / "report" / "index.html")
    _focused(page, ".quad a")
    page.keyboard.press("Enter")
    _focused(page, ".case a")
    page.keyboard.press("Enter")
    page.wait_for_selector("#lightbox[open] canvas")
    first = page.locator("#lightbox-title").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#lightbox-title").inner_text() != first
    page.keyboard.press("0")
    assert page.locator("#lightbox canvas").is_visible() is False
    page.keyboard.press("p")
    assert page.locator("#lightbox canvas").is_visible()
    _focused(page, "#lightbox .opacity")
    before = float(_opacity(page))
    page.keyboard.press("ArrowLeft")
    assert float(_opacity(page)) < before
    page.keyboard.press("y")
    page.keyboard.press("Escape")
    assert page.locator("#lightbox").evaluate("d => d.open") is False
    assert page.evaluate("document.activeElement.closest('.case') !== null")


def test_the_comparison_is_clicked_through(folder, visit, accessible):
    (written,) = (folder / "compare").iterdir()
    found = json.loads((written / "comparison.json").read_text())
    page = visit(written / "report" / "index.html")
    answer = page.locator(".answer").inner_text()
    assert "The candidate is less accurate" in answer
    assert found["accuracy"]["high"] < 0
    accessible(page)
    page.locator("#regressed .case a").first.click()
    page.wait_for_selector("#lightbox[open] canvas")
    page.locator("#wipe").fill("20")
    clip = "() => getComputedStyle(document.querySelector('.layer[data-side=candidate]')).clipPath"
    assert page.evaluate(clip) == "inset(0px 0px 0px 20%)"
    page.keyboard.press("p")
    assert page.locator("#lightbox .map-note").inner_text().startswith("Maps for the predictions")
    accessible(page)
    title = page.locator("#lightbox-title").inner_text()
    page.reload()
    page.wait_for_selector("#lightbox[open] canvas")
    assert page.locator("#lightbox-title").inner_text() == title


def test_a_million_rows_load_and_filter(million, visit, accessible):
    page = visit(million)
    showing = page.locator("#case-table .showing")
    assert "the run has 1,000,000 images" in showing.inner_text()
    files = [one.stat().st_size for one in million.parent.rglob("*") if one.is_file()]
    assert million.stat().st_size <= 2e6
    assert sum(files) <= 10e6
    page.locator("#case-table [name=flag]").select_option("misclassified")
    page.locator("#case-table [name=text]").fill("7")
    matching = showing.inner_text()
    assert "that match" in matching
    page.locator("#case-table [data-open]").first.click()
    page.wait_for_selector("#lightbox[open] canvas")
    page.keyboard.press("Escape")
    accessible(page)
