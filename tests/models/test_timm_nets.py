import sys

import pytest
import torch

from audit.errors import ModelError
from audit.models.target_layer import default_target_layer
from audit.models.timm_nets import timm_blueprint
from audit.records import Preprocessing

timm = pytest.importorskip("timm")


class TestBlueprint:
    def test_preprocessing_is_timms(self):
        # floor(224 / .95) = 235
        assert timm_blueprint("resnet18").preprocessing == Preprocessing(
            resize=235,
            crop=(224, 224),
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            interpolation="bicubic",
            source="timm resnet18",
        )

    def test_it_says_what_timms_own_transform_does(self):
        known = timm_blueprint("resnet18.tv_in1k").preprocessing
        reference = timm.create_model("resnet18.tv_in1k", pretrained=False)
        config = timm.data.resolve_model_data_config(reference)
        resize, crop, *_ = timm.data.create_transform(**config).transforms
        assert resize.size == known.resize == 256
        assert tuple(crop.size) == known.crop
        assert resize.interpolation.value == known.interpolation == "bilinear"

    def test_outputs(self):
        blueprint = timm_blueprint("resnet18")
        assert blueprint.outputs == 1000
        assert blueprint.wnids[281] == "n02123045"
        assert blueprint.build(4).fc.out_features == 4

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("resnett18", "timm has no model 'resnett18'; did you mean 'resnet18'"),
            ("resnet18.a9_in1k", "timm has no weights 'resnet18.a9_in1k'; did you mean"),
            ("hf-hub:timm/resnet18", "asks for a remote or local repository"),
            ("local-dir:/models/resnet18", "asks for a remote or local repository"),
        ],
    )
    def test_mistakes_are_explained(self, name, told):
        with pytest.raises(ModelError, match=told):
            timm_blueprint(name)

    def test_a_failed_fetch_is_one_line(self, monkeypatch):
        blueprint = timm_blueprint("resnet18")

        def offline(*_, **__):
            raise OSError("cannot reach the hub\nmany\nlines")

        monkeypatch.setattr(timm, "create_model", offline)
        with pytest.raises(
            ModelError, match=r"fetched \(cannot reach the hub\); give weights with"
        ):
            blueprint.fetch()

    def test_without_timm_it_says_how_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "timm", None)
        with pytest.raises(ModelError, match=r"pip install 'cam-audit\[timm\]'"):
            timm_blueprint("resnet18")


class TestTargetLayers:
    @pytest.mark.parametrize(
        ("name", "shape"),
        [
            ("resnet18", (1, 512, 7, 7)),
            ("resnetv2_50", (1, 2048, 7, 7)),
            ("convnext_atto", (1, 320, 7, 7)),
            ("efficientnet_b0", (1, 1280, 7, 7)),
            ("tf_efficientnet_lite0", (1, 1280, 7, 7)),
            ("mobilenetv3_small_050", (1, 288, 7, 7)),
            ("densenet121", (1, 1024, 7, 7)),
            ("regnety_002", (1, 368, 7, 7)),
            ("vgg11", (1, 512, 14, 14)),
        ],
    )
    def test_give_the_last_map(self, name, shape):
        with torch.device("meta"):
            module = timm.create_model(name).eval()
        seen = []
        layer = module.get_submodule(default_target_layer(f"timm:{name}", module))
        layer.register_forward_hook(lambda *args: seen.append(tuple(args[2].shape)))
        module(torch.zeros(1, 3, 224, 224, device="meta"))
        assert seen == [shape]
