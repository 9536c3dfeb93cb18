"""Takes README's pictures from a run's report (``make screenshots``)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
#: File → where the page is scrolled to, and the height of the picture in CSS pixels.
SHOTS = {
    "report.png": ("body", 780),
    "verdicts.png": ("#verdicts .block", 900),
    "cases.png": ("#cases", 780),
}


def main(run: Path) -> None:
    """Write every picture of ``SHOTS`` below docs/images."""
    IMAGES.mkdir(exist_ok=True)
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for name, (anchor, height) in SHOTS.items():
            page = browser.new_page(viewport={"width": 1240, "height": height})
            page.goto((run.resolve() / "report" / "index.html").as_uri())
            place = page.locator(anchor).first
            place.evaluate("place => place.scrollIntoView({behavior: 'instant'})")
            page.wait_for_timeout(1000)  # the maps are painted when they come into view
            page.screenshot(path=IMAGES / name)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
