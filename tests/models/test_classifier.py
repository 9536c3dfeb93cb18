import json
import math
import sys

import pytest
import torch
from torch import nn

from audit.errors import ConfigError, ModelError
from audit.models.architectures import build_module
from audit.models.classifier import load_classifier
from audit.models.preprocessing import parse_overrides
from audit.models.reference import SmallResNet
from audit.models.sidecar import Sidecar, write_checkpoint
from audit.models.small_captioner import SmallCaptioner
from audit.models.small_vqa import SmallVqa
from audit.records import Preprocessing

SIDECAR = Sidecar(
    architecture="small_resnet",
    classes=("cat", "dog", "owl"),
    preprocessing=Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
    trained_on="decoy/train",
)


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "best.safetensors"
    write_checkpoint(path, SmallResNet(3), SIDECAR)
    return path


@pytest.fixture(scope="module")
def resnet18_imagenet(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("imagenet") / "random.pth"
    torch.save({"model": build_module("resnet18", 1000).state_dict()}, path)
    return path


class TestSidecar:
    def test_is_enough(self, checkpoint):
        loaded = load_classifier(checkpoint=checkpoint)
        assert (loaded.name, loaded.architecture) == ("best", "small_resnet")
        assert loaded.outputs == ("cat", "dog", "owl")
        assert loaded.wnids is None
        assert loaded.target_layer == "layer3"
        assert loaded.preprocessing.std == (0.25, 0.25, 0.25)
        assert loaded.preprocessing.source == "sidecar best.json"
        assert loaded.notes == ("trained on decoy/train",)

    def test_module_is_ready(self, checkpoint):
        module = load_classifier(checkpoint=checkpoint).module
        assert not module.training
        assert not any(p.requires_grad for p in module.parameters())
        assert {p.dtype for p in module.parameters()} == {torch.float32}
        assert module(torch.zeros(2, 3, 64, 64)).shape == (2, 3)

    def test_the_hash_is_of_the_weights_alone(self, checkpoint, tmp_path):
        loaded = load_classifier(checkpoint=checkpoint)
        plain = tmp_path / "other.pth"
        torch.save({f"module.{k}": v for k, v in loaded.module.state_dict().items()}, plain)
        again = load_classifier("small_resnet", plain)
        assert again.weights_hash == loaded.weights_hash

    def test_options_win(self, checkpoint):
        asked = parse_overrides(input_size=64, mean="0,0,0")
        loaded = load_classifier(checkpoint=checkpoint, target_layer="layer2", overrides=asked)
        assert loaded.preprocessing == Preprocessing(
            resize=64,
            crop=(64, 64),
            std=(0.25, 0.25, 0.25),
            source="sidecar best.json; options --resize --crop --mean",
        )
        assert loaded.target_layers == ("layer2",)

    def test_several_target_layers(self, checkpoint):
        loaded = load_classifier(checkpoint=checkpoint, target_layer="layer2, layer3")
        assert loaded.target_layers == ("layer2", "layer3")
        assert loaded.target_layer == "layer2,layer3"
        with pytest.raises(ModelError, match="no layer 'layer9'"):
            load_classifier(checkpoint=checkpoint, target_layer="layer3,layer9")

    def test_a_disagreeing_model_is_an_error(self, checkpoint):
        assert load_classifier("small_resnet", checkpoint).architecture == "small_resnet"
        with pytest.raises(ConfigError, match=r"--model resnet18 disagrees with .*'small_resnet'"):
            load_classifier("resnet18", checkpoint)

    def test_classes_must_be_as_many_as_outputs(self, tmp_path):
        path = tmp_path / "m.safetensors"
        write_checkpoint(path, SmallResNet(4), SIDECAR)
        with pytest.raises(ModelError, match="lists 3 classes, but the weights have 4 outputs"):
            load_classifier(checkpoint=path)

    def test_never_makes_us_import_code(self, checkpoint, tmp_path, monkeypatch):
        (tmp_path / "evil_nets.py").write_text("raise SystemExit('imported')")
        monkeypatch.chdir(tmp_path)
        content = {"format": "cam-audit-model/1", "architecture": "evil_nets:make"}
        (tmp_path / "best.json").write_text(json.dumps(content))
        for model in (None, "evil_nets:make"):
            with pytest.raises(ModelError, match="'evil_nets:make', which is not built in"):
                load_classifier(model, checkpoint)
        assert "evil_nets" not in sys.modules

    def test_its_target_layer_is_taken_and_checked(self, tmp_path):
        path = tmp_path / "m.safetensors"
        write_checkpoint(path, SmallResNet(4), Sidecar("small_resnet", target_layer="layer2"))
        assert load_classifier(checkpoint=path).target_layer == "layer2"
        write_checkpoint(path, SmallResNet(4), Sidecar("small_resnet", target_layer="layer9"))
        with pytest.raises(ModelError, match="no layer 'layer9'"):
            load_classifier(checkpoint=path)


class TestModelsOfTexts:
    def test_answers_are_the_outputs(self, tmp_path):
        path = tmp_path / "m.safetensors"
        written = SmallVqa(3, ("what", "is"))
        sidecar = Sidecar("small_vqa", classes=("no", "red", "yes"), words=("what", "is"))
        write_checkpoint(path, written, sidecar)
        loaded = load_classifier(checkpoint=path)
        assert isinstance(loaded.module, SmallVqa)
        assert loaded.module.vocabulary.words == ("what", "is")
        assert (loaded.outputs, loaded.target_layers) == (("no", "red", "yes"), ("votes",))
        assert torch.equal(loaded.module.votes.told.weight, written.votes.told.weight)

    def test_a_captioner_has_no_outputs(self, tmp_path):
        path = tmp_path / "m.safetensors"
        written = SmallCaptioner(tuple("abcdefgh"))  # as many numbers as are first tried
        write_checkpoint(path, written, Sidecar("small_captioner", words=tuple("abcdefgh")))
        loaded = load_classifier(checkpoint=path)
        assert isinstance(loaded.module, SmallCaptioner)
        assert (loaded.outputs, loaded.target_layers) == (None, ("trunk",))
        assert torch.equal(loaded.module.told.weight, written.told.weight)

    @pytest.mark.parametrize("name", ["small_vqa", "small_captioner"])
    def test_words_must_be_known(self, name, tmp_path):
        path = tmp_path / "m.safetensors"
        write_checkpoint(path, SmallCaptioner(("a",)), Sidecar(name))
        with pytest.raises(ModelError, match=f"{name} is built from the words.*'words'"):
            load_classifier(checkpoint=path)

    def test_words_must_be_as_many_as_the_weights_know(self, tmp_path):
        path = tmp_path / "m.safetensors"
        write_checkpoint(path, SmallVqa(3, ("a", "b")), Sidecar("small_vqa", words=("a",)))
        with pytest.raises(ModelError, match=r"of another shape .*spotter.weight is 4x66x1x1"):
            load_classifier(checkpoint=path)


class TestBuiltIn:
    def test_imagenet_weights_bring_their_metadata(self, resnet18_imagenet):
        loaded = load_classifier("resnet18", resnet18_imagenet)
        assert loaded.preprocessing.source == "torchvision ResNet18_Weights.IMAGENET1K_V1"
        assert (loaded.outputs[281], loaded.wnids[281]) == ("tabby", "n02123045")
        assert (loaded.target_layer, loaded.notes) == ("layer4", ())

    def test_other_weights_do_not_inherit_it(self, tmp_path):
        torch.save(build_module("resnet18", 4).state_dict(), tmp_path / "mine.pth")
        loaded = load_classifier("resnet18", tmp_path / "mine.pth")
        assert loaded.module.fc.out_features == 4
        assert loaded.preprocessing == Preprocessing()
        assert loaded.outputs is None
        assert "RGB in [0, 1]" in loaded.notes[0]
        assert "their size is their own" in loaded.notes[0]

    def test_stated_normalisation_needs_no_note(self, checkpoint, tmp_path):
        (tmp_path / "best.json").unlink()
        asked = parse_overrides(mean="0.5,0.5,0.5", std="0.5,0.5,0.5")
        assert load_classifier("small_resnet", checkpoint, overrides=asked).notes == ()

    def test_weights_of_another_architecture(self, checkpoint, tmp_path):
        (tmp_path / "best.json").unlink()
        with pytest.raises(ModelError, match=r"best\.safetensors does not fit the model .*missing"):
            load_classifier("resnet18", checkpoint)

    def test_timm(self, tmp_path):
        timm = pytest.importorskip("timm")
        state = timm.create_model("resnet18", num_classes=5).state_dict()
        torch.save(state, tmp_path / "m.pth")
        loaded = load_classifier("timm:resnet18", tmp_path / "m.pth")
        assert (loaded.target_layer, loaded.module.fc.out_features) == ("layer4", 5)


class TestBad:
    def test_nothing_said(self, checkpoint, tmp_path):
        with pytest.raises(ConfigError, match="say --model NAME"):
            load_classifier()
        (tmp_path / "best.json").unlink()
        with pytest.raises(ConfigError, match="no sidecar that names its architecture"):
            load_classifier(checkpoint=checkpoint)

    def test_a_missing_file_is_told_first(self, tmp_path):
        with pytest.raises(ModelError, match="does not exist"):
            load_classifier(checkpoint=tmp_path / "none.pth")

    def test_weights_that_are_not_finite(self, tmp_path):
        module = SmallResNet(3)
        with torch.no_grad():
            module.fc.bias[0] = math.nan
        torch.save(module.state_dict(), tmp_path / "m.pth")
        with pytest.raises(ModelError, match=r"1 tensor\(s\) hold NaN or infinity \(fc\.bias\)"):
            load_classifier("small_resnet", tmp_path / "m.pth")

    def test_a_wrong_target_layer(self, checkpoint):
        with pytest.raises(ModelError, match="did you mean 'layer3'"):
            load_classifier(checkpoint=checkpoint, target_layer="layer_3")


@pytest.fixture
def own_nets(tmp_path, monkeypatch):
    source = (
        "import torch\n"
        "from audit.records import Preprocessing\n"
        "def make():\n"
        "    return torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.Flatten())\n"
        "def prepared():\n"
        "    return make().double().train(), Preprocessing(resize=8, source='my notebook')\n"
    )
    (tmp_path / "own_nets.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("own_nets", None)


@pytest.mark.usefixtures("own_nets")
class TestUsersFunction:
    def test_with_its_own_preprocessing(self):
        loaded = load_classifier("own_nets:prepared", target_layer="0")
        assert loaded.preprocessing == Preprocessing(resize=8, source="my notebook")
        assert loaded.module[0].weight.dtype == torch.float32
        assert not loaded.module.training
        assert (loaded.outputs, loaded.notes) == (None, ())

    def test_with_a_checkpoint(self, tmp_path):
        state = {"0.weight": torch.ones(2, 3, 1, 1), "0.bias": torch.zeros(2)}
        torch.save(state, tmp_path / "w.pt")
        loaded = load_classifier("own_nets:make", tmp_path / "w.pt", "0")
        assert torch.equal(loaded.module[0].weight, nn.Parameter(torch.ones(2, 3, 1, 1)))
        assert loaded.name == "w"

    def test_its_target_layer_is_never_guessed(self):
        with pytest.raises(ModelError, match="no target layer is known for own_nets:make"):
            load_classifier("own_nets:make")
