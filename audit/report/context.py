"""What the templates print: the run's tables as plain strings, numbers and lists.

Nothing here holds HTML; the templates escape every string.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from audit.report import contract
from audit.report.cards import Card, card
from audit.report.galleries import FIRST, Gallery
from audit.report.load import Case, Row, RunFolder
from audit.report.regions import maps, regions
from audit.report.sanity import sanity
from audit.report.text import clean, count, interval, percent, share, times

__all__ = ["MAX_CLASSES", "MAX_PAIRS", "cards_of", "page"]

MAX_CLASSES = 200  # rows of the class table: beyond them a page is no longer read
MAX_PAIRS = 20
_MAX_EXAMPLES = 10

_QUADRANTS = (
    ("correct_on", "right-on"),
    ("correct_off", "right-off"),
    ("wrong_on", "wrong-other"),
    ("wrong_off", "wrong-off"),
)
_COUNTS = {
    "unreadable": "Images that could not be read",
    "nonfinite": "Images whose scores hold NaN or infinity",
    "unlabelled": "Images without a label",
    "no_region": "Images without a region",
    "duplicates": "Further copies of an image",
    "degenerate_cam": "Images whose map cannot be scored",
}
_METHODS = {
    "grad-cam": "Grad-CAM",
    "grad-cam++": "Grad-CAM++",
    "xgrad-cam": "XGrad-CAM",
    "layer-cam": "LayerCAM",
    "hires-cam": "HiResCAM",
    "cam": "CAM",
    "counterfactual": "counterfactual Grad-CAM",
}
_PROBLEMS = {
    **_COUNTS,
    "duplicate": _COUNTS["duplicates"],
    "region_cut_away": "Images whose view keeps less than a quarter of the region",
    "note": "Notes on how images were read",
}


def cards_of(cases: Sequence[Case]) -> dict[int, Card]:
    """Image index → its card, for every case that some shelf of the page may hold."""
    return {case.index: card(case) for case in cases}


def page(
    run: RunFolder, shelves: Sequence[Gallery], cards: Mapping[int, Card]
) -> dict[str, object]:
    """Everything ``index.html`` prints, by the names that the templates use."""
    manifest, summary = run.manifest, run.summary
    return {
        "title": f"{clean(manifest['dataset']['name'])} · {clean(manifest['model']['name'])}",
        "about": _about(manifest),
        "run": clean(manifest["name"]),
        "unfinished": manifest["status"] not in contract.COMPLETE,
        "status": clean(manifest["status"]),
        "facts": _facts(manifest, summary),
        "counts": _counts(summary["counts"], manifest["dataset"]["n"]),
        "accuracy": _accuracy(summary["accuracy"]),
        "attention": _attention(summary["attention"]),
        "sanity": sanity(summary.get("sanity")),  # runs of before had none
        "regions": regions(summary["regions"]),
        "maps": maps(summary["maps"]),
        "quadrants": _quadrants(summary["two_by_two"], {one.shelf.id for one in shelves}),
        "classes": _classes(run.classes),
        "pairs": _pairs(run.pairs, run.classes),
        "galleries": [_gallery(one, cards) for one in shelves],
        "problems": [_problem(problem) for problem in summary["problems"]],
        "warnings": [clean(warning, 400) for warning in manifest["warnings"]],
        "manifest": json.dumps(manifest, indent=2, ensure_ascii=False),
    }


def _about(manifest: Row) -> str:
    dataset, model, view = manifest["dataset"], manifest["model"], manifest["view"]
    split = f"{clean(dataset['split'], 40)} split, " if dataset.get("split") else ""
    return (
        f"{split}{len(dataset['classes']):,} classes, seen at {view[0]}×{view[1]} pixels;"
        f" {clean(_method(manifest))} of {clean(model['target_layer'])},"
        f" a map of {model['grid'][0]}×{model['grid'][1]} cells"
    )


def _counts(counts: Row, n: int) -> dict[str, object]:
    problems = [(words, counts[name]) for name, words in _COUNTS.items()]
    return {
        "audited": count(counts["audited"]),
        "of": count(n) if counts["audited"] < n else "",  # a sample says that it is one
        "ok": count(counts["ok"]),
        "table": [(words, count(value)) for words, value in problems],
        "amiss": [(words, count(value)) for words, value in problems if value],
    }


def _accuracy(accuracy: Row | None) -> dict[str, object] | None:
    if accuracy is None or accuracy["value"] is None:
        return None
    return {
        "value": percent(accuracy["value"]),
        "interval": interval(accuracy["low"], accuracy["high"]),
        "n": count(accuracy["n"]),
        "strip": _strip(low=accuracy["low"], high=accuracy["high"], dot=accuracy["value"]),
    }


def _attention(attention: Row | None) -> dict[str, object] | None:
    """The label's maps, with what the same figure is worth without looking at the image."""
    if attention is None or attention["median_mass"] is None:
        return None
    bars = (
        ("This model’s maps", attention["median_mass"]),
        (_permuted(attention), attention["permuted_baseline"]),
        ("A spot in the centre", attention["center_baseline"]),
        ("Chance: the object’s share of the view", attention["median_area"]),
    )
    return {
        "mass": percent(attention["median_mass"], 0),
        "area": percent(attention["median_area"], 0),
        "lift": times(attention["median_lift"]),
        "n": count(attention["n"]),
        "bars": [(words, percent(value), _at(value)) for words, value in bars],
        "beats": _beats(attention),
    }


def _permuted(attention: Row) -> str:
    """The permuted baseline's name, with its number of images where that is a smaller one."""
    n = attention["permuted_n"]
    fewer = f" ({count(n)} images)" if n < attention["n"] else ""
    return f"Another image’s map of the class{fewer}"


def _beats(attention: Row) -> str:
    """``above``, ``below`` or ``mixed``: the median map against all three baselines."""
    names = ("permuted_baseline", "center_baseline", "median_area")
    known = [attention[name] for name in names if attention[name] is not None]
    if all(attention["median_mass"] > baseline for baseline in known):
        return "above"
    return "below" if all(attention["median_mass"] <= baseline for baseline in known) else "mixed"


def _quadrants(cells: Row | None, targets: set[str]) -> dict[str, object] | None:
    if cells is None or not (judged := sum(cells[name] for name, _ in _QUADRANTS)):
        return None
    found: dict[str, object] = {
        name: {
            "n": count(cells[name]),
            "share": share(cells[name], judged),
            "target": target if target in targets and cells[name] else "",
        }
        for name, target in _QUADRANTS
    }
    off = cells["correct_off"] + cells["wrong_off"]
    return {**found, "judged": count(judged), "off": share(off, judged), "any_off": off > 0}


def _classes(classes: Sequence[Row]) -> dict[str, object]:
    """Every class in label order; of very many, those with the lowest accuracy."""
    rows = classes
    if len(classes) > MAX_CLASSES:
        rows = sorted(classes, key=_accuracy_or_last)[:MAX_CLASSES]
    return {
        "rows": [_class_row(row) for row in rows],
        "total": count(len(classes)),
        "shown": count(len(rows)),
        "capped": len(rows) < len(classes),
        "tested": any(row["verdict"] != "not_tested" for row in classes),
    }


def _accuracy_or_last(row: Row) -> float:
    return 2.0 if row["accuracy"] is None else float(row["accuracy"])


def _class_row(row: Row) -> dict[str, object]:
    return {
        "label": clean(row["label"], 60),
        "n": count(row["n"]),
        "accuracy": percent(row["accuracy"]),
        "interval": interval(row["accuracy_low"], row["accuracy_high"]),
        "n_scored": count(row["n_scored"]),
        "mass": percent(row["median_mass"]),
        "area": percent(row["median_area"]),
        "center": percent(row["median_center_baseline"]),
        "permuted": percent(row["median_permuted_baseline"]),
        "lift": times(row["median_lift"]),
        "mass_strip": _strip(row["median_area"], row["median_mass"], row["median_mass"]),
        "below": (row["median_lift"] or 1) < 1,
        "off": percent(row["off_object_rate"]),
        "confusion": None if row["worst_confusion"] is None else clean(row["worst_confusion"], 60),
        "confusion_n": count(row["worst_confusion_n"]),
        "verdict": clean(row["verdict"]).replace("_", " "),
    }


def _pairs(pairs: Sequence[Row], classes: Sequence[Row]) -> dict[str, object]:
    wrong = [pair for pair in pairs if pair["true_class"] != pair["pred_class"]]
    wrong.sort(key=lambda pair: (-pair["n"], pair["true_class"], pair["pred_class"]))
    sizes = {row["true_class"]: row["n"] for row in classes}
    return {
        "rows": [
            {
                "true": clean(pair["true_label"], 60),
                "pred": clean(pair["pred_label"], 60),
                "n": count(pair["n"]),
                "share": share(pair["n"], sizes.get(pair["true_class"])),
                "bar": _at(pair["n"] / wrong[0]["n"]),
            }
            for pair in wrong[:MAX_PAIRS]
        ],
        "total": count(len(wrong)),
        "capped": len(wrong) > MAX_PAIRS,
    }


def _gallery(gallery: Gallery, cards: Mapping[int, Card]) -> dict[str, object]:
    cases = gallery.cases
    return {
        "id": gallery.shelf.id,
        "title": gallery.shelf.title,
        "lead": gallery.shelf.lead,
        "cards": [cards[case.index] for case in cases[:FIRST]],
        "shown": count(min(len(cases), FIRST)),
        "kept": count(len(cases)),
        "total": count(gallery.total),
        "more": len(cases) > FIRST,
    }


def _problem(problem: Row) -> dict[str, object]:
    kind = str(problem["kind"])
    return {
        "kind": _PROBLEMS.get(kind, clean(kind).replace("_", " ").capitalize()),
        "n": count(problem["count"]),
        "examples": [clean(example, 160) for example in problem["examples"][:_MAX_EXAMPLES]],
    }


def _facts(manifest: Row, summary: Row) -> list[tuple[str, str]]:
    """What was run, as terms and values; a manifest that lacks one of them leaves it out."""
    dataset, model = manifest["dataset"], manifest["model"]
    facts = {
        "Dataset": f"{clean(dataset['name'])}, {len(dataset['classes']):,} classes",
        "Model": clean(model["name"]),
        "Architecture": model.get("architecture"),
        "Weights": model.get("weights_hash"),
        "Preprocessing": _flat(model.get("preprocessing")),
        "Method": _method(manifest),
        "Target layer": model["target_layer"],
        "Regions": regions(summary["regions"])["line"],
        "Map’s grid": "×".join(str(side) for side in model["grid"]),
        "Model’s view": "×".join(str(side) for side in manifest["view"]) + " pixels",
        "Started": manifest.get("started"),
        "Device": manifest.get("device"),
        "Seed": manifest.get("seed"),
        "Versions": _flat(manifest.get("versions")),
        "Fingerprint": manifest.get("fingerprint_id"),
    }
    return [(term, clean(value, 300)) for term, value in facts.items() if value is not None]


def _method(manifest: Row) -> str:
    return _METHODS.get(manifest["method"], str(manifest["method"]))


def _flat(value: object) -> str | None:
    if not isinstance(value, Mapping):
        return None if value is None else str(value)
    known = [(key, each) for key, each in value.items() if each is not None]
    return " · ".join(f"{key} {_short(each)}" for key, each in known)


def _short(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_short(each) for each in value) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _at(value: float | None) -> str | None:
    """A place on a 0–1 axis as an SVG percentage; None: nothing to draw."""
    return None if value is None else f"{100 * min(max(value, 0.0), 1.0):.2f}%"


def _strip(low: float | None, high: float | None, dot: float | None) -> dict[str, str] | None:
    """A line from ``low`` to ``high`` with a dot, for an axis from 0 to 1."""
    places = {"low": _at(low), "high": _at(high), "dot": _at(dot)}
    known = {name: place for name, place in places.items() if place is not None}
    return known if len(known) == len(places) else None
