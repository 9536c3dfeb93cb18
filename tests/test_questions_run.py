"""Whole audits of questions and of captions, by models whose every answer is known by hand."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import nn

import audit
from audit.auditing import run_audit
from audit.comparison.compare import compare_runs
from audit.comparison.config import CompareConfig
from audit.config import RunConfig
from audit.gates.policy import default_policy
from audit.report.load import read_run
from audit.tasks.base import Answers, Word

SIDE = 32
IMAGES = 12
COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255)}


class Looks(nn.Module):
    """Answers (blue, red, square): the colour by the picture, the shape by the question's word."""

    def __init__(self):
        super().__init__()
        self.cells = nn.AvgPool2d(8)  # 4×4
        self.ours = nn.Identity()
        self.weight = nn.Parameter(torch.tensor([[-1.0, 0, 1], [1, 0, -1], [0, 0, 0]]))

    def forward(self, images, questions):
        seen = self.ours(self.cells(images)).amax(dim=(2, 3)) @ self.weight.T * 20
        shape = torch.tensor(["shape" in question for question in questions])
        told = torch.tensor([[0.0, 0, 1]]) * 40
        return torch.where(shape[:, None], told + 0 * seen, seen)


class Says(nn.Module):
    """Always says "a red square": the words' scores are what is red, and what is not black."""

    def __init__(self):
        super().__init__()
        self.cells = nn.AvgPool2d(8)
        self.ours = nn.Identity()
        self.weight = nn.Parameter(torch.ones(1))

    def ask(self, images, asked):
        cells = self.ours(self.cells(images)) * self.weight
        red, bright = cells[:, 0].sum(dim=(1, 2)), cells.sum(dim=(1, 2, 3))
        scores = torch.stack([bright, red, red, bright], dim=1) - 100
        said = tuple((text.get("caption"), "a red square") for text in asked.texts)
        words = [
            Word(image, 2 + place, "pred", place + 1, word)
            for image in range(len(images))
            for place, word in enumerate(("red", "square"))
        ]
        right = [true == pred for true, pred in said]
        return Answers(
            scores=scores,
            log_probability=scores.detach(),
            true=torch.zeros(len(images), dtype=torch.int64),
            predicted=torch.tensor([0 if same else 1 for same in right]),
            said=said,
            words=tuple(words),
        )


def looks():
    return Looks()


def says():
    return Says()


class Looks2(Looks):
    """The same, but the shape too is answered by the picture: any colour is a square's."""

    def forward(self, images, questions):
        cells = self.ours(self.cells(images))
        seen = cells.amax(dim=(2, 3)) @ self.weight.T * 20
        shape = torch.tensor(["shape" in question for question in questions])
        bright = cells.amax(dim=(1, 2, 3))[:, None] * torch.tensor([[0.0, 0, 40]])
        return torch.where(shape[:, None], bright + torch.tensor([[10.0, 0, 0]]), seen)


def looks_twice():
    return Looks2()


def _write(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


def _draw(folder, name_of, square_at):
    """Black images with one square of 8×8 pixels on the grid of cells; returns COCO's lists."""
    images, annotations = [], []
    folder.mkdir(parents=True)
    for k in range(IMAGES):
        colour = ("red", "blue")[k % 2]
        pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
        x, y = square_at(k)
        pixels[y : y + 8, x : x + 8] = COLOURS[colour]
        Image.fromarray(pixels).save(folder / name_of(k))
        images.append({"id": k, "file_name": name_of(k), "height": SIDE, "width": SIDE})
        box = {"id": k, "image_id": k, "category_id": 1, "bbox": [x, y, 8, 8], "area": 64}
        annotations.append(box | {"iscrowd": 0})
    return images, annotations


def _place(k):
    return 8 * (k % 4), 8 * (k // 4)


def _masses(n):
    """What one hot cell of four keeps inside itself when it is upsampled, along both axes.

    In the middle, three quarters: the two half pixels beside it take an eighth each; at a border
    nothing lies beyond.
    """
    kept = (0.875, 0.75, 0.75, 0.875)
    return [kept[k % 4] * kept[k // 4] for k in range(n)]


@pytest.fixture
def questions(tmp_path):
    """Two questions about each image, "what color is it?" and "what shape is it?"."""
    subset = "test"
    images, objects = _draw(tmp_path / subset, lambda k: f"COCO_{subset}_{k:012d}.png", _place)
    asked, answered = [], []
    for k in range(IMAGES):
        colour = ("red", "blue")[k % 2]
        for number, word, answer in ((2 * k, "color", colour), (2 * k + 1, "shape", "square")):
            question = f"what {word} is it?"
            asked.append({"question_id": number, "image_id": k, "question": question})
            answered.append(
                {
                    "question_id": number,
                    "image_id": k,
                    "multiple_choice_answer": answer,
                    "question_type": f"what {word}",
                    "answer_type": "other",
                }
            )
    _write(tmp_path / f"v2_OpenEnded_mscoco_{subset}_questions.json", {"questions": asked})
    _write(tmp_path / f"v2_mscoco_{subset}_annotations.json", {"annotations": answered})
    categories = [{"id": 1, "name": "square"}]
    content = {"images": images, "annotations": objects, "categories": categories}
    _write(tmp_path / "annotations" / f"instances_{subset}.json", content)
    rests = [{"question_id": n, "annotation_ids": [n // 2]} for n in range(2 * IMAGES)]
    regions = {"format": "cam-audit-vqa-regions/1", "regions": rests}
    _write(tmp_path / f"regions_{subset}.json", regions)
    return tmp_path


@pytest.fixture
def captions(tmp_path):
    """Captions "a red square" and "a blue square"; the last image's square is called a disc."""
    images, objects = _draw(tmp_path / "test", lambda k: f"{k}.png", _place)
    objects[-1]["category_id"] = 2
    said = [
        {"id": k, "image_id": k, "caption": f"a {('red', 'blue')[k % 2]} square"}
        for k in range(IMAGES)
    ]
    categories = [{"id": 1, "name": "square"}, {"id": 2, "name": "disc"}]
    content = {"images": images, "annotations": objects, "categories": categories}
    _write(tmp_path / "annotations" / "instances_test.json", content)
    _write(tmp_path / "annotations" / "captions_test.json", {"images": images, "annotations": said})
    return tmp_path


def _run(root, dataset, model, run="own", **more):
    config = RunConfig(
        dataset=dataset,
        data_root=root,
        split="test",
        model=f"{__name__}:{model}",
        target_layer="ours",
        runs_dir=root / "runs",
        run=run,
        workers=0,
        batch_size=5,
        **more,
    )
    return run_audit(config).parents[1]


def test_a_type_answered_from_its_words_is_found_and_one_that_needs_the_picture_is_not(questions):
    run = _run(questions, "vqa", "looks")
    table = pq.read_table(run / "images").to_pandas()
    assert table["correct"].all()
    assert table["sample_id"].nunique() == 2 * IMAGES  # of image and question
    assert table["question"].tolist()[:2] == ["what color is it?", "what shape is it?"]
    color = table[table["question"] == "what color is it?"]
    assert color["true_relevance_mass_accuracy"].tolist() == pytest.approx(_masses(IMAGES))

    kinds = audit.load_run(run).questions.set_index("question_type")
    assert kinds["verdict"].to_dict() == {"what color": "clean", "what shape": "spurious"}
    shape, color = kinds.loc["what shape"], kinds.loc["what color"]
    assert (shape["tested"], shape["unchanged"]) == (IMAGES, IMAGES)
    assert shape["drop"] == pytest.approx(0, abs=1e-6)
    assert shape["same_elsewhere"] == shape["asked_elsewhere"] == IMAGES
    # covered, the picture is black: blue and red are as probable, and the first is answered
    assert color["unchanged"] == IMAGES / 2
    assert color["drop"] == pytest.approx(0.5, abs=0.2)
    assert "12 of 12 answers stay" in shape["verdict_sentence"]

    summary = json.loads((run / "summary.json").read_text())
    assert summary["verdicts"]["counts"] == {"clean": 1, "spurious": 1}
    assert summary["verdicts"]["spurious"] == ["what shape"]


def test_every_look_is_recorded(questions):
    run = _run(questions, "vqa", "looks", sanity=False)
    rows = pq.read_table(run / "interventions").to_pandas()
    assert set(rows["test"]) == {"look"}
    of_each = rows.groupby(["index", "kind"]).size().to_dict()
    wanted = {"cover": 1, "control": 2, "other_image": 1}
    assert of_each == {(k, kind): n for k in range(2 * IMAGES) for kind, n in wanted.items()}
    covers = rows[rows["kind"] == "cover"]
    for row in covers.itertuples():
        x, y = _place(row.index // 2)
        assert (row.x0, row.y0, row.x1, row.y1) == (x, y, x + 8, y + 8)
    others = rows[rows["kind"] == "other_image"]
    assert (others["other_index"] // 2 != others["index"] // 2).all()  # another image, not question


def test_the_page_and_the_gates_name_the_type(questions):
    from audit.gates.evaluate import evaluate
    from audit.gates.summary_evidence import evidence_of

    run = _run(questions, "vqa", "looks", sanity=False)
    page = (run / "report" / "index.html").read_text()
    assert "answered without looking" in page
    assert "what color is it?" in page
    held = read_run(run)
    evidence = evidence_of(held.summary, held.classes, held.slices, held.questions)
    verdict = evaluate(default_policy(with_baseline=False), evidence, run="own")
    told = json.dumps(verdict, default=vars)
    assert "what shape" in told


def test_captions_name_their_words_and_what_is_not_there(captions):
    run = _run(captions, "coco-captions", "says", sanity=False)
    table = pq.read_table(run / "images").to_pandas()
    assert table["true_class"].isna().all()
    assert table["pred_class"].isna().all()
    assert table["correct"].tolist() == [k % 2 == 0 for k in range(IMAGES)]
    assert table["true_label"].tolist()[:2] == ["a red square", "a blue square"]
    assert set(table["pred_label"]) == {"a red square"}
    assert table["entropy"].isna().all()

    words = pq.read_table(run / "words").to_pandas()
    assert words["word"].tolist() == ["square"] * IMAGES  # "red" names no class
    assert words["present"].tolist() == [True] * (IMAGES - 1) + [False]
    mass = words["relevance_mass_accuracy"]
    assert mass[:-1].tolist() == pytest.approx(_masses(IMAGES - 1))
    assert np.isnan(mass.iloc[-1])

    opened = audit.load_run(run)
    assert opened.words["word"].tolist() == words["word"].tolist()
    assert "cam" not in opened.words
    nouns = opened.nouns.set_index("label")
    assert nouns.loc["square", ["said", "hallucinated", "missed"]].tolist() == [IMAGES, 1, 0]
    assert nouns.loc["disc", ["said", "referred"]].tolist() == [0, 0]
    summary = json.loads((run / "summary.json").read_text())
    assert summary["words"]["hallucinated"]["value"] == pytest.approx(1 / IMAGES)
    assert len(pd.read_parquet(run / "classes.parquet")) == 0
    assert "hallucinated" in (run / "report" / "index.html").read_text()


def test_two_runs_of_captions_are_compared(captions):
    base, candidate = (
        _run(captions, "coco-captions", "says", run, sanity=False) for run in ("old", "new")
    )
    config = CompareConfig(compare_dir=captions / "compare")
    page = compare_runs(base, candidate, config).report
    found = json.loads((page.parents[1] / "comparison.json").read_text())
    assert found["accuracy"]["n"] == IMAGES
    assert found["accuracy"]["churn"] == {
        "n": IMAGES,
        "count": 0,
        "value": 0.0,
        "low": pytest.approx(0.0, abs=1e-12),
        "high": pytest.approx(0.2425, abs=1e-3),  # Wilson's for 0 of 12
    }
    assert "a blue square" in page.read_text()


def test_a_type_that_is_looked_for_again_is_cured_and_the_reverse_is_worse(questions):
    blind, seeing = (
        _run(questions, "vqa", model, run, sanity=False)
        for model, run in (("looks", "blind"), ("looks_twice", "seeing"))
    )
    kinds = pd.read_parquet(seeing / "questions.parquet").set_index("question_type")
    assert kinds["verdict"].to_dict() == {"what color": "clean", "what shape": "clean"}
    for pair, change, side in (
        ((blind, seeing), "cured", "better"),
        ((seeing, blind), "newly_spurious", "worse"),
    ):
        page = compare_runs(*pair, CompareConfig(compare_dir=questions / "compare")).report
        found = json.loads((page.parents[1] / "comparison.json").read_text())
        assert [(one["name"], one["change"]) for one in found["questions"]] == [
            ("what shape", change)
        ]
        assert "question type what shape" in [one["subject"] for one in found["answer"][side]]
        assert "12 of 12 answers stay" in page.read_text()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier_where_questions_are_asked(
    questions, visit, accessible, scheme, width
):
    run = _run(questions, "vqa", "looks", sanity=False)
    page = visit(run / "report" / "index.html", color_scheme=scheme, width=width)
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_an_enlarged_caption_shows_the_map_of_each_of_its_nouns(captions, visit, accessible):
    run = _run(captions, "coco-captions", "says", sanity=False)
    page = visit(run / "report" / "index.html")
    page.locator("#right-on .case a.stack").first.click()
    box = page.locator("#lightbox")
    note = box.locator(".map-note")
    assert note.inner_text() == "Map for a red square"
    box.get_by_role("button", name="square").click()
    assert note.inner_text() == "Map for square: 76.6% on it"  # the first corner: .875²
    accessible(page)
    page.keyboard.press("p")
    assert note.inner_text() == "Map for a red square"
