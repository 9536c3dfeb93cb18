import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from audit.config import ExplainConfig
from pipelines import cli

ROOT = Path(__file__).parents[2]


@pytest.fixture
def asked(monkeypatch):
    """What ``explain`` was called with; nothing is drawn."""
    seen = []

    def explain_images(images, config, _say):
        seen.append((images, config))
        return Path("explain")

    monkeypatch.setattr("audit.pictures.explaining.explain_images", explain_images)
    return seen


def test_images_and_flags_in_any_order(asked, capsys):
    argv = ["explain", "a.jpg", "--class", "tabby", "b.jpg", "--no-guided", "--model", "resnet18"]
    assert cli.main(argv) == 0
    (found,) = asked
    assert found == (
        (Path("a.jpg"), Path("b.jpg")),
        ExplainConfig(class_="tabby", guided=False, model="resnet18"),
    )
    assert capsys.readouterr().out.splitlines()[-1] == "explain"


def test_the_environment_is_read(asked, monkeypatch):
    monkeypatch.setenv("CAM_AUDIT_CLASS", "true")
    monkeypatch.setenv("CAM_AUDIT_COLORMAP", "viridis")
    assert cli.main(["explain", "a.jpg"]) == 0
    assert asked[0][1] == ExplainConfig(class_="true", colormap="viridis")


def test_help_names_every_flag():
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "explain", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    shown = set(re.findall(r"--([a-z-]+)", done.stdout))
    fields = ExplainConfig.__dataclass_fields__
    assert {name.rstrip("_").replace("_", "-") for name in fields} <= shown
    assert "IMAGES" in done.stdout


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["explain"], 2, "needs an image"),
        (["explain", "nowhere.jpg"], 3, "nowhere.jpg: cannot be read"),
        (["explain", "a.png", "--class", "airplan"], 2, "airplane"),
        (["explain", "a.png", "--output", "."], 2, "a.png exists and is no picture"),
        (["explain", "a.png", "--method", "gradcam"], 2, "grad-cam"),
        (["explain", "a.png", "--device", "abacus"], 2, "abacus"),
    ],
)
def test_errors_end_in_one_line_with_their_exit_code(
    monkeypatch, tmp_path, capsys, checkpoint, argv, code, said
):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (32, 32), (90, 120, 30)).save("a.png")
    assert cli.main([*argv, "--checkpoint", str(checkpoint)]) == code
    error = capsys.readouterr().err
    assert error.startswith("cam-audit: ")
    assert error.count("\n") == 1
    assert said in error


def test_an_unknown_colour_map_is_a_usage_error(asked, capfd):
    assert cli.main(["explain", "a.png", "--colormap", "jet"]) == 2
    assert "jet-mix" in "".join(capfd.readouterr())
    assert asked == []


def test_pictures_from_the_command_line(monkeypatch, tmp_path, capsys, checkpoint):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("a b.png", "c.png"):
        Path("in").mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (96, 96, 3), np.uint8)).save(Path("in") / name)
    (tmp_path / "in" / "broken.png").write_bytes(b"")
    argv = ["explain", "in", "--checkpoint", str(checkpoint), "--class", "cat"]
    for _ in range(2):  # a second call replaces its own pictures
        assert cli.main(argv) == 0
        out, error = capsys.readouterr()
        assert out.splitlines()[-1] == "explain"
        assert "broken.png: empty file" in error
        assert "%|" not in error  # no progress bar without a terminal
    drawn = sorted(path.name for path in Path("explain").iterdir())
    assert drawn == ["a b-class-cat.png", "c-class-cat.png"]
