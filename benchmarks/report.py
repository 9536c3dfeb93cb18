"""What does a browser make of the report of a million images? Measured in Chromium, from the disk.

Usage: ``python benchmarks/report.py RUN [ROWS] [FOLDER]``. Repeats the rows of the finished run RUN
(``make audit``'s, say) until there are ROWS (default 1,000,000), with indices, names and classes of
their own up to 1,000 classes, and makes their results as a run does: flags, verdicts, class table,
pairs, summary, 2,000 cases. The cases' pictures have a grain that fills the bytes they may have.
Then it renders the report and the single file, opens either, and prints a table.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import Page, sync_playwright

from audit.frame import read_images
from audit.media import picture_of, size_for
from audit.report.render import render_report
from audit.results import Interventions, Results, results_of, triaged, with_reasons
from audit.tables.parts import part_path, write_frames, write_table
from audit.tables.schema import arrow_schema

__all__ = ["main", "make_run"]

_CLASSES = 1_000
_CASES = 2_000
_TRIES = 5
_TYPED = "7"

# Seconds from a filter's event till its rows are in the page and painted.
_FILTER = """([name, value]) => new Promise((done) => {
  const control = document.querySelector(`#case-table [name=${name}]`);
  const from = performance.now();
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => done((performance.now() - from) / 1000)));
})"""
_LOAD = "performance.getEntriesByType('navigation')[0].loadEventEnd / 1000"


def main(base: Path, rows: int, folder: Path) -> int:
    """Print sizes and times of both forms; 1 where one loads in more than a second."""
    run = folder / f"repeated-{rows}"
    if not (run / "manifest.json").exists():
        make_run(base, run, rows)
    print(f"| report of {rows:,} images | report/ | single file |")
    print("|---|---|---|")
    found = [_measured(run, single_file=single) for single in (False, True)]
    for name in found[0]:
        print(f"| {name} | {found[0][name]} | {found[1][name]} |")
    return int(any(float(one["loaded, median of 5"].split()[0]) > 1 for one in found))


def _measured(run: Path, *, single_file: bool) -> dict[str, str]:
    started = time.perf_counter()
    index = render_report(run, single_file=single_file)
    took = time.perf_counter() - started
    files = [index] if single_file else [one for one in index.parent.rglob("*") if one.is_file()]
    sizes = {
        "written in": f"{took:.1f} s",
        "index": f"{index.stat().st_size / 1e6:.2f} MB",
        "all files": f"{sum(one.stat().st_size for one in files) / 1e6:.2f} MB",
    }
    return sizes | _seen(index)


def _seen(index: Path) -> dict[str, str]:
    """What Chromium makes of the page, and that its table filters."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        loads = []
        for _ in range(_TRIES):
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(index.as_uri())
            loads.append(float(page.evaluate(_LOAD)))
        found = {
            "loaded, median of 5": f"{statistics.median(loads):.2f} s (at most {max(loads):.2f})",
            **_filtered(page),
            "console": "silent" if not said else "; ".join(said),
        }
        browser.close()
    return found


def _filtered(page: Page) -> dict[str, str]:
    showing = page.locator("#case-table .showing")
    before = showing.inner_text()
    typed = page.evaluate(_FILTER, ["text", _TYPED])
    flag = page.evaluate(_FILTER, ["flag", "misclassified"])
    if showing.inner_text() == before:
        raise SystemExit(f"the filters changed nothing: {before}")
    page.locator("#case-table [data-open]").first.click()
    page.wait_for_selector("#lightbox[open] canvas")
    return {
        "the table filtered by a word": f"{typed:.3f} s",
        "by a flag as well": f"{flag:.3f} s",
        "cases held": before.partition(" cases")[0].split()[-1],
    }


def make_run(base: Path, run: Path, rows: int) -> None:
    """Write the run folder ``run`` of ``rows`` images, repeated from those of ``base``."""
    parts = sorted((base / "images").glob("part-*.parquet"))
    table = pa.concat_tables([pq.read_table(part) for part in parts])
    manifest = json.loads((base / "manifest.json").read_text(encoding="utf-8"))
    names = manifest["dataset"]["classes"]
    copies = -(-rows // len(table))
    for k in range(copies):
        kept = table.slice(0, min(len(table), rows - k * len(table)))
        write_table(_copy(kept, k, len(table), names), part_path(run / "images", k), {})
    classes = tuple(_names(names, _CLASSES // len(names)))
    images, view = read_images(run / "images"), tuple(manifest["view"])
    results = _results(base, images, classes, view)
    tables = {
        "cases": with_reasons(results, images, view),
        "classes": [results.classes],
        "pairs": [results.pairs],
    }
    for name, frames in tables.items():
        write_frames(frames, arrow_schema(name), run / f"{name}.parquet", {})
    shutil.copy(base / "cues.parquet", run)
    shutil.copytree(base / "interventions", run / "interventions")
    write_table(_media(base, results.chosen, len(table)), part_path(run / "media", 0), {})
    manifest["dataset"] |= {"classes": list(classes), "n": rows}
    summary = json.dumps(results.summary | {"sanity": None})
    (run / "summary.json").write_text(summary, encoding="utf-8")
    (run / "manifest.json").write_text(json.dumps(manifest | {"name": run.name}), encoding="utf-8")


def _names(names: list[str], times: int) -> list[str]:
    return [f"{name} {k}" for k in range(times) for name in names]


def _copy(table: pa.Table, k: int, n: int, names: list[str]) -> pa.Table:
    """The rows as those of copy ``k``: other indices, ids, names; classes of the copy's own."""
    family = k % (_CLASSES // len(names))
    changed: dict[str, object] = {
        "index": [k * n + index for index in table["index"].to_pylist()],
        "sample_id": [f"{one[:-4]}{k:04x}" for one in table["sample_id"].to_pylist()],
    }
    for side in ("true", "pred"):
        labels = table[f"{side}_label"].to_pylist()
        changed[f"{side}_label"] = [label and f"{label} {family}" for label in labels]
        moved = table[f"{side}_class"].to_pylist()
        changed[f"{side}_class"] = [c if c is None else c + family * len(names) for c in moved]
    for name, values in changed.items():
        at = table.schema.get_field_index(name)
        field = table.schema.field(at)
        table = table.set_column(at, field, pa.array(values, field.type))
    return table


def _results(
    base: Path, images: pd.DataFrame, classes: tuple[str, ...], view: tuple[int, int]
) -> Results:
    nullable = {pa.bool_(): pd.BooleanDtype(), pa.int32(): pd.Int32Dtype()}
    summary = json.loads((base / "summary.json").read_text(encoding="utf-8"))["verdicts"]
    changed = pq.read_table(base / "interventions").to_pandas(types_mapper=nullable.get)
    tested = Interventions(changed, summary["budget"], summary["fill"], view)
    return results_of(images, triaged(images), tested, classes, limit=_CASES, seed=0)


def _media(base: Path, chosen: pd.DataFrame, n: int) -> pa.Table:
    """The cases' pictures: those of the image that was repeated, or of another, with a grain."""
    kept = pq.read_table(base / "media").to_pylist()
    of = {row["index"]: row for row in kept}
    size = size_for(len(chosen))
    rng = np.random.default_rng(0)
    rows = []
    for at, case in enumerate(chosen.itertuples()):
        row = of.get(case.index % n, kept[at % len(kept)])
        view = cv2.imdecode(np.frombuffer(row["view"], np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        view = cv2.resize(view, (size.side, size.side))
        grained = np.clip(view + rng.normal(0, 12, view.shape), 0, 255).astype(np.uint8)
        picture = {"index": case.index, "galleries": list(case.galleries), "covered": None}
        region = row["region"] and _enlarged(row["region"], size.side)
        rows.append(picture | {"view": picture_of(grained, size), "region": region})
    return pa.Table.from_pylist(rows, schema=arrow_schema("media"))


def _enlarged(region: bytes, side: int) -> bytes:
    mask = cv2.imdecode(np.frombuffer(region, np.uint8), cv2.IMREAD_GRAYSCALE)
    larger = cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST)
    return bytes(cv2.imencode(".png", larger)[1].tobytes())


if __name__ == "__main__":
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000  # noqa: PLR2004  (its place)
    if len(sys.argv) > 3:  # noqa: PLR2004  (its place)
        sys.exit(main(Path(sys.argv[1]), wanted, Path(sys.argv[3])))
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(main(Path(sys.argv[1]), wanted, Path(scratch)))
