"""The browser's pages in a real browser: keys, filters, pictures, and nothing on the console."""

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
    page.wait_for_url("**/?q=photos")


def test_every_picture_of_an_image_is_drawn(serving, run, open_page):
    page = open_page(f"http://127.0.0.1:{serving(run).port}/image/1", color_scheme="dark")
    page.wait_for_function(
        "[...document.images].length === 5 && [...document.images].every((i) => i.naturalWidth)"
    )  # the view three times, and two maps over it
    slider = page.locator(".opacity")
    slider.fill("30")
    opacity = page.locator("[data-map='pred'] .layer").evaluate("e => getComputedStyle(e).opacity")
    assert opacity == "0.3"


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
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => /4$/.test(document.querySelector('#lightbox a.figures').href)")
