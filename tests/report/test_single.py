"""The report as one file."""

import base64
import re
from hashlib import sha256

import cv2
import numpy as np
import pytest

from audit.report import single
from audit.report.render import render_report

SCRIPT = "<script>alert(1)</script>"


def test_everything_is_inside(found):
    path = render_report(found, single_file=True)
    html = path.read_text("utf-8")
    assert path == found / "report-single.html"
    assert not (found / "report").exists()
    assert "assets/" not in re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert set(re.findall(r'src="([^":]*):', html)) <= {"data"}
    assert "data:image/png;base64," in html  # the cue


def test_only_scripts_of_these_hashes_run(found):
    html = render_report(found, single_file=True).read_text("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 5
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    for script in scripts:
        digest = base64.b64encode(sha256(script.encode()).digest()).decode()
        assert f"sha256-{digest}" in policy.replace("&#39;", "'")
    assert "unsafe" not in policy


def test_hostile_names_end_no_script(found):
    html = render_report(found, single_file=True).read_text("utf-8")
    assert SCRIPT not in html
    assert html.count("</script>") == 5


def test_a_file_too_large_holds_fewer_cases(tmp_path, write_run, case, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    view = cv2.imencode(".jpg", noise)[1].tobytes()
    cases = [case(at, 1, 1, on=False, galleries=["off_object"], view=view) for at in range(40)]
    run = write_run(tmp_path / "run", cases)
    whole = render_report(run, single_file=True).read_text("utf-8")
    monkeypatch.setattr(single, "LARGEST", len(whole) // 2)
    fewer = render_report(run, single_file=True).read_text("utf-8")
    assert len(fewer) <= len(whole) // 2
    held = [len(set(re.findall(r'data-case="(\d+)"', html))) for html in (fewer, whole)]
    assert 0 < held[0] < held[1]
    assert "of 100" in fewer  # still counts the whole run


@pytest.mark.browser
def test_it_works_in_a_browser(found, chromium):
    said = []
    context = chromium.new_context()
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(render_report(found, single_file=True).as_uri())
    page.locator("#case-table [data-open]").first.click()
    assert page.locator("#lightbox").evaluate("d => d.open") is True
    assert page.locator("#lightbox .stage img").evaluate("i => i.complete && i.naturalWidth") == 120
    context.close()
    assert said == []
