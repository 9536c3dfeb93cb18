"""The comparison's page in a browser, opened from the disk."""

from functools import partial

import pytest

from audit.comparison.compare import compare_runs
from audit.comparison.config import CompareConfig

pytestmark = pytest.mark.browser


@pytest.fixture
def index(base, candidate, tmp_path):
    return compare_runs(base, candidate, CompareConfig(compare_dir=tmp_path / "compare")).report


@pytest.fixture
def visit(visit, index):
    """Opens the page of ``index`` and, at the end, asserts that its console stayed silent."""
    return partial(visit, index)


def test_the_first_screen_answers(visit):
    page = visit()
    text = page.locator(".answer").inner_text()
    assert "the candidate is better in places and worse in others." in text
    assert "cat: now found spurious: it decides by new." in text
    assert "95% interval" in text
    assert page.locator(".answer").bounding_box()["y"] < 500


def test_both_maps_lie_on_the_same_image(visit):
    page = visit()
    card = page.locator("#attention_moved .case")
    card.scroll_into_view_if_needed()
    page.wait_for_function(
        "() => document.querySelectorAll('#attention_moved canvas').length === 2"
    )
    alpha = """c => {
      const pixels = c.getContext("2d").getImageData(0, 0, 16, 16).data;
      return [pixels[3], pixels[4 * 255 + 3]];
    }"""
    # the base's heat is all in the first cell, the candidate's in the last
    assert card.locator('[data-side="base"] canvas').evaluate(alpha) == [255, 0]
    assert card.locator('[data-side="candidate"] canvas').evaluate(alpha) == [0, 255]
    sources = card.locator("img").evaluate_all("all => all.map((one) => one.src)")
    assert sources[0] == sources[1]


def test_a_case_is_wiped_by_keyboard_alone(visit):
    page = visit()
    page.locator("#regressed .case a").first.focus()
    page.keyboard.press("Enter")
    box = page.locator("#lightbox")
    assert box.evaluate("d => d.open") is True
    clip = "() => getComputedStyle(document.querySelector('.layer[data-side=candidate]')).clipPath"
    assert page.evaluate(clip) == "inset(0px 0px 0px 50%)"
    page.locator("#wipe").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(clip) == "inset(0px 0px 0px 51%)"
    page.keyboard.press("Home")
    assert page.evaluate(clip) == "inset(0px 0px 0px 0%)"  # the candidate alone
    page.keyboard.press("p")
    assert box.locator(".map-note").inner_text() == "Maps for the predictions: cat, then dog"
    page.keyboard.press("0")
    assert box.locator("canvas").first.is_visible() is False
    page.keyboard.press("t")
    assert box.locator(".map-note").inner_text() == "Maps for the label, cat"
    page.keyboard.press("s")
    assert page.locator("#wipe").is_visible() is False
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.case').dataset.case") == "0"


def test_the_wipe_follows_the_pointer(visit):
    page = visit()
    page.locator("#regressed .case .tiles").click()
    place = page.locator(".wipe").bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + 50)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] / 4, place["y"] + 50)
    page.mouse.up()
    assert page.locator("#wipe").input_value() == "25"


def test_a_class_in_the_fragment_narrows_the_cases(visit):
    page = visit("#class=1")
    assert page.locator("#group").input_value() == "1"
    assert page.locator("#regressed .case").count() == 0
    assert page.locator("#attention_moved .case").count() == 1
    assert page.locator("#regressed .showing").inner_text() == "Showing 0 of 0 held here, of 0"
    assert (
        page.locator("#attention_moved .showing").inner_text() == "Showing 1 of 1 held here, of 1"
    )
    page.locator("#group").select_option("")
    assert page.locator("#regressed .case").count() == 1
    page.locator(".reasons a", has_text="cat").click()
    page.wait_for_function("() => document.getElementById('group').value === '0'")


def test_a_bucket_is_shown_whole(visit):
    page = visit("#class=1")
    page.locator("dt a", has_text="Regressed").click()
    page.wait_for_function("() => document.getElementById('group').value === ''")
    assert page.locator("#regressed .showing").inner_text() == "Showing 1 of 1 held here, of 1"


def test_a_slice_leads_to_its_images(visit):
    page = visit()
    page.locator("#slices a", has_text="north").click()
    page.wait_for_function("() => document.getElementById('slice').value === 'camera = north'")
    # of a, b and c one is unchanged, one lost and one won; d and e lie in the south
    assert page.locator("#regressed .showing").inner_text() == "Showing 1 of 1 held here, of 1"
    assert page.locator("#still_wrong .showing").inner_text() == "Showing 0 of 0 held here, of 0"
    page.locator("#group").select_option("1")
    # of both at once no table counts the images
    assert page.locator("#fixed .showing").inner_text() == "Showing 1 of 1 held here"
    address = "#class=1&slice=camera+%3D+north"
    assert page.evaluate("location.hash") == address
    page.reload()
    assert page.locator("#slice").input_value() == "camera = north"
    assert page.locator("#group").input_value() == "1"


def test_every_finding_leads_to_its_images(visit):
    page = visit()
    links = {
        place: page.locator(f"{place} tbody a").evaluate_all("all => all.map((a) => a.hash)")
        for place in ("#verdicts", "#answers", "#classes", "#slices")
    }
    assert "#class=0" in links["#verdicts"]
    assert set(links["#answers"]) == {"#class=0", "#class=1"}
    assert set(links["#classes"]) == {"#class=0", "#class=1"}
    assert len(links["#slices"]) == 2
    assert page.locator(".quad .missed a").count() == 0  # its images have no bucket of their own
    shelves = page.locator("#overview dt a").evaluate_all("all => all.map((a) => a.hash.slice(1))")
    assert {"regressed", "fixed", "answers", "still_wrong", "unchanged"} <= set(shelves)
    assert all(page.locator(f"[id='{place}']").count() == 1 for place in shelves)


def test_the_outline_has_a_button_in_an_open_case(visit):
    page = visit()
    page.locator("#regressed .case a").first.click()
    button = page.locator("#lightbox [data-toggle=region]")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    page.keyboard.press("b")
    assert button.get_attribute("aria-pressed") == "true"
    assert page.locator("#lightbox .at").inner_text() == "1 of 1"


def test_an_open_case_survives_a_reload(visit):
    page = visit("#class=1")
    page.locator("#attention_moved .case a").first.click()
    case = page.locator("#attention_moved .case").get_attribute("data-case")
    assert page.evaluate("location.hash") == f"#class=1&case={case}"
    title = page.locator("#lightbox-title").inner_text()
    page.reload()
    assert page.locator("#lightbox").evaluate("d => d.open") is True
    assert page.locator("#lightbox-title").inner_text() == title
    page.keyboard.press("Escape")
    page.wait_for_function("() => location.hash === '#class=1'")


@pytest.mark.parametrize(
    "fragment", ["#case=99999", "#case=__proto__", "#class=x&case=<b>", "#%E0"]
)
def test_a_hostile_fragment_opens_nothing(visit, fragment):
    page = visit(fragment)
    assert page.locator("#lightbox").evaluate("d => d.open") is False
    assert page.locator("#regressed .case").count() == 1


def test_a_hostile_name_stays_text(visit):
    page = visit()
    assert page.locator("#regressed .meta.file").inner_text() == (
        "b</script><script>alert(1)</script>.jpg"
    )
    page.locator("#still_wrong .case .tiles").click()
    assert "</script><script>alert(1)</script>" in page.locator("#lightbox").inner_text()


def test_a_card_of_the_script_is_the_card_of_the_template(visit):
    page = visit()
    looks = """card => {
      card.querySelectorAll("canvas").forEach((one) => one.remove());
      const all = (selector, read) => Array.from(card.querySelectorAll(selector), read);
      return [
        card.className, card.dataset.case, card.textContent.replace(/\\s+/g, " "),
        all("a", (a) => a.href), all("img", (i) => [i.src, i.alt, i.width, i.height]),
        all("svg", (s) => s.outerHTML), all("tr", (r) => r.className),
      ];
    }"""
    card = page.locator("#fixed .case")
    written = card.evaluate(looks)
    page.locator("#group").select_option("1")
    assert card.evaluate(looks) == written


def test_without_script_images_and_figures_are_there(visit):
    page = visit(java_script_enabled=False)
    card = page.locator("#regressed .case")
    card.scroll_into_view_if_needed()
    assert "40.0%" in card.inner_text()
    assert card.locator("img").first.bounding_box()["width"] > 50
    assert page.locator(".toolbar").is_visible() is False


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(visit, width):
    page = visit(width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(visit, accessible, scheme, width):
    page = visit(color_scheme=scheme, width=width)
    page.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    accessible(page)
    page.locator("#regressed .case a").first.focus()
    page.keyboard.press("Enter")
    accessible(page)
    page.keyboard.press("s")
    accessible(page)


def test_what_someone_injects_does_not_run(index, chromium):
    hostile = index.read_text(encoding="utf-8").replace(
        "</main>", "<script>window.owned = 1</script><img src=x onerror='window.owned = 2'></main>"
    )
    index.write_text(hostile, encoding="utf-8")
    context = chromium.new_context()
    page = context.new_page()
    page.goto(index.as_uri())
    assert page.evaluate("window.owned") is None
    context.close()
