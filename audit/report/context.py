"""What the templates print: the run's tables as plain strings, numbers and lists.

Nothing here holds HTML; the templates escape every string.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from audit.gates.policy import Policy
from audit.gates.summary_evidence import evidence_of
from audit.report import contract
from audit.report.axis import at, strip
from audit.report.banner import banner, caption_banner, question_banner, tested
from audit.report.cards import Card, card
from audit.report.charts import charts
from audit.report.class_table import class_table, shown_classes
from audit.report.cues import shown_cues
from audit.report.galleries import FIRST, Gallery, absent
from audit.report.load import RunFolder
from audit.report.matrix import matrix, pairs_table, shown_pairs
from audit.report.nouns import nouns
from audit.report.questions import links as links_of_types
from audit.report.questions import questions, told
from audit.report.regions import maps, regions
from audit.report.ruling import judged, ruling
from audit.report.sanity import sanity
from audit.report.slice_table import slice_places, slice_table
from audit.report.suspicions import links, suspicions
from audit.report.tables import Row
from audit.report.text import clean, count, interval, percent, share, times
from audit.report.trust import chance

__all__ = ["cards_of", "page"]

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
_ALWAYS = ("unreadable", "no_region")  # on the first screen even where there is none
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


def cards_of(run: RunFolder) -> dict[int, Card]:
    """Image index → its card, for every case that some shelf of the page may hold."""
    estimated = _estimated(run.summary)
    return {case.index: card(case, estimated=estimated) for case in run.cases}


def page(
    run: RunFolder, shelves: Sequence[Gallery], cards: Mapping[int, Card], policy: Policy
) -> dict[str, object]:
    """Everything ``index.html`` prints, by the names that the templates use."""
    manifest, summary, held = run.manifest, run.summary, shown_pairs(run.cases)
    verdicts, places = summary.get("verdicts"), links(run)  # runs of before had no verdicts
    return {
        "title": f"{clean(manifest['dataset']['name'])} · {clean(manifest['model']['name'])}",
        "about": _about(manifest),
        "run": clean(manifest["name"]),
        "unfinished": manifest["status"] not in contract.COMPLETE,
        "status": clean(manifest["status"]),
        "facts": _facts(manifest, summary),
        "counts": _counts(summary["counts"], manifest["dataset"]["n"]),
        "ruling": _ruling(run, policy, places),
        "banner": _banner(run, places),
        "suspicions": suspicions(run, cards),
        "chance": chance(run.classes) if verdicts and tested(verdicts) and places else "",
        "accuracy": _accuracy(summary["accuracy"]),
        "attention": _attention(summary["attention"]),
        "sanity": sanity(summary.get("sanity")),  # runs of before had none
        "regions": regions(summary["regions"]),
        "maps": maps(summary["maps"]),
        "quadrants": _quadrants(summary["two_by_two"], {one.shelf.id for one in shelves}),
        "questions": questions(run),
        "nouns": nouns(run),
        "classes": class_table(
            run.classes, places, {case.true.index for case in run.cases if case.true}
        ),
        "slices": slice_table(run.slices, summary, run.cases),
        "matrix": matrix(run.pairs, run.classes, held),
        "pairs": pairs_table(run.pairs, run.classes, held),
        "charts": charts(summary.get("distributions")),
        "absent": ", ".join(absent(shelves, summary)),
        "galleries": [_gallery(one, cards, _estimated(summary)) for one in shelves],
        "problems": [_problem(problem) for problem in summary["problems"]],
        "warnings": [clean(warning, 400) for warning in manifest["warnings"]],
        "manifest": json.dumps(manifest, indent=2, ensure_ascii=False),
    }


def _banner(run: RunFolder, places: Mapping[int, str]) -> dict[str, object]:
    verdicts = run.summary.get("verdicts")
    if run.questions and verdicts is not None:
        return question_banner(verdicts, told(run.questions))
    if run.summary.get("words") is not None:
        return caption_banner()
    return banner(verdicts, run.classes, places, _pictures(run, places))


def _ruling(run: RunFolder, policy: Policy, blocks: Mapping[int, str]) -> dict[str, object]:
    rows = {row["true_class"]: f"class-{row['true_class']}" for row in shown_classes(run.classes)}
    evidence = evidence_of(run.summary, run.classes, run.slices, run.questions)
    verdict = judged(policy, evidence, str(run.manifest["name"]))
    rows |= {-1 - at: place for at, place in links_of_types(run.questions).items()}
    places = {"class": {**rows, **blocks}, "slice": slice_places(run.slices)}
    return ruling(policy, verdict, places, _sections(run))


def _sections(run: RunFolder) -> set[str]:
    """The ids of the sections of its page that a gate may lead to."""
    found = {"overview", "cases", "data", "method"}
    if run.classes or run.summary.get("words") is None:
        found |= {"classes", "confusions"}
    if run.slices:
        found.add("slices")
    if any(charts(run.summary.get("distributions")).values()):
        found.add("distributions")
    return found


def _pictures(run: RunFolder, classes: Iterable[int]) -> dict[int, str]:
    """true_class → the picture of its strongest cue, of the classes that have one."""
    strongest = {index: shown_cues(run, index)[:1] for index in classes}
    return {index: cues[0]["src"] for index, cues in strongest.items() if cues}


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
        "first": [
            (words, count(counts[name]))
            for name, words in _COUNTS.items()
            if counts[name] or name in _ALWAYS
        ],
    }


def _accuracy(accuracy: Row | None) -> dict[str, object] | None:
    if accuracy is None or accuracy["value"] is None:
        return None
    return {
        "value": percent(accuracy["value"]),
        "interval": interval(accuracy["low"], accuracy["high"]),
        "n": count(accuracy["n"]),
        "strip": strip(low=accuracy["low"], high=accuracy["high"], dot=accuracy["value"]),
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
        "bars": [(words, percent(value), at(value)) for words, value in bars],
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


def _estimated(summary: Row) -> bool:
    """Whether the verdicts rest on estimated regions, and so are warnings at most."""
    verdicts = summary.get("verdicts")
    return verdicts is not None and bool(verdicts["estimated_regions"])


def _gallery(gallery: Gallery, cards: Mapping[int, Card], estimated: bool) -> dict[str, object]:
    cases = gallery.cases
    return {
        "id": gallery.shelf.id,
        "title": gallery.shelf.title,
        "lead": gallery.shelf.lead,
        "estimated": estimated and gallery.shelf.tested,
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
        "Precision": _precision(manifest, summary),
        "Seed": manifest.get("seed"),
        "Versions": _flat(manifest.get("versions")),
        "Fingerprint": manifest.get("fingerprint_id"),
    }
    return [(term, clean(value, 300)) for term, value in facts.items() if value is not None]


def _precision(manifest: Row, summary: Row) -> object:
    """What the model computed in and, where that is less than float32, what it changed."""
    name, found = manifest.get("dtype"), summary.get("precision")
    if not found:
        return name
    said = (
        f"{name}; against float32, on {found['n']} images: {found['predictions_changed']} "
        "predictions changed"
    )
    if found["mass_n"]:
        said += f", heat on object moved by {found['mass_largest']:.4f} at most"
    return said


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
