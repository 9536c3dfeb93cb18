"""The page in a browser, opened from the disk: what it paints, what it lets a person do."""

import base64

import cv2
import numpy as np
import pytest

from audit.report.render import render_report

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit, run):
    return visit(render_report(run))


def pixels(canvas):
    """A canvas read back as H×W×4 uint8 (it holds no file's pixels, so the page may read it)."""
    size = canvas.evaluate("c => [c.height, c.width]")
    coded = canvas.evaluate(
        "c => btoa(Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data,"
        " v => String.fromCharCode(v)).join(''))"
    )
    return np.frombuffer(base64.b64decode(coded), np.uint8).reshape(*size, 4)


def shown_map(page, gallery, case, kind="true"):
    card = page.locator(f'#{gallery} [data-case="{case}"]')
    card.scroll_into_view_if_needed()  # maps are made when their card comes near
    canvas = card.locator(f'canvas[data-kind="{kind}"]')
    page.wait_for_function("c => c.width > 0", arg=canvas.element_handle())
    return canvas


def test_a_map_is_coloured_as_the_scores_enlarge_it(page, case):
    canvas = shown_map(page, "right-on", 3)
    painted = pixels(canvas)
    grid = np.array(case(3, 3, 3, on=True, galleries=[])["pred_cam"], np.float32).reshape(6, 8)
    # OpenCV's linear resize has half-pixel centres and clamps, as U does; its inferno is the peer
    value = cv2.resize(grid, (120, 90), interpolation=cv2.INTER_LINEAR)
    inferno = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)
    wanted = inferno[np.round(value).astype(int), 0, ::-1].astype(int)
    assert painted.shape == (90, 120, 4)
    opaque = value >= 160  # below, the canvas stores colours multiplied by their opacity
    assert opaque.sum() > 100
    assert np.abs(painted[..., :3].astype(int) - wanted)[opaque].max() <= 4
    assert np.abs(painted[..., 3] - 255 * np.minimum(1, value / 160)).max() <= 1.01


def test_both_maps_are_painted_where_the_answer_is_wrong(page):
    true = pixels(shown_map(page, "wrong-off", 1, "true"))
    predicted = pixels(shown_map(page, "wrong-off", 1, "predicted"))
    assert true[..., 3].max() == predicted[..., 3].max() == 255
    assert (true != predicted).any()


def test_heat_is_on_the_screen_over_the_image(page):
    canvas = shown_map(page, "right-on", 3)
    stack = canvas.locator("xpath=..")
    with_heat = stack.screenshot()
    page.keyboard.press("0")
    without = stack.screenshot()
    first, second = (
        cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR).astype(int)
        for shot in (with_heat, without)
    )
    assert np.abs(first - second).max() > 60


def test_a_map_that_does_not_exist_says_why(page):
    tile = page.locator('#control [data-case="6"] .heat')
    page.locator('#control [data-case="6"]').scroll_into_view_if_needed()
    tile.wait_for()
    assert tile.locator("canvas").count() == 0
    assert "No positive evidence" in tile.inner_text()


def test_the_outline_lies_on_the_object(page):
    box = page.locator('#right-on [data-case="3"] .region path').last
    mask_box = box.evaluate("p => { const b = p.getBBox(); return [b.x, b.y, b.width, b.height] }")
    x, y, width, height = mask_box
    assert 0 <= x < x + width < 120
    assert 0 <= y < y + height < 90
    assert width > 30


def test_keys_hide_and_show(page):
    for key, name in (("0", "heat"), ("b", "region")):
        button = page.locator(f'.toolbar [data-toggle="{name}"]')
        page.keyboard.press(key)
        assert button.get_attribute("aria-pressed") == "false"
        page.keyboard.press(key)
        assert button.get_attribute("aria-pressed") == "true"
    page.keyboard.press("b")
    svg = page.locator('#right-off [data-case="0"] svg').first
    assert svg.evaluate("e => getComputedStyle(e).visibility") == "hidden"


def test_the_slider_sets_the_opacity(page):
    canvas = shown_map(page, "right-off", 0)
    page.locator(".toolbar .opacity").fill("40")
    assert canvas.evaluate("c => getComputedStyle(c).opacity") == "0.4"
    assert page.locator("#lightbox .opacity").input_value() == "40"


def test_a_case_is_enlarged_by_keyboard_alone(page):
    page.locator('#wrong-off [data-case="1"] a').focus()
    page.keyboard.press("Enter")
    box = page.locator("#lightbox")
    assert box.evaluate("d => d.open") is True
    assert page.locator("#lightbox-title").inner_text() == '"<script>alert(1)</script>"␊.jpg'
    page.keyboard.press("p")
    assert box.locator(".map-note").inner_text() == 'Map for the "quoted" dog'
    page.keyboard.press("t")
    assert box.locator(".map-note").inner_text() == "Map for <script>alert(1)</script>"
    assert pixels(box.locator("canvas"))[..., 3].max() == 255
    page.keyboard.press("0")
    assert box.locator("canvas").is_visible() is False
    page.keyboard.press("Escape")
    assert box.evaluate("d => d.open") is False
    assert page.evaluate("document.activeElement.closest('.case').dataset.case") == "1"


def test_arrows_walk_a_gallery(page):
    page.locator('#wrong-other [data-case="2"] .tiles').click()
    title = page.locator("#lightbox-title")
    assert title.inner_text() == "photos/00002.jpg"
    page.keyboard.press("ArrowRight")
    assert title.inner_text() == "photos/00005.jpg"
    assert page.locator('[data-do="next"]').is_disabled()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert title.inner_text() == "photos/00002.jpg"


def test_a_cell_of_the_two_by_two_leads_to_its_gallery(page):
    page.locator(".quad .wrong_off a").click()
    page.wait_for_function(
        "() => { const t = document.getElementById('wrong-off').getBoundingClientRect().top;"
        " return t >= 0 && t < 300 }"
    )


@pytest.fixture
def many(tmp_path, write_run, case, visit):
    """64 cases, the last of them first among the right ones: a card of either making."""
    cases = [
        case(at, 1, 2 if at % 3 else 1, on=False, galleries=["off_object", "control"], severity=at)
        for at in range(64)
    ]
    cases[63] |= {"region_area_fraction": None, "path": "<b>bold</b>\n", "true_mass_lift": None}
    return visit(render_report(write_run(tmp_path / "run", cases)))


def test_more_cases_come_in_portions(many):
    gallery = many.locator("#control")
    more = gallery.locator("[data-more]")
    assert gallery.locator(".showing").inner_text() == "Showing 30 of 1,240; this report holds 64"
    more.click()
    assert gallery.locator(".shown").inner_text() == "60"
    more.click()
    assert gallery.locator(".case").count() == 64
    assert more.is_visible() is False


def test_a_card_of_the_script_is_the_card_of_the_template(many):
    for _ in range(2):
        many.locator("#control [data-more]").click()
    made, written = (
        many.locator(f'#{gallery} [data-case="63"]').evaluate(
            """card => {
              card.querySelectorAll(".heat").forEach((tile) => tile.remove());
              card.querySelectorAll("[hidden]").forEach((row) => (row.textContent = ""));
              return [
                card.className, card.dataset.case, card.querySelector(".tiles").dataset.tiles,
                card.querySelector("a").href, card.querySelector("img").alt,
                card.querySelector("img").width, card.querySelector("svg").outerHTML,
                card.textContent.replace(/\\s+/g, " "), card.querySelectorAll(".na").length,
              ];
            }"""
        )
        for gallery in ("control", "right-off")
    )
    assert made == written
    assert "<b>bold</b>␊" in made[7]
    assert made[8] == 2


def test_what_covering_did_is_shown_beside_the_map(found, visit):
    page = visit(render_report(found))
    card = page.locator('#verified [data-case="12"]')
    card.scroll_into_view_if_needed()
    card.locator(".heat").wait_for()
    assert [text.strip() for text in card.locator("figcaption").all_inner_texts()] == [
        "Image",
        "Map for <script>alert(1)</script>",
        "Patch covered",
    ]
    boxes = card.locator("figure:not(.covered) .region rect")
    assert boxes.count() == 4  # two strokes on the image, two on the map
    assert "0.750 → 0.125" in card.inner_text()


def test_the_covered_picture_is_enlarged_by_its_key(found, visit):
    page = visit(render_report(found))
    page.locator('#verdict-1-cases [data-case="12"] a').focus()
    page.keyboard.press("Enter")
    box = page.locator("#lightbox")
    shown = box.locator(".stage img")
    assert shown.get_attribute("src") == "assets/images/12.jpg"
    page.keyboard.press("c")
    assert shown.get_attribute("src") == "assets/images/12-covered.jpg"
    assert box.locator(".map-note").inner_text() == "The marked patch is covered."
    assert box.locator("canvas").is_visible() is False
    page.keyboard.press("ArrowRight")
    assert shown.get_attribute("src") == "assets/images/10-covered.jpg"
    page.keyboard.press("t")
    assert shown.get_attribute("src") == "assets/images/10.jpg"


def test_without_a_covered_picture_there_is_no_button_for_it(page):
    page.locator('#right-on [data-case="3"] .tiles').click()
    assert page.locator('[data-map="covered"]').is_visible() is False
    page.keyboard.press("c")
    assert page.locator(".map-note").inner_text().startswith("Map for")


def test_a_verdict_leads_to_its_block(found, visit):
    page = visit(render_report(found))
    page.locator(".told a").first.click()
    page.wait_for_function(
        "() => { const t = document.getElementById('verdict-1').getBoundingClientRect().top;"
        " return t >= 0 && t < 300 }"
    )


def test_without_script_images_and_figures_are_there(run, visit):
    page = visit(render_report(run), java_script_enabled=False)
    card = page.locator('#wrong-off [data-case="1"]')
    card.scroll_into_view_if_needed()
    assert "50.0%" in card.inner_text()
    image = card.locator("img").first
    assert image.bounding_box()["width"] > 100
    assert page.locator(".toolbar").is_visible() is False
    assert "script, which is not running" in page.locator("#cases").inner_text()


def test_what_someone_injects_does_not_run(run, visit, chromium):
    index = render_report(run)
    hostile = index.read_text(encoding="utf-8").replace(
        "</main>",
        "<script>window.owned = 1</script><img src=x onerror='window.owned = 2'>"
        "<script src='data:text/javascript,window.owned=3'></script></main>",
    )
    index.write_text(hostile, encoding="utf-8")
    context = chromium.new_context()  # not through visit: the console must complain here
    page = context.new_page()
    page.goto(index.as_uri())
    assert page.evaluate("window.owned") is None
    assert page.evaluate("document.documentElement.className") == "js"
    context.close()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(run, found, visit, width):
    for folder in (run, found):
        page = visit(render_report(folder))
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_paper_is_light_and_without_controls(found, visit):
    page = visit(render_report(found), width=718, color_scheme="dark")  # A4 within its margins
    page.emulate_media(media="print", color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    for control in (".toolbar", ".table-controls", ".pager", ".more", ".masthead nav"):
        assert page.locator(control).first.is_visible() is False
    wide = page.locator("main > section:not(#classes)")  # which lies across a page of its own
    assert wide.evaluate_all("all => Math.max(...all.map((one) => one.scrollWidth))") <= 718


def test_a_narrow_screen_shows_each_gates_outcome(run, visit):
    page = visit(render_report(run), width=390)
    places = page.evaluate(
        """[...document.querySelectorAll(".gates .word")].map((word) => {
          const text = document.createRange();
          text.selectNodeContents(word.lastChild);
          return [text.getBoundingClientRect().left, text.getBoundingClientRect().right];
        })"""
    )
    assert len(places) > 1
    assert all(0 < left < right < 390 for left, right in places)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_light_and_dark(run, visit, scheme):
    page = visit(render_report(run), color_scheme=scheme)
    colours = page.evaluate(
        "() => { const s = getComputedStyle(document.documentElement);"
        " return ['paper','ink','soft','accent','suspect','wrong','sunken','suspect-wash',"
        "'wrong-wash'].map(n => [n, s.getPropertyValue('--' + n).trim()]) }"
    )
    found = dict(colours)
    pairs = [("ink", "paper"), ("soft", "paper"), ("soft", "sunken"), ("accent", "paper")]
    pairs += [
        ("suspect", "suspect-wash"),
        ("suspect", "paper"),
        ("wrong", "wrong-wash"),
        ("wrong", "paper"),
    ]
    assert min(contrast(found[text], found[ground]) for text, ground in pairs) >= 4.5


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("single_file", [False, True])
def test_axe_finds_no_barrier(found, visit, accessible, single_file, scheme, width):
    index = render_report(found, single_file=single_file)
    page = visit(index, color_scheme=scheme, width=width)
    page.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    accessible(page)
    page.locator('#verdict-1-cases [data-case="12"] a').focus()
    page.keyboard.press("Enter")
    accessible(page)


def test_axe_would_see_a_barrier(found, visit, accessible):
    page = visit(render_report(found))
    page.evaluate("document.querySelector('.toolbar .opacity').parentElement.firstChild.remove()")
    with pytest.raises(AssertionError, match="label"):
        accessible(page)


def contrast(first, second):
    """WCAG 2's contrast ratio of two #rrggbb colours."""
    high, low = sorted(map(luminance, (first, second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    parts = np.frombuffer(base64.b16decode(colour[1:].upper()), np.uint8) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
