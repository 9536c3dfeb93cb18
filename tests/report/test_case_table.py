"""The case table, its fragment and a person's marks, in a browser and by keyboard."""

import json

import pytest

from audit.report.render import render_report

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit, run):
    return visit(render_report(run))


def rows(page):
    return page.locator("#case-table tbody tr")


def names(page):
    return page.locator("#case-table tbody th").all_inner_texts()


def fragment(page):
    return page.evaluate("location.hash")


def test_a_cell_of_the_matrix_filters_the_table(page):
    page.locator('.matrix a[href="#case-table?true=1&pred=2"]').click()
    page.wait_for_function("() => document.querySelectorAll('#case-table tbody tr').length === 1")
    assert names(page) == ['"<script>alert(1)</script>"␊.jpg']
    status = page.locator("#case-table .showing").inner_text()
    assert (
        status == "Showing 1 to 1 of 1 cases that match, of 7 held here; the run has 30 such images"
    )


def test_how_many_the_run_has_of_what_its_tables_count(page):
    def told(**filters):
        page.locator("[data-do=reset]").click()
        for name, value in filters.items():
            page.locator(f"[name={name}]").select_option(value)
        return page.locator("#case-table .showing").inner_text().split("; ")[1]

    assert told() == "the run has 1,240 images"
    assert told(true="1") == "the run has 30 such images"
    assert told(flag="off_object") == "the run has 150 such images"
    # of 34 images without a label no table counts the prediction, and of both none does
    assert told(pred="2") == told(true="1", flag="off_object") == "the run has 1,240 images"


def test_filters_follow_into_the_address_and_back(page, visit, run):
    page.locator("[name=flag]").select_option("misclassified")
    page.locator("[name=text]").fill("script")
    assert fragment(page) == "#case-table?flag=misclassified&text=script"
    again = visit(run / "report" / "index.html", fragment(page))
    assert names(again) == names(page)
    assert len(names(page)) == 2  # a name and a reason hold the word
    assert again.locator("[name=flag]").input_value() == "misclassified"
    again.locator("[data-do=reset]").click()
    assert rows(again).count() == 7
    assert fragment(again) == "#case-table"


def test_columns_sort_by_number_and_say_so(page):
    head = page.locator('#case-table th[data-sort="probability"]')
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    page.locator('#case-table th[data-sort="name"] button').click()
    found = names(page)
    assert found[0] == '"<script>alert(1)</script>"␊.jpg'
    assert found[1:] == sorted(found[1:])


def test_an_open_case_survives_a_reload(page):
    page.locator("#case-table [data-open='2']").focus()
    page.keyboard.press("Enter")
    assert fragment(page).endswith("case=2")
    page.reload()
    assert page.locator("#lightbox").evaluate("d => d.open") is True
    assert page.locator("#lightbox-title").inner_text() == "photos/00002.jpg"
    page.locator("[data-do=close]").click()
    page.wait_for_function("() => !location.hash.includes('case=')")


def test_a_case_of_a_gallery_is_walked_through_that_gallery_after_a_reload(page):
    place = page.locator("#lightbox .at")
    page.locator("#control [data-case='3'] a").click()
    assert place.inner_text() == "2 of 4"
    assert fragment(page) == "#case-table?case=3&gallery=control"
    page.reload()
    assert place.inner_text() == "2 of 4"
    page.keyboard.press("ArrowRight")
    assert page.locator("#lightbox-title").inner_text() == "photos/00004.jpg"
    assert fragment(page) == "#case-table?case=4&gallery=control"
    page.keyboard.press("Escape")
    page.wait_for_function("() => location.hash === '#case-table'")


def test_a_case_of_a_filtered_table_is_walked_through_that_table_after_a_reload(page):
    page.locator("[name=flag]").select_option("misclassified")
    page.locator("#case-table tbody [data-open]").nth(1).click()
    said = page.locator("#lightbox .at").inner_text()
    assert said == "2 of 3"
    page.reload()
    assert page.locator("#lightbox .at").inner_text() == said


def test_the_keyboard_goes_on_where_a_link_leads(page):
    page.locator('.matrix a[href="#case-table?true=1&pred=2"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.id === 'case-table'")
    page.keyboard.press("Tab")
    inside = "() => document.querySelector('#case-table').contains(document.activeElement)"
    assert page.evaluate(inside)


@pytest.mark.parametrize("marked", [False, True])
def test_closing_a_case_goes_back_to_it(page, marked):
    page.locator("#case-table [data-open='2']").focus()
    page.keyboard.press("Enter")
    if marked:
        page.keyboard.press("y")  # the table is drawn anew
    else:
        page.reload()
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.dataset.open === '2'")


def test_the_way_back_takes_the_filter_and_the_case_away(page):
    page.locator('.matrix a[href="#case-table?true=1&pred=2"]').click()
    page.wait_for_function("() => document.querySelectorAll('#case-table tbody tr').length === 1")
    page.locator("#case-table tbody [data-open]").click()
    assert page.locator("#lightbox").evaluate("d => d.open") is True
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('#case-table tbody tr').length === 7")
    assert page.locator("#lightbox").evaluate("d => d.open") is False
    assert page.locator("[name=true]").input_value() == ""


def test_a_class_leads_to_its_images(page):
    link = page.locator('#class-1 a[href="#case-table?true=1"]')
    link.click()
    page.wait_for_function("() => location.hash === '#case-table?true=1'")
    assert page.locator("[name=true]").input_value() == "1"


def test_marks_are_kept_filtered_and_exported(page):
    page.locator("#case-table [data-open='2']").click()
    page.keyboard.press("y")
    assert page.locator("[data-mark=problem]").get_attribute("aria-pressed") == "true"
    page.reload()
    page.keyboard.press("Escape")
    page.locator("[name=mark]").select_option("problem")
    assert names(page) == ["photos/00002.jpg"]
    with page.expect_download() as download:
        page.locator("[data-do=export]").click()
    told = json.loads(download.value.path().read_text("utf-8"))
    (mark,) = told["marks"]
    assert (mark["index"], mark["mark"], mark["path"]) == (2, "problem", "photos/00002.jpg")
    assert mark["sample_id"] == f"{2:032x}"
    assert (told["run"], told["fingerprint"]) == ("shapes-tiny", "abc")


def test_without_storage_marks_last_as_long_as_the_page(run, chromium):
    context = chromium.new_context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })"
    )
    page = context.new_page()
    page.goto(render_report(run).as_uri())
    page.locator("#case-table [data-open='2']").click()
    page.keyboard.press("n")
    assert page.locator("[data-mark=fine]").get_attribute("aria-pressed") == "true"
    assert "export before you close it" in page.locator(".kept").inner_text()
    context.close()


def test_a_key_typed_into_the_filter_is_no_command(page):
    page.locator("[name=text]").focus()
    page.keyboard.type("b0")
    assert page.locator('.toolbar [data-toggle="region"]').get_attribute("aria-pressed") == "true"
    assert page.locator('[data-toggle="heat"]').get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize(
    "hostile",
    [
        "true=%3Cscript%3E",
        "sort=__proto__",
        "page=-9e99",
        "case=constructor",
        "%%%",
        "gallery=__proto__&case=x",
    ],
)
def test_a_hostile_fragment_does_nothing(run, visit, hostile):
    page = visit(render_report(run), f"#case-table?{hostile}")
    assert page.locator("#lightbox").evaluate("d => d.open") is False
    assert page.locator("#case-table .showing").inner_text().startswith("Showing")
