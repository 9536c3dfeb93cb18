"""What the documentation says is what the program does."""

import re
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from audit.auditing import run_audit
from audit.config import ExplainConfig, RunConfig
from audit.gates.config import GateConfig
from audit.models.class_map import load_class_map
from audit.models.imagenet import imagenet_names, imagenet_wnids
from audit.models.label_space import match_labels
from audit.models.reference import SmallResNet
from audit.models.sidecar import Sidecar, read_sidecar, write_checkpoint
from audit.tables.schema import as_markdown

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def test_the_column_dictionary_is_the_schemas():
    assert (ROOT / "docs/columns.md").read_text() == as_markdown() + "\n"


def _commands():
    for page in PAGES:
        for block in re.findall(r"```(?:sh|bash)\n(.*?)```", page.read_text(), re.DOTALL):
            yield from (
                pytest.param(line, id=f"{page.name}: {line}") for line in block.splitlines() if line
            )


@pytest.mark.parametrize("line", [*_commands()])
def test_every_documented_make_target_and_flag_exists(line):
    command = line.split("#")[0]
    if command.startswith("make"):
        targets = [word for word in command.split()[1:] if re.fullmatch(r"[a-z-]+", word)]
        assert targets
        for target in targets[:1]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        variables = re.findall(r"\b([A-Z_]+)=", command)
        assert set(variables) <= {*_make_variables(), "ARGS", "PYTHON", "CANDIDATE"}
    flags = {
        name.rstrip("_").replace("_", "-")
        for config in (RunConfig, ExplainConfig, GateConfig)
        for name in config.__dataclass_fields__
    }
    known = flags | {"config", "help", "version", "epochs", "single-file"}
    assert set(re.findall(r"--([a-z-]+)", command)) <= known


def _make_variables():
    return re.findall(r"call flag,([A-Z_]+),", (ROOT / "Makefile").read_text())


def test_make_hands_every_variable_on():
    given = {name: f"x {name.lower()}" for name in _make_variables()}
    for target in ("audit", "fit"):
        done = subprocess.run(
            [
                "make",
                "--dry-run",
                "--assume-old=.venv/.installed",
                target,
                *(f"{k}={v}" for k, v in given.items()),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        flags = re.findall(r"call flag,([A-Z_]+),([a-z-]+)", (ROOT / "Makefile").read_text())
        passed = [
            (name, flag) for name, flag in flags if f'--{flag} "{given[name]}"' in done.stdout
        ]
        assert {"DATASET", "DATA_ROOT", "DEVICE"} <= {name for name, _ in passed}


def test_make_help_lists_every_target():
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for target in ("audit", "fit", "report", "explain", "test", "lint", "docs"):
        assert f"make {target}" in shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def _blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)


def _audited(monkeypatch, tmp_path, dataset, checkpoint):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    config = RunConfig(
        dataset=dataset, checkpoint=checkpoint, runs_dir=tmp_path / "runs", workers=0
    )
    return pq.ParquetDataset(run_audit(config).parents[1] / "images").read().to_pandas()


def _slices(folder):
    """Each value's name, column, images, and labelled images."""
    table = pq.read_table(folder / "runs" / "latest" / "slices.parquet")
    rows = table.select(["slice", "value", "n_images", "n"]).to_pylist()
    return [tuple(row.values()) for row in rows]


def test_the_dataset_function_of_the_docs_runs(monkeypatch, tmp_path, two_classes):
    (code,) = _blocks("datasets.md", "python")
    (tmp_path / "squares.py").write_text(code)
    images = _audited(monkeypatch, tmp_path, "squares:make", two_classes(("dark", "bright")))
    assert images["true_label"].tolist() == ["dark", "bright"] * 6
    assert images["region_area_fraction"].iloc[0] == pytest.approx(400 / 4096)
    assert images["slices"].iloc[0] == [("side", "left")]
    assert _slices(tmp_path) == [("side", "left", 12, 12)]


def test_the_table_of_the_docs_runs(monkeypatch, tmp_path, two_classes):
    (table,) = _blocks("datasets.md", "csv")
    (tmp_path / "labels.csv").write_text(table)
    for name in "abc":
        Image.new("RGB", (48, 32), (90, 120, 30)).save(tmp_path / f"{name}.png")
    images = _audited(monkeypatch, tmp_path, "table:labels.csv", two_classes(("cat", "dog")))
    assert images["path"].tolist() == ["a.png", "b.png", "c.png"]
    assert images["n_regions"].tolist() == [2, 1, 0]
    assert images["region_area_fraction"].iloc[0] == pytest.approx((18 + 14) * 21 / (48 * 32))
    assert images["true_label"].isna().tolist() == [False, False, True]
    assert [dict(slices)["camera"] for slices in images["slices"]] == ["north", "south", "south"]
    assert _slices(tmp_path) == [("camera", "north", 1, 1), ("camera", "south", 2, 1)]


@pytest.fixture
def forms(monkeypatch, tmp_path):
    """The photo of docs/regions.md with its regions in every form: form → row of the tables."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos/cat", "photos/dog", "masks/cat", "Annotations/cat"):
        Path(name).mkdir(parents=True)
    Image.new("RGB", (48, 32), (90, 120, 30)).save("photos/cat/a.png")
    (table,), (instances,), (xml,), (code,) = (
        _blocks("regions.md", language) for language in ("csv", "json", "xml", "python")
    )
    Path("boxes.csv").write_text(table)
    Path("instances.json").write_text(instances)
    Path("Annotations/cat/a.xml").write_text(xml)
    exec(compile(code, "docs/regions.md", "exec"), {})  # noqa: S102 - the page's own example

    def audited(regions, checkpoint):
        config = RunConfig(
            dataset="folder",
            data_root=Path("photos"),
            checkpoint=checkpoint,
            regions=regions,
            workers=0,
            sanity=False,
        )
        (row,) = pq.read_table(run_audit(config).parents[1] / "images").to_pylist()
        return row

    return audited


@pytest.mark.parametrize(
    "form", ["boxes:boxes.csv", "coco:instances.json", "voc:Annotations", "masks:masks"]
)
def test_every_form_of_the_docs_says_the_same(forms, two_classes, form):
    row = forms(form, two_classes(("cat", "dog")))
    assert row["region_source"] == "annotation"
    assert row["region_area_fraction"] == pytest.approx(20 * 16 / (48 * 32))
    assert row["true_region_basis"] == "class"
    assert row["n_regions"] == 1
    dog = 16 * 22 / (48 * 32)
    predicted_dog = row["pred_label"] == "dog"
    assert row["pred_region_area_fraction"] == pytest.approx(
        dog if predicted_dog else 20 * 16 / (48 * 32)
    )
    assert row["other_region_mass"] is not None


def test_without_regions_there_are_no_scores(forms, two_classes):
    row = forms("none", two_classes(("cat", "dog")))
    assert row["region_source"] == "none"
    assert row["true_relevance_mass_accuracy"] is None
    assert row["true_cam_entropy"] is not None


def test_the_class_map_of_the_docs_is_read(tmp_path):
    (content,) = [block for block in _blocks("models.md", "json") if "class-map" in block]
    (tmp_path / "map.json").write_text(content)
    class_map = load_class_map(str(tmp_path / "map.json"))
    space = match_labels(["cat", "dog"], imagenet_names(), imagenet_wnids(), 1000, class_map)
    assert space.groups == ((281, 282, 283, 284, 285), (207, 162))


def test_the_sidecar_of_the_docs_is_read(tmp_path):
    (content,) = [block for block in _blocks("models.md", "json") if "cam-audit-model" in block]
    (tmp_path / "model.json").write_text(content)
    sidecar = read_sidecar(tmp_path / "model.safetensors")
    assert sidecar.classes == ("dark", "bright")
    assert sidecar.target_layer == "layer3"


@pytest.fixture
def two_classes(tmp_path):
    def checkpoint(classes):
        path = tmp_path / "two.safetensors"
        torch.manual_seed(1)  # weights whose map of either class is not zero
        write_checkpoint(path, SmallResNet(2).eval(), Sidecar("small_resnet", classes))
        return path

    return checkpoint


def test_no_file_names_a_package_registry():
    hosts = re.compile(r"(pypi|pythonhosted)\.(org|com)|--(extra-)?index-url|--find-links")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in tracked.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".txt", ".toml", ".md", ".cfg", ".yml"} or path.name in {
            "Makefile",
            "run",
        }:
            assert not hosts.search(path.read_text()), name
