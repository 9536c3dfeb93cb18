"""Takes README's pictures of reports and of a comparison (``make screenshots``)."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parent / "images"


@dataclass(frozen=True)
class Shot:
    """Where a page is scrolled to, and its window in CSS pixels. ``opens``: a case to enlarge."""

    anchor: str = "body"
    width: int = 1240
    height: int = 780
    scheme: Literal["light", "dark"] = "light"
    opens: str = ""


_NARROW = 390
#: File → what it shows of a run's report.
REPORT = {
    "report.png": Shot(height=800),
    "report-narrow.png": Shot(width=_NARROW),
    "report-dark.png": Shot("#verdicts .block", scheme="dark"),
    "verdicts.png": Shot("#verdicts .block", height=900),
    "cases.png": Shot("#cases"),
}
#: File → what it shows of a comparison's report.
COMPARISON = {
    "compare.png": Shot(height=900),
    "compare-narrow.png": Shot(width=_NARROW),
    "compare-dark.png": Shot("#cases", scheme="dark", opens=".gallery .case a"),
}
#: The same of the reports of decoy-vqa and decoy-captions.
QUESTIONS = {"questions.png": Shot("#questions", height=720)}
CAPTIONS = {"captions.png": Shot("#right-on", height=720)}


def main(run: Path, comparison: Path, questions: Path, captions: Path) -> None:
    """Write every picture below docs/images; the folders are of runs, and of a comparison."""
    pictures = (run, REPORT), (comparison, COMPARISON), (questions, QUESTIONS), (captions, CAPTIONS)
    IMAGES.mkdir(exist_ok=True)
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for folder, shots in pictures:
            for name, shot in shots.items():
                _take(browser, folder.resolve() / "report" / "index.html", shot, IMAGES / name)
        browser.close()


def _take(browser: Browser, index: Path, shot: Shot, image: Path) -> None:
    window = {"width": shot.width, "height": shot.height}
    page = browser.new_page(viewport=window, color_scheme=shot.scheme)  # type: ignore[arg-type]
    page.goto(index.as_uri())
    page.locator(shot.anchor).first.evaluate("place => place.scrollIntoView()")
    if shot.opens:
        page.locator(shot.opens).first.click()
    page.wait_for_timeout(1000)  # the maps are painted when they come into view
    page.screenshot(path=image)
    page.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
