"""How long does the local browser take a page? Measured over HTTP, on a made-up run of many rows.

Usage: ``python benchmarks/serve.py [ROWS] [FOLDER]``. Writes a run folder of ROWS rows (default
1,000,000; 7×7 maps, 100 classes, two slices, parts of 16,384) below FOLDER (default: a temporary
one; a run that is there already is used again), serves it, and prints the time of every kind of
page: the first time it is asked for, the CPU time that it took (both ends together; a crowded
machine does not change it), and the slowest of three times after that.
"""

from __future__ import annotations

import http.client
import json
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import uvicorn

from audit.serve.app import make_app
from audit.serve.config import ServeConfig
from audit.serve.server import bind, settings_of
from audit.tables.parts import part_path, write_table
from audit.tables.schema import FLAGS, arrow_schema

__all__ = ["main", "make_run"]

_GRID = (7, 7)
_CELLS = 49
_CLASSES = 100
_PART = 16_384
_LIMIT = 1.0  # seconds a page may take
_AGAIN = 3

PAGES = {
    "first page": "/",
    "last page": "/?page={last}",
    "page in the middle": "/?page={middle}",
    "one class": "/?label=class+007",
    "a confusion": "/?label=class+007&pred=class+093",
    "a flag": "/?flag=off_object",
    "wrong, by confidence": "/?correct=no&sort=pred_probability&order=desc",
    "all, by lift": "/?sort=true_mass_lift",
    "all, by path": "/?sort=path&order=desc",
    "all, by label": "/?sort=true_label",
    "a range": "/?min.true_relevance_mass_accuracy=0.4&max.true_relevance_mass_accuracy=0.5",
    "a slice": "/?slice.site=site+3&sort=severity&order=desc",
    "words in the path": "/?q=0777",
    "nothing found": "/?q=no-such-name",
    "all filters": "/?label=class+007&correct=no&flag=off_object&q=7&slice.site=site+3"
    "&min.pred_probability=0.2&sort=loss&order=desc",
    "image": "/image/{middle_image}",
    "image, walked to": "/image/{middle_image}?sort=true_mass_lift",
    "map": "/map/{middle_image}/pred.png",
    "region": "/region/{middle_image}.png",
    "picture": "/view/0.jpg",
}


def main(rows: int, folder: Path) -> int:
    """Print every page's time; 1 where one took longer than a second."""
    run = folder / f"made-up-{rows}"
    if not (run / "manifest.json").exists():
        started = time.perf_counter()
        make_run(run, rows)
        print(f"made {rows:,} rows in {time.perf_counter() - started:.0f} s: {run}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    app = make_app(run, ServeConfig(port=0))
    print(f"ready after {time.perf_counter() - started:.2f} s")
    listener = bind(0)
    port = listener.getsockname()[1]
    server = uvicorn.Server(settings_of(app))
    answering = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    answering.start()
    slowest = 0.0
    print(f"| page of {rows:,} rows | first time | its CPU | again | bytes |")
    print("|---|---|---|---|---|")
    for name, address in PAGES.items():
        where = address.format(last=-(-rows // 50), middle=rows // 100, middle_image=rows // 2)
        worked = time.process_time()
        first, size = _timed(port, where)
        worked = time.process_time() - worked
        again = max(_timed(port, where)[0] for _ in range(_AGAIN))
        slowest = max(slowest, first, again)
        print(f"| {name} | {first:.3f} s | {worked:.3f} s | {again:.3f} s | {size:,} |")
    server.should_exit = True
    answering.join()
    listener.close()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"slowest {slowest:.3f} s; limit {_LIMIT:.0f} s")
    print(f"memory grew by {(after - before) >> 10} MiB")
    return int(slowest > _LIMIT)


def _timed(port: int, where: str) -> tuple[float, int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    started = time.perf_counter()
    connection.request("GET", where)
    answer = connection.getresponse()
    size = len(answer.read())
    took = time.perf_counter() - started
    connection.close()
    if answer.status != http.client.OK:
        raise SystemExit(f"{where}: {answer.status}")
    return took, size


def make_run(run: Path, rows: int) -> None:
    """Write a run folder of ``rows`` made-up rows, with pictures of the first ten.

    Names, labels and maps repeat every 16,384 rows; indices, paths and figures do not.
    """
    rng = np.random.default_rng(0)
    pattern = _images(min(rows, _PART), rng)
    flagged = []
    for k, start in enumerate(range(0, rows, _PART)):
        part = _moved(pattern.slice(0, min(_PART, rows - start)), start, rng)
        flagged.append(_flags(part))
        write_table(part, part_path(run / "images", k), {})
    write_table(pa.concat_tables(flagged), run / "cases.parquet", {})
    write_table(_table("media", _media(min(rows, 10))), part_path(run / "media", 0), {})
    content = {
        "format": "cam-audit-run/1",
        "name": run.name,
        "status": "finished",
        "dataset": {"name": "made-up", "classes": [_label(k) for k in range(_CLASSES)], "n": rows},
        "model": {"name": "none", "target_layer": "layer4", "grid": list(_GRID)},
        "view": [224, 224],
        "method": "grad-cam",
        "warnings": [],
        "fingerprint": {},
    }
    write_table(arrow_schema("classes").empty_table(), run / "classes.parquet", {})
    write_table(_table("slices", _slices()), run / "slices.parquet", {})
    (run / "summary.json").write_text("{}", encoding="utf-8")
    (run / "manifest.json").write_text(json.dumps(content), encoding="utf-8")


def _label(k: int) -> str:
    return f"class {k:03}"


def _images(n: int, rng: np.random.Generator) -> pa.Table:
    """The first ``n`` rows of ``images``: as wide in bytes as a real run's."""
    true = rng.integers(0, _CLASSES, n)
    right = rng.random(n) < 0.9  # noqa: PLR2004
    pred = np.where(right, true, rng.integers(0, _CLASSES, n))
    columns: dict[str, object] = {
        "index": np.arange(n),
        "status": ["ok"] * n,
        "slices": [[("site", f"site {i % 7}"), ("camera", f"camera {i % 3}")] for i in range(n)],
        "image_height": np.full(n, 480),
        "image_width": np.full(n, 640),
        "region_source": ["annotation"] * n,
        "n_regions": np.ones(n, np.int32),
        "true_class": true.astype(np.int32),
        "pred_class": pred.astype(np.int32),
        "true_label": [_label(k) for k in true.tolist()],
        "pred_label": [_label(k) for k in pred.tolist()],
        "correct": true == pred,
        "frame": _lists(np.tile(np.float32([80, 0, 560, 480]), (n, 1))),
        "region_grid": _lists(rng.random((n, _CELLS), dtype=np.float32) * 1024),
        **{f"{side}_cam_status": ["ok"] * n for side in ("true", "pred")},
    }
    for side in ("true", "pred"):
        columns[f"{side}_cam"] = _lists(rng.integers(0, 256, (n, _CELLS), dtype=np.uint8))
        columns[f"{side}_pointing_game_hit_guard"] = rng.random(n) < 0.9  # noqa: PLR2004
    return _table("images", columns)


def _moved(rows: pa.Table, start: int, rng: np.random.Generator) -> pa.Table:
    """``rows`` as those from ``start`` on: new indices, names and figures."""
    index = range(start, start + len(rows))
    new: dict[str, object] = {
        "index": index,
        "sample_id": [
            f"{0x9E3779B97F4A7C15F39CC0605CEDC835 * (i + 1) % 2**128:032x}" for i in index
        ],
        "path": [f"photos/photo-{i:08}.jpg" for i in index],
    }
    for field in rows.schema:
        if pa.types.is_float32(field.type):
            new[field.name] = rng.random(len(rows), dtype=np.float32)
    for name, values in new.items():
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(
            at, rows.schema.field(at), _array(values, rows.schema.field(at).type)
        )
    return rows


def _flags(images: pa.Table) -> pa.Table:
    wrong = ~images["correct"].to_numpy()
    off = images["true_mass_lift"].to_numpy() < 0.2  # noqa: PLR2004  (a fifth of the rows)
    rows: dict[str, object] = {name: np.zeros(len(wrong), bool) for name in FLAGS}
    reasons = np.where(off, "lift 0.10 is below 1", "")
    return _table(
        "cases",
        rows
        | {
            "index": images["index"].to_numpy(),
            "sample_id": images["sample_id"].to_pylist(),
            "misclassified": wrong,
            "off_object": off,
            "reason": reasons.tolist(),
            "severity": images["pred_probability"].to_numpy(),
        },
    )


def _slices() -> dict[str, object]:
    names = [("site", f"site {k}") for k in range(7)] + [
        ("camera", f"camera {k}") for k in range(3)
    ]
    return {
        "slice": [name for name, _ in names],
        "value": [value for _, value in names],
    }


def _lists(rows: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


def _media(n: int) -> dict[str, object]:
    scene = np.random.default_rng(1).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    mask = np.zeros((224, 224), np.uint8)
    mask[60:160, 50:150] = 255
    return {
        "index": range(n),
        "galleries": [["control"]] * n,
        "view": [cv2.imencode(".jpg", scene)[1].tobytes()] * n,
        "region": [cv2.imencode(".png", mask)[1].tobytes()] * n,
        "covered": [None] * n,
    }


def _table(name: str, columns: dict[str, object]) -> pa.Table:
    schema = arrow_schema(name, _CELLS)
    n = len(next(iter(columns.values())))  # type: ignore[arg-type]
    arrays = [
        _array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(n, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def _array(values: object, kind: pa.DataType) -> pa.Array:
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:  # noqa: PLR2004  (the second argument)
        sys.exit(main(wanted, Path(sys.argv[2])))
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(main(wanted, Path(scratch)))
