import urllib.error

import pytest
import torch
import torchvision

from audit.errors import ModelError
from audit.models.torchvision_nets import torchvision_blueprint, torchvision_names
from audit.models.weights import count_outputs, fit_weights
from audit.records import Preprocessing


class TestMetadata:
    def test_preprocessing_is_the_weights_own(self):
        assert torchvision_blueprint("resnet18").preprocessing == Preprocessing(
            resize=256,
            crop=(224, 224),
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            interpolation="bilinear",
            source="torchvision ResNet18_Weights.IMAGENET1K_V1",
        )

    def test_a_published_file_is_known_by_its_name(self):
        # resnet50's two published files want different sizes; the second is the default.
        assert torchvision_blueprint("resnet50").preprocessing.resize == 232
        first = torchvision_blueprint("resnet50", "resnet50-0676ba61.pth").preprocessing
        assert (first.resize, first.source) == (256, "torchvision ResNet50_Weights.IMAGENET1K_V1")

    def test_every_name_has_imagenets_outputs(self):
        for name in torchvision_names():
            blueprint = torchvision_blueprint(name)
            assert blueprint.outputs == len(blueprint.names) == len(blueprint.wnids) == 1000

    def test_detection_models_are_not_among_the_names(self):
        assert "resnet18" in torchvision_names()
        assert "fasterrcnn_resnet50_fpn" not in torchvision_names()


class TestFetching:
    def test_offline_it_says_which_file_goes_where(self, monkeypatch):
        def offline(*_, **options):
            assert options["weights_only"]
            raise urllib.error.URLError("Name or service not known")

        monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
        with pytest.raises(
            ModelError, match=r"put resnet18-f37072fd\.pth into .*/checkpoints/, or"
        ):
            torchvision_blueprint("resnet18").fetch()


class TestOldFiles:
    def test_densenets_old_names(self):
        blueprint = torchvision_blueprint("densenet121")
        key = "features.denseblock1.denselayer2.norm.1.weight"
        (renamed,) = blueprint.adapt({key: torch.zeros(1)})
        assert renamed == "features.denseblock1.denselayer2.norm1.weight"

    @pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
    def test_training_heads_are_left_out(self, name):
        # With its training heads, as published files are; built without, as evaluation is.
        options = {"aux_logits": True, "init_weights": False, "num_classes": 6}
        full = torchvision.models.get_model(name, weights=None, **options)
        blueprint = torchvision_blueprint(name)
        weights = blueprint.adapt(full.state_dict())
        assert count_outputs(blueprint.build(1000), weights, 1000) == 6
        module = blueprint.build(6)
        fit_weights(module, weights, "m.pth")
        assert not module.transform_input
        assert torch.equal(module.fc.weight, full.fc.weight)

    def test_published_inceptions_normalise_inside(self):
        assert torchvision_blueprint("googlenet").build(1000).transform_input

    def test_mnasnet_without_stated_version(self):
        # safetensors keeps no versions, and MNASNet refuses weights without one.
        blueprint = torchvision_blueprint("mnasnet0_5")
        weights = dict(blueprint.build(3).state_dict())
        fit_weights(blueprint.build(3), weights, "m.safetensors")

    @pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
    def test_outputs_are_counted_in_every_kind_of_head(self, name):
        blueprint = torchvision_blueprint(name)
        weights = blueprint.build(12).state_dict()
        assert count_outputs(blueprint.build(1000), weights, 1000) == 12
