"""The browser's pages in a real browser: keys, filters, pictures, and nothing on the console."""

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def open_page(chromium):
    """Open an address; a message on the console, or a script's error, fails the test."""
    said, contexts = [], []

    def start(address, **options):
        context = chromium.new_context(viewport={"width": 1100, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        return page

    yield start
    for context in contexts:
        context.close()
    assert said == []


def test_with_the_keyboard_alone_from_a_filter_to_the_next_image(serving, run, open_page):
    page = open_page(f"http://127.0.0.1:{serving(run).port}/")
    page.keyboard.press("/")
    page.keyboard.type("photos")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=photos")
    assert page.locator(".showing").inner_text() == "Showing 1–5 of 5; the run has 7"
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/image/2?q=photos&at=1")
    assert page.locator("[data-map]").count() == 2
    page.keyboard.press("t")
    assert not page.locator("[data-map='true']").is_visible()
    page.keyboard.press("0")
    assert not page.locator("[data-map='pred'] .layer").is_visible()
    page.keyboard.press("b")
    assert not page.locator("[data-map='pred'] .region").is_visible()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/image/3?q=photos&at=2")
    page.keyboard.press("u")
    page.wait_for_url("**/?q=photos#image-3")
    assert page.evaluate("document.activeElement.id") == "image-3"
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.id") == "image-2"


def test_every_picture_of_an_image_is_drawn(serving, run, open_page):
    page = open_page(f"http://127.0.0.1:{serving(run).port}/image/1", color_scheme="dark")
    page.wait_for_function(
        "() => document.images.length === 5 && [...document.images].every((i) => i.naturalWidth)"
    )  # the view three times, and two maps over it
    slider = page.locator(".opacity")
    slider.fill("30")
    opacity = page.locator("[data-map='pred'] .layer").evaluate("e => getComputedStyle(e).opacity")
    assert opacity == "0.3"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_a_picture_map_and_region_are_drawn_on_grey(serving, dataset, open_page, scheme):
    address = f"http://127.0.0.1:{serving(dataset[0]).port}/image/0"
    page = open_page(address, color_scheme=scheme)
    page.wait_for_function("() => [...document.images].every((one) => one.naturalWidth)")
    view, map_ = page.locator(".pictures .stack").all()
    for stack in (view, map_):
        box = stack.bounding_box()
        assert box["height"] == pytest.approx(0.75 * box["width"], abs=1)  # as the view: 90 × 120
    drawn = cv2.imdecode(np.frombuffer(view.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    height, width, _ = drawn.shape
    left, right = (drawn[height // 2, int(at * width)].astype(int) for at in (0.25, 0.75))
    grey = np.array([115, 111, 109])  # BGR of .stack.blank
    assert np.abs(right - grey).max() <= 2
    assert (left - grey)[:2].min() > 40  # the region's cyan, over the left half
    heat = cv2.imdecode(np.frombuffer(map_.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert (heat.max(axis=2).astype(int) - heat.min(axis=2)).max() > 60  # a map in colour


def test_a_refused_file_leaves_the_console_silent(serving, dataset, open_page):
    page = open_page(f"http://127.0.0.1:{serving(*dataset).port}/image/1")
    assert page.locator(".pictures .tile").count() == 2
    said = page.locator(".pictures figcaption").first.inner_text()
    assert said == "The file below --data-root is not the one that was audited."
    assert page.locator("[data-map] .layer").bounding_box()["height"] > 100


@pytest.mark.parametrize("where", ["", "image/1"])
def test_landmarks_have_names_of_their_own(serving, run, open_page, where):
    page = open_page(f"http://127.0.0.1:{serving(run).port}/{where}")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe").Axe()
    options = {"preload": False, "runOnly": ["landmark-unique"]}
    found = axe.run(page, options=options).response
    assert [rule["id"] for rule in found["passes"]] == ["landmark-unique"]
    assert found["violations"] == []


@pytest.mark.parametrize("where", ["", "image/1"])
def test_a_narrow_window_is_not_scrolled_sideways(serving, run, open_page, where):
    page = open_page(f"http://127.0.0.1:{serving(run).port}/{where}")
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", ["", "?q=no-such-name", "image/1"])
def test_axe_finds_no_barrier(serving, run, open_page, accessible, where, scheme):
    page = open_page(f"http://127.0.0.1:{serving(run).port}/{where}", color_scheme=scheme)
    page.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    accessible(page)
    page.set_viewport_size({"width": 390, "height": 800})
    accessible(page)


def test_a_case_of_the_served_report_leads_to_its_figures(serving, run, open_page):
    from audit.report.render import render_report

    render_report(run)
    served = serving(run)
    page = open_page(f"http://127.0.0.1:{served.port}/report/")
    link = page.locator(".gallery [data-case='3'] a.figures").first
    link.click()
    page.wait_for_url("**/image/3")
    page.get_by_role("link", name="Report", exact=True).click()
    page.wait_for_url("**/report/")


def test_an_image_leads_to_its_case_in_the_report_and_back(serving, run, open_page):
    from audit.report.render import render_report

    render_report(run)
    page = open_page(f"http://127.0.0.1:{serving(run).port}/image/3")
    page.get_by_role("link", name="This case in the report").click()
    page.wait_for_url("**/report/#case-table?case=3")
    assert page.locator("#lightbox-title").inner_text() == "photos/00003.jpg"
    page.locator("#lightbox a.figures").click()
    page.wait_for_url("**/image/3")
    page.go_back()
    page.locator("#lightbox a.figures").wait_for()  # until then there is nothing to walk through
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => /4$/.test(document.querySelector('#lightbox a.figures')?.href)")
