"""The browser's pages and pictures, asked over a real socket."""

import re

import cv2
import numpy as np
import pytest

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def served(serving, run):
    return serving(run)


def _decoded(answer):
    assert answer.status == 200
    return cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_UNCHANGED)


def test_the_list_shows_every_row_and_escapes_every_name(served):
    page = served.get("/")
    assert page.status == 200
    assert "Showing 1–7 of 7" in page.text
    assert SCRIPT not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert page.text.count('class="open" href=') == 7


def test_filters_stay_in_the_form_and_in_every_link(served):
    page = served.get("/?correct=no&min.severity=0.25&sort=severity&order=desc").text
    assert "Showing 1–2 of 2; the run has 7" in page
    assert '<option value="no" selected>wrong</option>' in page
    assert 'name="min.severity" value="0.25"' in page
    assert 'aria-sort="descending"' in page
    assert (
        'href="/image/1?correct=no&amp;min.severity=0.25&amp;sort=severity&amp;order=desc&amp;at=0"'
        in page
    )


def test_slices_are_menus_or_of_very_many_values_a_field(served):
    page = served.get("/?slice.site=south+%26+more").text
    assert "Showing 1–4 of 4; the run has 7" in page
    assert '<option value="south &amp; more" selected>south &amp; more</option>' in page
    assert '<select name="slice.site">' in page
    for name in ("many", "id"):
        assert f'<input name="slice.{name}"' in page


@pytest.mark.parametrize("name", ["label", "pred", "slice.site"])
def test_a_value_that_does_not_occur_stays_in_its_menu(served, name):
    page = served.get(f"/?{name}=penguin")
    assert page.status == 200
    assert '<option value="penguin" selected>penguin (not in this run)</option>' in page.text
    assert "No image of this run fits these filters" in page.text


def test_a_column_that_the_dataset_lacks_is_refused_with_those_it_has(served):
    answer = served.get("/?slice.place=north")
    assert answer.status == 400
    assert "&#39;place&#39; is no further column of the dataset; known: site, many, id." in (
        answer.text
    )


def test_a_hostile_filter_is_shown_as_text(served):
    page = served.get("/?q=%22%3E%3Cscript%3Ealert(2)%3C/script%3E")
    assert page.status == 200
    assert "<script>alert(2)" not in page.text
    assert "No image of this run fits these filters" in page.text


def test_a_forms_empty_fields_leave_the_address(served):
    answer = served.get("/?label=&q=photos&correct=&min.loss=&sort=index&size=50")
    assert (answer.status, answer.headers["location"]) == (303, "/?q=photos")
    assert served.get("/?label=&q=").headers["location"] == "/"


@pytest.mark.parametrize("where", ["/?sort=lable", "/?nonsense=1", "/image/1?page=x"])
def test_an_address_that_makes_no_sense_is_400_in_words(served, where):
    answer = served.get(where)
    assert answer.status == 400
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize(
    "where",
    [
        "/image/99",
        "/image/-1",
        "/image/999999999999999999999",
        "/image/1.5",
        "/view/99.jpg",
        "/map/1/both.png",
        "/map/6/true.png",  # its map is null
        "/region/0.png",  # the small run has no region grids
        "/static/cases.parquet",
        "/static/..%2Freport.html.j2",
        "/etc/passwd",
        "/report/../manifest.json",
        "/report/%2e%2e/manifest.json",
        "/report/..%2fmanifest.json",
        "/report//etc/passwd",
    ],
)
def test_what_is_not_there_is_404_and_never_a_file(served, where):
    answer = served.get(where)
    assert answer.status == 404
    assert b"cam-audit-run" not in answer.body


def test_an_image_page_has_both_maps_and_walks_through_the_filtered_rows(served):
    page = served.get("/image/2?correct=no&at=1").text
    assert 'src="/map/2/true.png"' in page
    assert 'src="/map/2/pred.png"' in page
    assert "2 of 3" in page  # 1, 2 and 5 are wrong
    assert re.search(r'href="/image/1\?correct=no&amp;at=0" data-walk="previous"', page)
    assert re.search(r'href="/image/5\?correct=no&amp;at=2" data-walk="next"', page)
    assert 'href="/?correct=no#image-2" data-walk="up"' in page
    assert "pred_relevance_mass_accuracy" in page


def test_without_a_place_an_image_is_found_in_the_order(served):
    assert "4 of 7" in served.get("/image/3").text


def test_a_place_that_is_another_images_gives_no_walk(served):
    page = served.get("/image/3?at=0").text
    assert 'data-walk="next"' not in page


def test_one_class_has_one_map_and_a_null_map_says_so(served):
    page = served.get("/image/3").text
    assert page.count('src="/map/') == 1
    assert "There is no map." in served.get("/image/6").text


def test_a_view_is_the_runs_own_bytes(served):
    view = served.get("/view/1.jpg")
    assert view.headers["content-type"] == "image/jpeg"
    assert _decoded(view).shape == (90, 120, 3)


def test_a_map_is_coloured_and_clear_where_cold(served):
    drawn = _decoded(served.get("/map/0/pred.png"))
    assert drawn.shape == (336, 448, 4)  # the view's 90 × 120, the longer side 448
    alpha = drawn[..., 3]
    assert alpha.max() == 255
    assert alpha.min() < 32


def test_the_report_is_served_with_links_into_the_browser(served):
    page = served.get("/report/")
    assert '<script src="/static/serve_report.js" defer></script>' in page.text
    assert served.get("/report/assets/a.css").text == "b{}"
    assert served.get("/report").headers["location"] == "/report/"


def test_the_pictures_of_a_report_of_now_are_served(served):
    picture = served.run / "report" / "assets" / "images" / "webp.webp"
    picture.parent.mkdir()
    picture.write_bytes(cv2.imencode(".webp", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    answer = served.get("/report/assets/images/webp.webp")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/webp")


def test_a_link_in_the_report_folder_is_not_followed(serving, run):
    (run / "report" / "assets" / "b.css").symlink_to(run / "manifest.json")
    (run / "report" / "manifest.txt").write_text("x")
    served = serving(run)
    assert served.get("/report/assets/b.css").status == 404
    assert served.get("/report/manifest.txt").status == 404


def test_without_a_data_root_there_is_no_picture_but_the_runs(serving, dataset):
    run, _ = dataset
    served = serving(run)
    assert served.get("/view/0.jpg").status == 404
    page = served.get("/image/0").text
    assert "The run keeps no picture of this image" in page
    assert 'src="/map/0/true.png"' in page


def test_what_is_asked_or_said_stands_in_the_list_and_below_the_heading(serving, told):
    served = serving(told[0])
    listed = served.get("/").text
    assert '<span class="question">What is the PURPLE thing?</span>' in listed
    assert '<td class="name">A red ball and a fish</td>' in listed
    question, two, same = (served.get(f"/image/{at}").text for at in range(3))
    assert '<p class="about question">What is the PURPLE thing?</p>' in question
    assert 'Reference: <span class="question">A red ball and a fish</span>' in two
    assert 'Model: <span class="question">a red ball</span>' in two
    assert 'Reference and model: <span class="question">a blue star</span>' in same


def test_captions_have_maps_and_scores_as_classes_have(serving, told):
    served = serving(told[0])
    page = served.get("/image/1").text
    assert [page.count(f'src="/map/1/{side}.png"') for side in ("true", "pred")] == [1, 1]
    assert 'Label: <b class="name">A red ball and a fish</b>' in page
    assert 'Prediction: <b class="name">a red ball</b>' in page
    assert '<td class="num">50.0%</td><td class="num">4.00×</td>' in page
    page = served.get("/image/2").text
    assert page.count('src="/map/2/') == 1
    assert 'Label and prediction: <b class="name">a blue star</b>' in page


def test_an_image_with_a_text_is_shown_from_its_file(serving, told):
    run, root = told
    served = serving(run, root)
    for at in range(3):
        assert _decoded(served.get(f"/view/{at}.jpg")).shape == (336, 448, 3)
        assert "cut from the dataset’s file" in served.get(f"/image/{at}").text


def test_every_figure_is_told_once_in_units_that_read_well(serving, dataset):
    page = serving(dataset[0]).get("/image/0").text
    for column in ("index", "sample_id"):
        assert page.count(f"<code>{column}</code>") == 1
    assert '<code>n_regions</code></th><td class="name">1 object</td>' in page
    assert '<code>true_probability</code></th><td class="name">0.75</td>' in page
    assert '<code>true_mass_lift</code></th><td class="name">4</td>' in page
    assert '<code>frame</code></th><td class="name">0, 0, 120, 90 px</td>' in page


def test_only_keys_that_do_something_are_offered(served):
    two, one = (served.get(f"/image/{at}").text for at in (1, 3))
    assert "<kbd>t</kbd> label" in two
    assert "<kbd>t</kbd>" not in one
    bare = served.get("/image/5").text  # it has no region
    assert 'data-toggle="region"' not in bare
    assert "<kbd>b</kbd>" not in bare


@pytest.mark.parametrize(
    ("where", "status", "headline", "said"),
    [
        ("/nope", 404, "Not here", "There is no page /nope: the list is at /, and an image at"),
        ("/image/abc", 404, "Not here", "There is no page /image/abc: the list is at /"),
        ("/image/12345", 404, "Not here", "The run has no image 12,345."),
        ("/?page=x", 400, "This cannot be asked", "from 1 to 1,000,000,000."),
    ],
)
def test_an_error_is_a_headline_of_its_own_and_a_sentence(served, where, status, headline, said):
    answer = served.get(where)
    assert answer.status == status
    assert f"<h1>{headline}</h1>" in answer.text
    assert said in answer.text


def test_a_runs_file_that_is_gone_is_a_page_that_says_so(served):
    (served.run / "cases.parquet").unlink()
    answer = served.get("/")
    assert answer.status == 500
    assert "cases.parquet is gone: it was removed or renamed while the run is served" in answer.text


def test_a_long_reason_ends_after_a_clause(serving, bare):
    first = "hottest point beside the region; " + "9" * 150 + " (lift 0.04)"
    reason = f"{first}; {'x' * 100}"
    page = serving(bare({"reason": reason}, {"reason": "word " * 80})).get("/").text
    assert f"{first}; …</span>" in page
    assert f'<span class="reason">{"word " * 47}…</span>' in page


def test_with_a_data_root_only_the_audited_file_inside_it_is_shown(serving, dataset):
    run, root = dataset
    served = serving(run, root)
    assert _decoded(served.get("/view/0.jpg")).shape == (336, 448, 3)
    for index, why in [
        (1, "not the one that was audited"),
        (2, "leads out of --data-root"),
        (3, "leads out of --data-root"),
        (4, "no such file"),
    ]:
        answer = served.get(f"/view/{index}.jpg")
        assert answer.status == 404
        assert why in answer.text
        page = served.get(f"/image/{index}").text  # says so, and asks for no picture
        assert why in page
        assert "/view/" not in page
        assert "cut from" not in page


def test_where_images_share_a_file_no_data_root_is_recommended(serving, bare):
    page = serving(bare({"path": None}, {"path": None})).get("/image/0").text
    assert "share a file, so there is none to show" in page
    assert "--data-root" not in page
