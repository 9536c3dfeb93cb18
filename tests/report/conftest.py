"""A run folder as the audit writes it, made from nothing: pictures, tables, hostile names."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.tables.schema import FLAGS, arrow_schema
from audit.verdicts.cutoffs import VERDICT_VERSION
from audit.verdicts.sentences import verdict_sentence

GRID = (6, 8)
VIEW = (90, 120)
SCRIPT = "<script>alert(1)</script>"
CLASSES = ("cat", SCRIPT, 'the "quoted" dog', "two\nlines")


def picture(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A soft scene with one bright ellipse: RGB H×W×3 uint8, and where the ellipse is."""
    rng = np.random.default_rng(seed)
    height, width = VIEW
    coarse = rng.integers(30, 200, (5, 7, 3), dtype=np.uint8)
    scene = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    centre = (int(rng.integers(40, width - 40)), int(rng.integers(30, height - 30)))
    mask = np.zeros(VIEW, np.uint8)
    cv2.ellipse(mask, centre, (26, 18), int(rng.integers(0, 180)), 0, 360, 255, -1)
    scene[mask > 0] = scene[mask > 0] // 3 + rng.integers(90, 160, 3).astype(np.uint8)
    return scene, mask


def heat(mask: np.ndarray, on: bool, seed: int) -> list[int]:
    """A map over GRID, its maximum 255, hot on the mask or away from it."""
    rng = np.random.default_rng(seed + 1000)
    covered = cv2.resize(mask, GRID[::-1], interpolation=cv2.INTER_AREA) / 255
    wanted = covered if on else np.roll(covered[::-1, ::-1], 2, axis=1) * (covered < 0.1)
    grid = wanted + 0.1 * rng.random(GRID)
    return np.round(255 * grid / grid.max()).astype(int).ravel().tolist()


def case(
    index: int, true: int | None, pred: int, *, on: bool, galleries: Sequence[str], **more: Any
) -> dict[str, Any]:
    """One image's columns of every table; ``more`` overrides any of them (None: a null)."""
    scene, mask = picture(index)
    right = None if true is None else true == pred
    row: dict[str, Any] = {
        "index": index,
        "sample_id": f"{index:032x}",
        "path": f"photos/{index:05}.jpg",
        "status": "ok",
        "correct": right,
        "region_area_fraction": 0.125,
        "galleries": list(galleries),
        "view": jpeg(scene),
        "region": cv2.imencode(".png", mask)[1].tobytes(),
        "misclassified": right is False,
        "off_object": not on,
        "reason": "" if on else "lift 0.40 is below 1",
        "severity": 1 / (1 + index),
    }
    row |= _target("pred", pred, 0.75, 0.05 if not on else 0.5, heat(mask, on, index))
    if true is not None:
        row |= _target("true", true, 0.125 if right is False else 0.75, 0.5, heat(mask, on, index))
    if right is False:
        row |= {"pred_cam": heat(mask, on, index + 7)}
    return row | more


def _target(side: str, index: int, probability: float, mass: float, cam: list[int]) -> dict:
    return {
        f"{side}_class": index,
        f"{side}_label": CLASSES[index] if index < len(CLASSES) else "tench",
        f"{side}_probability": probability,
        f"{side}_relevance_mass_accuracy": mass,
        f"{side}_mass_lift": mass / 0.125,
        f"{side}_cam": cam,
        f"{side}_cam_status": "ok",
    }


def jpeg(rgb: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", rgb[..., ::-1])[1].tobytes()


def manifest(**more: Any) -> dict[str, Any]:
    return {
        "format": "cam-audit-run/1",
        "name": "shapes-tiny",
        "status": "finished",
        "config": {"dataset": "shapes"},
        "dataset": {"name": "shapes", "split": "test", "classes": list(CLASSES), "n": 1240},
        "model": {
            "name": "tiny",
            "architecture": "resnet18",
            "target_layer": "layer3",
            "grid": list(GRID),
            "preprocessing": {"resize": None, "mean": [0, 0.49808, 0]},
            "weights_hash": "sha256:00ff",
        },
        "view": list(VIEW),
        "method": "grad-cam",
        "versions": {"torch": "2.11.0"},
        "device": "cpu",
        "seed": 0,
        "timings": {"total": 12.5},
        "argv": ["cam-audit", "run", f"--dataset={SCRIPT}"],
        "fingerprint": {"weights": "00ff"},
        "fingerprint_id": "abc",
        "warnings": [f"a warning about {SCRIPT}"],
    } | more


def summary(**more: Any) -> dict[str, Any]:
    return {
        "counts": {
            "audited": 1240,
            "ok": 1234,
            "unreadable": 6,
            "nonfinite": 0,
            "unlabelled": 34,
            "no_region": 200,
            "duplicates": 2,
            "degenerate_cam": 0,
        },
        "accuracy": {"value": 0.9, "low": 0.8817, "high": 0.9157, "n": 1200},
        "maps": {
            "median_entropy": 0.83,
            "median_border_mass": 0.31,
            "n": 9,
            "median_agreement": 0.42,
            "agreement_n": 4,
        },
        "regions": {"sources": {"annotation": 9, "none": 1}, "aggregated": ["annotation"]},
        "attention": {
            "median_mass": 0.52,
            "median_lift": 3.25,
            "median_area": 0.16,
            "center_baseline": 0.31,
            "permuted_baseline": 0.27,
            "permuted_n": 7,
            "n": 1000,
        },
        "two_by_two": {"correct_on": 800, "correct_off": 100, "wrong_on": 60, "wrong_off": 40},
        "flags": {"misclassified": 120, "off_object": 150},
        "galleries": {
            "misclassified": 120,
            "off_object": 150,
            "on_object_correct": 800,
            "control": 1240,
        },
        "problems": [
            {"kind": "unreadable", "count": 6, "examples": [f"{SCRIPT}.jpg: truncated", "a\nb"]}
        ],
    } | more


def class_row(index: int, **more: Any) -> dict[str, Any]:
    return {
        "true_class": index,
        "label": CLASSES[index] if index < len(CLASSES) else f"class {index}",
        "n": 300,
        "n_correct": 270,
        "accuracy": 0.9,
        "accuracy_low": 0.861,
        "accuracy_high": 0.929,
        "n_scored": 250,
        "median_mass": 0.52,
        "median_lift": 3.25,
        "median_area": 0.16,
        "median_center_baseline": 0.31,
        "median_permuted_baseline": 0.27,
        "off_object_rate": 0.14,
        "worst_confusion": CLASSES[(index + 1) % len(CLASSES)],
        "worst_confusion_n": 20,
        "verdict": "not_tested",
    } | more


def judged_row(index: int, by: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """A class whose patch and background were tested; found to decide ``by`` either, or clean."""
    means = {
        f"{test}_{name}": value
        for test in ("s1", "s2", "necessity", "sufficiency")
        for name, value in (("n", 30), ("effect", 0.25), ("low", 0.125), ("high", 0.375))
    }
    local = {
        "local_state": "tested",
        "s1_tested": 30,
        "s1_untestable": 2,
        "s1_holds": 12,
        "s1_rate_high": 0.5,
    }
    there = {"s1_drop": 0.5, "s1_control_drop": 0.0, "s1_null_p": 0.5, "s2_turned": 0.25}
    row = class_row(index, verdict="spurious" if by else "clean", verdict_estimated=False)
    row |= {"verdict_by": " and ".join(by) or None, "q_value": 0.0001 if by else 0.75}
    row |= means | local | there | {"background_state": "tested", "cue_place": "at the top left"}
    row |= {f"{way}_passes": way in by for way in ("local", "background")} | more
    return row | {"verdict_sentence": verdict_sentence(row)}


def verdicts(**more: Any) -> dict[str, Any]:
    """``verdicts`` of the summary; as ``write_run(summary={"verdicts": verdicts(...)})``."""
    whole = {"rate": 0.125, "low": 0.0625, "high": 0.25, "n": 1000, "n_sampled": 60}
    return {
        "version": VERDICT_VERSION,
        "estimated_regions": False,
        "has_regions": True,
        "counts": {"spurious": 1, "clean": 1},
        "not_tested": [],
        "images_tested": 60,
        "suspects_tested": 3,
        "forwards": 1500,
        "budget": 2000,
        "fill": "blur",
        "fill_agreement": [],
        "whole_set": whole | {"n_untested": 0},
    } | more


def question_row(name: str, **more: Any) -> dict[str, Any]:
    """A type of 240 questions that is answered by looking; ``more`` overrides."""
    row = {
        "question_type": name,
        "questions": 240,
        "accuracy": 0.75,
        "accuracy_low": 0.625,
        "accuracy_high": 0.875,
        "mass": 0.5,
        "mass_low": 0.375,
        "mass_high": 0.625,
        "area": 0.125,
        "other_mass": 0.25,
        "tested": 40,
        "unchanged": 4,
        "drop": 0.5,
        "control_drop": -0.015625,
        "asked_elsewhere": 40,
        "same_elsewhere": 10,
        "q_value": 0.75,
        "verdict": "clean",
    } | more
    said = "answered without looking" if row["verdict"] == "spurious" else "no language shortcut"
    return {"verdict_sentence": f"question type {name!r}: {said}"} | row


def covering(index: int, cls: int, box: Sequence[int]) -> list[dict[str, Any]]:
    """S1 of one image: covering ``box`` takes 0.75 to 0.125, each of four controls nothing."""
    row = {"index": index, "sample_id": "x", "role": "sample", "test": "S1", "attempt": 1}
    row |= {"watched_class": cls, "watched_label": CLASSES[cls], "fill": "blur"}
    row |= {"area_fraction": 0.03, "on_other_object": False, "p_before": 0.75, "pred_after": cls}
    row |= dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))
    kinds = [("cover", 0.125), *[("control", 0.75)] * 4]
    return [row | {"kind": kind, "p_after": after} for kind, after in kinds]


def swap(cls: int, test: str, index: int, **more: Any) -> dict[str, Any]:
    """A swap of the class ``cls``: 0.5 as it is, 0.75 on its background, 0.125 on another."""
    names = ("picture", "same_picture", "other_picture")
    own = cls if test == "B-necessity" else 0
    return {
        "watched_class": cls,
        "watched_label": CLASSES[cls],
        "test": test,
        "index": index,
        "label": CLASSES[own],
        "p_before": 0.5,
        "same_index": 21,
        "same_p": 0.75,
        "other_index": 22,
        "other_label": CLASSES[2],
        "other_p": 0.125,
        **{name: jpeg(picture(index)[0]) for name in names},
    } | more


CASES = (
    case(0, 0, 0, on=False, galleries=["off_object", "control"]),
    case(1, 1, 2, on=False, galleries=["misclassified", "off_object"], path=f'"{SCRIPT}"\n.jpg'),
    case(2, 2, 0, on=True, galleries=["misclassified"], reason=f"confused with {SCRIPT}"),
    case(3, 3, 3, on=True, galleries=["on_object_correct", "control"]),
    case(4, None, 1, on=False, galleries=["off_object", "control"]),
    case(
        5,
        0,
        9,  # an output outside the dataset's classes
        on=True,
        galleries=["misclassified"],
        region=None,
        region_area_fraction=None,
        true_relevance_mass_accuracy=None,
        true_mass_lift=None,
        pred_relevance_mass_accuracy=float("nan"),
        pred_mass_lift=None,
        no_region=True,
    ),
    case(
        6,
        1,
        1,
        on=True,
        galleries=["control"],
        true_cam=None,
        pred_cam=None,
        true_cam_status="zero",
        pred_cam_status="zero",
        no_evidence=True,
        path=None,
    ),
)


def write_run(
    run: Path,
    cases: Sequence[dict[str, Any]] = CASES,
    classes: Sequence[dict[str, Any]] = tuple(class_row(index) for index in range(4)),
    **more: Any,
) -> Path:
    """Write a run folder; ``manifest=`` and ``summary=`` take overrides of their keys,
    ``interventions=``, ``words=``, ``cues=``, ``swaps=``, ``slices=``, ``questions=`` and
    ``nouns=`` the rows of tables that not every run has.
    """
    for folder in ("images", "media"):
        (run / folder).mkdir(parents=True)
    _json(run / "manifest.json", manifest(**more.get("manifest", {})))
    _json(run / "summary.json", summary(**more.get("summary", {})))
    half = len(cases) // 2  # two parts, as in a run that was taken up again
    for part, rows in enumerate((cases[:half], cases[half:])):
        _table(run / f"images/part-{part:05}.parquet", "images", rows)
        _table(run / f"media/part-{part:05}.parquet", "media", rows)
    _table(run / "cases.parquet", "cases", [dict.fromkeys(FLAGS, False) | row for row in cases])
    _table(run / "classes.parquet", "classes", classes)
    for name in ("interventions", "words"):
        if name in more:
            (run / name).mkdir()
            _table(run / f"{name}/part-00000.parquet", name, more[name])
    for name in ("cues", "swaps", "slices", "questions", "nouns"):
        if name in more:
            _table(run / f"{name}.parquet", name, more[name])
    pairs = [(0, 1, 25), (1, 2, 30), (2, 2, 270)]
    _table(run / "pairs.parquet", "pairs", [_pair(*pair) for pair in pairs])
    return run


def _pair(true: int, pred: int, n: int) -> dict[str, Any]:
    labels = {"true_label": CLASSES[true], "pred_label": CLASSES[pred]}
    return {"true_class": true, "pred_class": pred, "n": n, **labels}


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _table(path: Path, name: str, rows: Sequence[dict[str, Any]]) -> None:
    schema = arrow_schema(name, GRID[0] * GRID[1])
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)


@pytest.fixture(name="write_run")
def _write_run() -> Callable[..., Path]:
    return write_run


@pytest.fixture(name="swap")
def _swap() -> Callable[..., dict[str, Any]]:
    return swap


@pytest.fixture(name="case")
def _case() -> Callable[..., dict[str, Any]]:
    return case


@pytest.fixture(name="cases")
def _cases() -> tuple[dict[str, Any], ...]:
    return CASES


@pytest.fixture(name="summary")
def _summary() -> Callable[..., dict[str, Any]]:
    return summary


@pytest.fixture(name="class_row")
def _class_row() -> Callable[..., dict[str, Any]]:
    return class_row


@pytest.fixture(name="judged_row")
def _judged_row() -> Callable[..., dict[str, Any]]:
    return judged_row


@pytest.fixture(name="question_row")
def _question_row() -> Callable[..., dict[str, Any]]:
    return question_row


@pytest.fixture(name="verdicts")
def _verdicts() -> Callable[..., dict[str, Any]]:
    return verdicts


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """A run of two tested classes: the hostile one decides by a patch, which moves; cat is clean.

    Images 10 and 12 are verified, 11 has a cause of its own; a cue of the class has a picture, and
    two swaps of its background have theirs.
    """
    boxes = {10: (0, 0, 24, 18), 11: (96, 72, 120, 90), 12: (96, 72, 120, 90)}
    flags = {10: "spurious_verified", 11: "local_cause", 12: "spurious_verified"}
    names = {"spurious_verified": "verified", "local_cause": "local_cause"}
    cases = [
        case(at, 1, 1, on=False, galleries=[names[flag]], covered=jpeg(picture(at)[0] // 2))
        | {flag: True, "severity": at / 16}
        for at, flag in flags.items()
    ]
    box = {"x0": 48.0, "y0": 36.0, "x1": 72.0, "y1": 54.0, "spread": 0.4, "drop": 0.625}
    png = cv2.imencode(".png", np.full((64, 64, 3), 200, np.uint8))[1].tobytes()
    cue = {"pred_class": 1, "label": SCRIPT, "cue": 1, "n": 2, "picture": png, "examples": [12, 10]}
    return write_run(
        tmp_path / "found",
        [*CASES, *cases],
        [judged_row(0), judged_row(1, ("local",)), class_row(2), class_row(3)],
        summary={"verdicts": verdicts()},
        interventions=[row for at, where in boxes.items() for row in covering(at, 1, where)],
        cues=[cue | box],
        swaps=[swap(1, "B-necessity", 12), swap(1, "B-sufficiency", 3)],
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The small run folder of CASES."""
    return write_run(tmp_path / "run")
