"""The files of a report: their figures, their escaping, their size."""

import json
import os
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from audit.errors import DataError
from audit.report.render import render_report

SCRIPT = "<script>alert(1)</script>"
VOID = {"meta", "link", "img", "input"}


class Page(HTMLParser):
    """Checks that elements nest, and keeps the text and the attributes."""

    def __init__(self, path):
        super().__init__()
        self.open, self.text, self.tags = [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(" ".join(data.split()))

    def words(self):
        return " ".join(part for part in self.text if part)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def data_of(index):
    script = (index.parent / "assets/cases.js").read_text(encoding="utf-8")
    return json.loads(script.removeprefix("window.camAudit = ").removesuffix(";\n"))


def test_the_first_screen_says_how_many_how_accurate_and_where_it_looks(run):
    words = Page(render_report(run)).words()
    assert "1,240 images audited. The model is right on 90.0% of those with a label." in words
    assert "In the median image 52% of its heat lies on the object" in words
    assert "14.0% of the 1,000 that could be judged are off the object" in words
    assert "95% interval 88.2–91.6% (Wilson), on 1,200 labelled images" in words


def test_off_object_is_a_suspicion_and_nothing_is_called_spurious(run):
    words = Page(render_report(run)).words()
    assert "It is triage: a suspicion" in words
    assert "spurious" not in words.lower().replace("spurious, verified", "")


def test_every_link_within_the_page_has_its_place(run):
    page = Page(render_report(run))
    places = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    links = {attrs["href"] for attrs in page.all("a") if attrs["href"].startswith("#")}
    assert {"#right-off", "#right-on", "#wrong-off", "#wrong-other"} <= links
    assert {link[1:].split("?")[0] for link in links} <= places


def test_every_file_that_the_page_names_is_there(run):
    index = render_report(run)
    page = Page(index)
    names = [attrs["src"] for tag in ("img", "script") for attrs in page.all(tag)]
    names += [attrs["href"] for attrs in page.all("link")]
    missing = {name for name in names if name and not (index.parent / name).is_file()}
    assert missing == set()
    assert (index.parent / "assets/images/3.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_nothing_is_loaded_from_elsewhere(run):
    index = render_report(run)
    for path in (index, *(index.parent / "assets").glob("*.*s")):
        text = path.read_text(encoding="utf-8")
        assert "https:" not in text
        assert text.replace("http://www.w3.org/2000/svg", "").find("http:") == -1


def test_hostile_names_are_text_everywhere(run):
    index = render_report(run)
    page = Page(index)
    scripts = [f"assets/{name}.js" for name in ("cases", "view", "report", "marks", "table")]
    assert [attrs["src"] for attrs in page.all("script")] == scripts
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert not any("style" in attrs for _, attrs in page.tags)
    words = page.words()
    for shown in (
        SCRIPT,  # a class, a path, a reason, a warning, an example
        'the "quoted" dog',
        "two␊lines",
        f"{SCRIPT}.jpg: truncated",
        f"a warning about {SCRIPT}",
        f"Confused with {SCRIPT}",
        f'"{SCRIPT}"␊.jpg',
    ):
        assert shown in words


def test_hostile_names_cannot_end_the_data_script(run):
    index = render_report(run)
    assert "<" not in (index.parent / "assets/cases.js").read_text(encoding="utf-8")
    assert data_of(index)["cases"]["1"]["true"]["name"] == SCRIPT


def test_nulls_are_words(run):
    words = Page(render_report(run)).words()
    assert "not available" in words
    assert "None" not in words.replace("None of", "")
    assert "nan" not in words.split()


def test_a_run_without_labels_regions_and_cases_still_has_a_page(tmp_path, write_run):
    nothing = {"accuracy": None, "attention": None, "two_by_two": None, "galleries": {}}
    run = write_run(
        tmp_path / "run", [], [], summary=nothing | {"problems": []}, manifest={"warnings": []}
    )
    words = Page(render_report(run)).words()
    assert "There are no labels, so accuracy is not available." in words
    assert "whether it looks at them is not available" in words
    assert "This run kept no cases." in words


def test_a_sample_says_that_it_is_one(tmp_path, write_run):
    dataset = {"name": "shapes", "classes": ["a"], "n": 8000}
    run = write_run(tmp_path / "run", manifest={"dataset": dataset})
    assert "1,240 of the data set’s 8,000 images audited." in Page(render_report(run)).words()


@pytest.mark.parametrize("status", ["audited", "finished"])
def test_a_run_with_all_its_tables_needs_no_notice(tmp_path, write_run, status):
    run = write_run(tmp_path / "run", manifest={"status": status})
    assert "This run is marked" not in Page(render_report(run)).words()


def test_an_unfinished_run_says_so(tmp_path, write_run):
    run = write_run(tmp_path / "run", manifest={"status": "running"})
    assert "This run is marked “running”." in Page(render_report(run)).words()


def test_many_cases_stay_within_bounds(tmp_path, write_run, case, class_row):
    one = case(0, 0, 1, on=False, galleries=["misclassified", "off_object", "control"])
    names = {"path": "x" * 500, "reason": "y" * 500, "true_label": "é" * 200}
    cases = [one | names | {"index": at} for at in range(2000)]
    run = write_run(tmp_path / "run", cases, [class_row(at) for at in range(1000)])
    index = render_report(run)
    assert index.stat().st_size < 2_000_000
    assert (index.parent / "assets/cases.js").stat().st_size < 4_000_000
    assert "Showing 30 of 2,000" in Page(index).words()


def test_a_second_report_replaces_the_first(run):
    index = render_report(run)
    (index.parent / "stale.txt").write_text("old")
    assert render_report(run) == index == run / "report/index.html"
    assert not (index.parent / "stale.txt").exists()
    assert not list(run.glob(".report-*"))


def test_a_report_that_fails_leaves_the_first_as_it_was(run):
    index = render_report(run)
    before = index.read_bytes()
    (run / "summary.json").unlink()
    with pytest.raises(DataError):
        render_report(run)
    assert index.read_bytes() == before
    assert not list(run.glob(".report-*"))


def test_only_the_run_folder_is_read(run, tmp_path):
    moved = tmp_path / "elsewhere" / "run"
    moved.parent.mkdir()
    run.rename(moved)
    assert render_report(moved).is_file()


def test_rendering_never_imports_torch():
    code = (
        "import sys, audit.report.render; "
        "sys.exit(any(name.split('.')[0] == 'torch' for name in sys.modules))"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )


def test_a_class_that_was_found_stands_on_the_first_screen_and_leads_to_its_block(found):
    page = Page(render_report(found))
    words = page.words()
    assert "1 of 2 tested classes" in words
    assert "Found to decide by something beside its object." in words
    assert "decides by a patch at the top left in 12 of 30 tested images" in words
    places = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    hrefs = {attrs["href"] for attrs in page.all("a") if attrs["href"].startswith("#")}
    links = {href[1:].split("?")[0] for href in hrefs}
    assert {"verdict-1", "verified", "local-cause", "verdicts"} <= links <= places
    assert "That was done for samples of the tested classes" in words
    assert "How often these tests raise a false alarm was not measured" in words


def test_every_file_of_a_tested_run_is_there(found):
    index = render_report(found)
    page = Page(index)
    names = {attrs["src"] for attrs in page.all("img") if attrs["src"]}
    assert {"assets/cues/1-0.png", "assets/images/12-covered.jpg"} <= names
    assert {"assets/swaps/1-0-other.jpg", "assets/swaps/1-1-same.jpg"} <= names
    assert all((index.parent / name).is_file() for name in names)
    assert data_of(index)["shelves"]["verdict-1-cases"] == [12, 10]
    assert data_of(index)["cases"]["12"]["patch"] == ["95.5", "71.5", "24.0", "18.0"]


def test_hostile_names_are_text_among_the_verdicts(found):
    page = Page(render_report(found))
    scripts = [f"assets/{name}.js" for name in ("cases", "view", "report", "marks", "table")]
    assert [attrs["src"] for attrs in page.all("script")] == scripts
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert not any("style" in attrs for _, attrs in page.tags)
    assert f"{SCRIPT} decides by a patch" in page.words()


def test_on_estimated_regions_nothing_is_called_spurious(
    tmp_path, write_run, judged_row, case, verdicts
):
    verified = case(0, 0, 0, on=False, galleries=["verified"], spurious_verified=True)
    run = write_run(
        tmp_path / "run",
        [verified],
        [judged_row(0, ("local",), verdict_estimated=True), judged_row(1)],
        summary={"verdicts": verdicts(estimated_regions=True)},
    )
    words = Page(render_report(run)).words()
    assert "Warning: a cause outside the estimated region may decide." in words
    assert "warning: cause outside the estimated region" in words
    assert "The regions are estimated" in words.replace(" ,", ",")
    assert "spurious" not in words.split("Manifest")[0].lower()


@pytest.mark.parametrize(
    ("more", "headline"),
    [
        ({"has_regions": False, "estimated_regions": True}, "nothing says where the objects are"),
        ({"budget": 0}, "the run was given no budget for it"),
        ({}, "no class was tested"),
    ],
)
def test_where_nothing_was_tested_the_page_says_so(tmp_path, write_run, verdicts, more, headline):
    untested = verdicts(**{"counts": {"not_tested": 4}} | more)
    run = write_run(tmp_path / "run", summary={"verdicts": untested})
    page = Page(render_report(run))
    assert headline in page.words()
    assert "This run did not do so." in page.words()
    assert "#verdicts" not in {attrs["href"] for attrs in page.all("a")}
    assert "spurious" not in page.words().lower()
