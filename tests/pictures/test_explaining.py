from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from audit.config import ExplainConfig
from audit.errors import ConfigError, DataError, ModelError
from audit.explain.guided import guided_backpropagation
from audit.models.reference import SmallResNet
from audit.models.sidecar import Sidecar, write_checkpoint
from audit.pictures import explaining
from audit.pictures.explaining import explain_images

CLASSES = ("dark", "bright", "größer", "3")


@pytest.fixture
def asked(tmp_path):
    """A seeded small network of four classes, two of them with odd names."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = SmallResNet(4).eval()
    path = tmp_path / "four.safetensors"
    write_checkpoint(path, module, Sidecar("small_resnet", CLASSES, target_layer="layer3"))
    return lambda **more: ExplainConfig(checkpoint=path, output=tmp_path / "out", **more)


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("dark/a.png", "bright/b.jpg"):
        (tmp_path / "in" / name).parent.mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (64, 80, 3), np.uint8)).save(tmp_path / "in" / name)
    return tmp_path / "in"


@pytest.fixture
def looks(monkeypatch):
    """What was drawn."""
    seen = []
    draw = explaining.draw
    monkeypatch.setattr(
        explaining, "draw", lambda look, colormap: seen.append(look) or draw(look, colormap)
    )
    return seen


def _said():
    lines = []
    return lines, lines.append


def test_a_folder_gives_a_picture_an_image(asked, images, looks, tmp_path):
    lines, say = _said()
    assert explain_images([images], asked(), say) == tmp_path / "out"
    files = sorted(path.relative_to(tmp_path / "out") for path in tmp_path.glob("out/**/*.png"))
    assert files == [Path("bright/b.png"), Path("dark/a.png")]
    assert not any("no picture" in line for line in lines)
    assert looks[0].view.shape == (64, 80, 3)
    assert looks[0].cam.shape == (8, 10)
    assert looks[0].heat.shape == (64, 80)


def test_one_image_gives_its_file(asked, images, looks, tmp_path):
    written = explain_images([images / "dark/a.png"], asked())
    assert written == tmp_path / "out/a.png"
    assert written.is_file()
    assert looks[0].lines[1] == str(images / "dark/a.png")


@pytest.mark.parametrize(
    ("said", "expected", "ending"),
    [
        ("bright", "bright", "bright"),
        ("Größer", "größer", "Größer"),
        ("0", "dark", "0"),
        ("3", "3", "3"),  # the name of output 3, not only its index
        ("true", "dark", "true"),
    ],
)
def test_the_class_that_is_asked_for(asked, images, looks, said, expected, ending):
    written = explain_images([images / "dark/a.png"], asked(class_=said))
    assert written.name == f"a-class-{ending}.png"
    (look,) = looks
    assert look.headline.startswith(f"{expected}  ")


def test_the_predicted_class_is_the_default(asked, images, looks):
    explain_images([images], asked())
    for look in looks:
        name, percent = look.headline.split("  ")
        assert f"model's outputs: {name} {percent}," in look.lines[0]


def test_guided_grad_cam_is_the_classes_own(asked, images, looks):
    config = asked(class_="bright")
    explain_images([images / "dark/a.png"], config)
    (look,) = looks
    module = explaining.load_classifier(None, config.checkpoint).module
    pixels = np.asarray(Image.open(images / "dark/a.png"), dtype=np.float32) / 255
    inputs = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    guided = guided_backpropagation(module, inputs, torch.tensor([1]), lambda out: out)
    expected = (guided[0].permute(1, 2, 0) * torch.from_numpy(look.heat)[..., None]).numpy()
    assert np.abs(look.guided - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("brigt", "--class names output 'brigt'.*'bright'"),
        ("7", "--class names output 7; the model's are 0 to 3"),
        ("-1", "--class names output '-1'"),
    ],
)
def test_a_class_that_is_none_is_refused_with_the_nearest(asked, images, said, message):
    with pytest.raises(ConfigError, match=message):
        explain_images([images], asked(class_=said))


def test_a_folder_that_names_no_class_is_refused(asked, images, tmp_path):
    (images / "dark").rename(images / "drak")
    with pytest.raises(ConfigError, match=r"--class true: the folder of .*'drak'.*'dark'"):
        explain_images([images], asked(class_="true"))
    assert not (tmp_path / "out").exists()


def test_an_unreadable_image_is_named_and_the_others_go_on(asked, images, tmp_path):
    (images / "dark/c.jpg").write_bytes(b"not an image")
    lines, say = _said()
    explain_images([images, tmp_path / "missing.png"], asked(), say)
    assert len(list(tmp_path.glob("out/**/*.png"))) == 2
    assert any("c.jpg: not an image" in line for line in lines)
    assert any("missing.png: cannot be read" in line for line in lines)
    assert "2 of 4 images have no picture" in lines[-1]


def test_where_no_image_can_be_read_it_is_an_error(asked, tmp_path):
    (tmp_path / "c.jpg").write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"c\.jpg: not an image"):
        explain_images([tmp_path / "c.jpg"], asked())
    with pytest.raises(DataError, match="none of 2 images"):
        explain_images([tmp_path / "c.jpg", tmp_path / "d.jpg"], asked())


def test_without_guided_there_is_no_such_panel(asked, images, looks):
    explain_images([images / "dark/a.png"], asked(guided=False))
    assert looks[0].guided is None


class _Smooth(nn.Module):
    """A model without a ReLU, that fails on images below 70 px wide and divides by 0 at 92."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x):
        width = x.shape[-1]
        if width < 70:
            raise RuntimeError("too small\nand more")
        return self.fc(nn.functional.gelu(self.conv(x)).mean((2, 3))) / (width - 92)


@pytest.fixture
def smooth(monkeypatch, tmp_path):
    """``ExplainConfig`` of that model."""
    module = _Smooth()
    (tmp_path / "smooth_net.py").write_text("def make():\n    return NET\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import smooth_net

    monkeypatch.setattr(smooth_net, "NET", module, raising=False)
    return ExplainConfig(
        model="smooth_net:make", target_layer="conv", class_="1", output=tmp_path / "out"
    )


def test_a_model_that_guided_refuses_is_drawn_without_and_said_once(smooth, images, looks):
    lines, say = _said()
    explain_images([images], smooth, say)
    assert [look.guided for look in looks] == [None, None]
    (line,) = [line for line in lines if "Guided" in line]
    assert "GELU (in the model's own forward)" in line


def test_an_image_that_the_model_fails_on_is_named(smooth, images, tmp_path):
    Image.new("RGB", (60, 60), (9, 9, 9)).save(images / "dark/small.png")
    lines, say = _said()
    explain_images([images], smooth, say)
    assert any(
        "small.png: the model fails on a view of 60x60 pixels (too small); --input-size" in line
        for line in lines
    )


def test_an_image_whose_outputs_are_not_finite_is_named(smooth, images):
    Image.new("RGB", (92, 80), (9, 9, 9)).save(images / "dark/odd.png")
    lines, say = _said()
    explain_images([images], smooth, say)
    assert any("odd.png: the model's outputs for it are not finite" in line for line in lines)


def test_a_model_that_takes_no_such_image_at_all_is_an_error(smooth, images):
    Image.new("RGB", (60, 60)).save(images / "dark/0.png")
    with pytest.raises(ModelError, match="--input-size"):
        explain_images([images / "dark/0.png"], smooth)


@pytest.mark.parametrize(
    ("cam", "said"),
    [
        ([[0.0, 0.0]], "the map is zero"),
        ([[1.0, float("nan")]], "not finite"),
        ([[1.0]], "one cell"),
        ([[1.0, 0.0]], "%"),
    ],
)
def test_a_map_that_says_little_says_so(asked, images, looks, monkeypatch, cam, said):
    monkeypatch.setattr(explaining, "class_map", lambda *_, **__: torch.tensor([cam]))
    explain_images([images / "dark/a.png"], asked())
    assert said in looks[0].headline


def test_an_unknown_method_is_refused(asked, images):
    with pytest.raises(ConfigError, match="grad-cam"):
        explain_images([images], asked(method="gradcam"))
