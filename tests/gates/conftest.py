"""A small run folder with just what a gate reads."""

import copy
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.tables.schema import arrow_schema

HOSTILE = "a\x1b[31m|`<b>@you\n\u202e\ufffe\x00[x](//e.example)"

SUMMARY = {
    "counts": {
        "audited": 240,
        "ok": 240,
        "unreadable": 0,
        "nonfinite": 0,
        "unlabelled": 0,
        "no_region": 0,
        "duplicates": 0,
        "degenerate_cam": 0,
        "judged": 240,
    },
    "accuracy": {"value": 0.9, "low": 0.8555, "high": 0.9320, "n": 240},
    "attention": {"median_mass": 0.5, "median_lift": 2.5, "n": 240},
    "maps": {"median_entropy": 0.8, "n": 240, "median_agreement": None, "agreement_n": 0},
    "regions": {"sources": {"annotation": 240}, "aggregated": ["annotation"]},
    "two_by_two": {"correct_on": 200, "correct_off": 16, "wrong_on": 4, "wrong_off": 20},
    "flags": {"misclassified": 24, "off_object": 36},
    "galleries": {"control": 240},
    "problems": [{"kind": "duplicate", "count": 2, "examples": ["a.jpg"]}],
    "verdicts": {
        "version": 1,
        "estimated_regions": False,
        "has_regions": True,
        "counts": {"clean": 2, "spurious": 1},
        "spurious": [2],
        "not_tested": [],
        "images_tested": 90,
        "suspects_tested": 4,
        "forwards": 900,
        "budget": 1200,
        "fill": "blur",
        "fill_agreement": [],
        "whole_set": {"rate": 0.1, "low": 0.05, "high": 0.15, "n": 240, "n_sampled": 90},
    },
    "sanity": None,
}

# label, n, n_correct: 100 + 100 + 40 images, of which 95 + 90 + 31 = 216 are right (.9)
CLASSES = (("cat", 100, 95), ("dog", 100, 90), ("fox", 40, 31))

# column, value, n, n_correct: the same 240 images, some of them without a site
SLICES = (
    ("camera", "north", 200, 186),
    ("camera", "south", 40, 30),
    ("site", "7", 30, 30),
    ("site", "12", 4, 1),
)


def class_row(index, label, n, right):
    return {
        "true_class": index,
        "label": label,
        "n": n,
        "n_correct": right,
        "accuracy": right / n if n else None,
        "n_scored": n,
        "median_lift": 2.5 - index,
        "verdict": "spurious" if index == 2 else "clean",
        "verdict_sentence": f"class {label!r}: decides by a patch" if index == 2 else "",
        "s1_tested": 30,
        "s1_holds": 3 * index,
        "s1_rate": 0.1 * index,
        "s1_n": 10,
        "s1_effect": 0.1 * index,
        "s1_low": 0.1 * index - 0.05,
        "s1_high": 0.1 * index + 0.05,
    }


def manifest(**more):
    fingerprint = {
        "weights": "00",
        "dataset": "dd",
        "annotations": "aa",
        "score_version": "2",
    } | more.pop("fingerprint", {})
    return {
        "format": "cam-audit-run/1",
        "name": "shapes",
        "status": "finished",
        "config": {"limit": None, "seed": 0},
        "dataset": {"name": "shapes", "split": "test", "classes": ["cat", "dog", "fox"], "n": 240},
        "model": {"grid": [7, 7], "preprocessing": {"resize": None, "crop": 224}},
        "view": [224, 224],
        "method": "grad-cam",
        "fingerprint": fingerprint,
    } | more


def answers(classes=CLASSES):
    """One row an image: of each class first the right ones, then the wrong ones."""
    return [
        {"sample_id": f"{index}-{i:03}", "true_class": index, "correct": i < right}
        for index, (_, n, right) in enumerate(classes)
        for i in range(n)
    ]


def slice_row(name, value, n, right):
    """A row of ``slices``, its lift 2 and its heat as large as its share of right answers."""
    return {
        "slice": name,
        "value": value,
        "n_images": n,
        "n": n,
        "n_correct": right,
        "accuracy": right / n if n else None,
        "n_scored": n // 2,
        "median_mass": right / n if n else None,
        "median_lift": 2.0 if n else None,
    }


def write_run(
    folder: Path, summary=None, classes=CLASSES, images=None, slices=None, verdicts=None, **more
):
    """``slices``: rows as slice_row takes them; an image's own are its key of that name.

    ``verdicts``: of each class, the columns that differ.
    """
    folder.mkdir(parents=True)
    found = answers(classes) if images is None else images
    told = manifest(**more)
    told["dataset"] = told["dataset"] | {"audited": len(found)}
    (folder / "manifest.json").write_text(json.dumps(told))
    content = copy.deepcopy(SUMMARY) | (summary or {})
    (folder / "summary.json").write_text(json.dumps(content))
    rows = [class_row(index, *one) for index, one in enumerate(classes)]
    rows = [row | other for row, other in zip(rows, verdicts or [{}] * len(rows), strict=True)]
    table = pa.Table.from_pylist(rows, schema=arrow_schema("classes"))
    pq.write_table(table, folder / "classes.parquet")
    (folder / "images").mkdir()
    kinds = {"sample_id": pa.string(), "true_class": pa.int32(), "correct": pa.bool_()}
    kinds["slices"] = pa.map_(pa.string(), pa.string())
    if slices is not None:
        rows = [slice_row(*one) for one in slices]
        table = pa.Table.from_pylist(rows, schema=arrow_schema("slices"))
        pq.write_table(table, folder / "slices.parquet")
    half = len(found) // 2
    for part, some in enumerate((found[:half], found[half:])):
        path = folder / f"images/part-{part:05}.parquet"
        pq.write_table(pa.Table.from_pylist(some, schema=pa.schema(kinds.items())), path)
    return folder


@pytest.fixture(name="write_run")
def _write_run():
    return write_run


@pytest.fixture(name="answers")
def _answers():
    return answers


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


@pytest.fixture
def summary():
    return copy.deepcopy(SUMMARY)


@pytest.fixture
def class_rows():
    return [class_row(index, *one) for index, one in enumerate(CLASSES)]


@pytest.fixture
def slice_rows():
    return [slice_row(*one) for one in SLICES]


@pytest.fixture
def hostile():
    return HOSTILE


@pytest.fixture
def write_policy(tmp_path):
    def write(text, name="gates.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
