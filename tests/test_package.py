"""The wheel works where nothing of this checkout is: built, installed elsewhere, and run."""

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what git would hand out (no build leftovers)."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("audit", "pipelines", "reports"):
        for file in (ROOT / name).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                target = source / file.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_the_library_its_commands_and_its_templates_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "audit",
        "pipelines",
    }
    for needed in (
        "audit/py.typed",
        "audit/templates/report.html.j2",
        "audit/templates/report.js",
        "audit/data/photos_boxes.json",
        "audit/models/stl10_imagenet.json",
        "audit/models/imagenet_wnids.txt",
    ):
        assert needed in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    sources = {str(p.relative_to(ROOT)) for p in (ROOT / "audit").rglob("*.py")}
    assert sources <= set(names)


def test_it_audits_from_an_environment_of_its_own(wheel, stl10_root, checkpoint, tmp_path):
    """The environment holds the wheel; of this one it sees only the dependencies."""
    environment = tmp_path / "elsewhere"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True)
    site = next((environment / "lib").glob("python*/site-packages"))
    # Reached through a plain path entry, this environment's own editable install stays unseen.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    command = [
        *(str(environment / "bin" / "cam-audit"), "run", "--dataset", "stl10", "--data-root"),
        *(str(stl10_root), "--checkpoint", str(checkpoint), "--runs-dir", "runs"),
        *("--regions", "none"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = tmp_path / done.stdout.strip()
    assert report.is_file()
    assert json.loads((report.parents[1] / "summary.json").read_text())["counts"]["audited"] == 24
    where = [str(python), "-c", "import audit, audit.templates; print(audit.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(environment))
