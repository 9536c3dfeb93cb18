import pytest
import torch
import torchvision
from torch import nn

from audit.errors import ModelError
from audit.models.reference import SmallResNet
from audit.models.small_captioner import SmallCaptioner
from audit.models.small_vqa import SmallVqa
from audit.models.target_layer import check_target_layer, default_target_layer, split_layers

ALL = torchvision.models.list_models(module=torchvision.models)


def on_meta(name):
    """The architecture without memory or arithmetic: only shapes."""
    plain = {"googlenet": {"init_weights": False}, "inception_v3": {"init_weights": False}}
    with torch.device("meta"):
        return torchvision.models.get_model(name, weights=None, **plain.get(name, {})).eval()


def shape_of(module, layer, size, device="meta"):
    seen = []
    handle = module.get_submodule(layer).register_forward_hook(lambda *args: seen.append(args[2]))
    with torch.no_grad():
        module(torch.zeros(1, 3, size, size, device=device))
    handle.remove()
    (output,) = seen  # runs once
    return tuple(output.shape)


class TestTable:
    @pytest.mark.parametrize(
        ("name", "size", "shape"),
        [
            ("alexnet", 224, (1, 256, 13, 13)),
            ("vgg11", 224, (1, 512, 14, 14)),
            ("vgg13_bn", 224, (1, 512, 14, 14)),
            ("vgg16", 224, (1, 512, 14, 14)),
            ("vgg19_bn", 224, (1, 512, 14, 14)),
            ("squeezenet1_1", 224, (1, 512, 13, 13)),
            ("resnet18", 224, (1, 512, 7, 7)),
            ("resnext50_32x4d", 224, (1, 2048, 7, 7)),
            ("wide_resnet50_2", 224, (1, 2048, 7, 7)),
            ("densenet121", 224, (1, 1024, 7, 7)),
            ("googlenet", 224, (1, 1024, 7, 7)),
            ("inception_v3", 299, (1, 2048, 8, 8)),
            ("mobilenet_v2", 224, (1, 1280, 7, 7)),
            ("mobilenet_v3_small", 224, (1, 576, 7, 7)),
            ("efficientnet_b0", 224, (1, 1280, 7, 7)),
            ("convnext_tiny", 224, (1, 768, 7, 7)),
            ("shufflenet_v2_x0_5", 224, (1, 1024, 7, 7)),
            ("mnasnet0_5", 224, (1, 1280, 7, 7)),
            ("swin_t", 224, (1, 768, 7, 7)),
            ("swin_v2_t", 256, (1, 768, 8, 8)),
            ("maxvit_t", 224, (1, 512, 7, 7)),
        ],
    )
    def test_gives_the_last_map(self, name, size, shape):
        module = on_meta(name)
        assert shape_of(module, default_target_layer(name, module), size) == shape

    def test_regnet(self):  # cannot be built on the meta device
        module = torchvision.models.regnet_x_400mf(weights=None).eval()
        layer = default_target_layer("regnet_x_400mf", module)
        assert shape_of(module, layer, 64, "cpu") == (1, 400, 2, 2)

    def test_vgg_is_explained_after_its_last_relu(self):
        for name in (
            "vgg11",
            "vgg11_bn",
            "vgg13",
            "vgg13_bn",
            "vgg16",
            "vgg16_bn",
            "vgg19",
            "vgg19_bn",
        ):
            module = on_meta(name)
            layer = default_target_layer(name, module)
            index = int(layer.removeprefix("features."))
            assert isinstance(module.features[index], nn.ReLU)
            assert isinstance(module.features[index + 1], nn.MaxPool2d)
            assert index + 2 == len(module.features)

    def test_small_resnet(self):
        assert default_target_layer("small_resnet", SmallResNet()) == "layer3"

    @pytest.mark.parametrize(
        ("module", "name", "layer"),
        [
            (SmallVqa(2, ("a",)), "small_vqa", "votes"),
            (SmallCaptioner(("a",)), "small_captioner", "trunk"),
        ],
    )
    def test_models_of_texts(self, module, name, layer):
        assert default_target_layer(name, module) == layer

    def test_every_torchvision_name_is_decided(self):
        for name in set(ALL) - {n for n in ALL if n.startswith("regnet")}:
            default_target_layer(name, on_meta(name))

    @pytest.mark.parametrize(("name", "last"), [("vit_b_16", 11), ("vit_l_32", 23)])
    def test_vit_is_explained_before_its_last_attention(self, name, last):
        layer = default_target_layer(name, on_meta(name))
        assert layer == f"encoder.layers.encoder_layer_{last}.ln_1"

    @pytest.mark.parametrize(
        ("name", "layer"),
        [
            ("vit_tiny_patch16_224", "blocks.11.norm1"),
            ("deit_tiny_distilled_patch16_224", "blocks.11.norm1"),
            ("beit_base_patch16_224", "blocks.11.norm1"),
            ("eva02_tiny_patch14_224", "blocks.11.norm1"),
            ("cait_xxs24_224", "blocks"),
            ("xcit_nano_12_p16_224", "blocks.11"),
            ("mixer_s32_224", "norm"),
            ("swin_tiny_patch4_window7_224", "norm"),
        ],
    )
    def test_transformers_of_timm(self, name, layer):
        timm = pytest.importorskip("timm")
        with torch.device("meta"):
            module = timm.create_model(name)
        assert default_target_layer(f"timm:{name}", module) == layer


class TestErrors:
    def test_unknown_architectures_list_candidates(self):
        with pytest.raises(ModelError, match=r"no target layer is known for my\.nets:make.*layer3"):
            default_target_layer("my.nets:make", SmallResNet())

    def test_a_variant_built_otherwise_is_not_guessed(self):
        with pytest.raises(ModelError, match="no target layer is known for timm:resnet51q"):
            default_target_layer("timm:resnet51q", nn.Sequential(nn.Conv2d(3, 3, 1)))

    def test_a_wrong_name_lists_the_nearest(self):
        with pytest.raises(ModelError, match=r"no layer 'layer33'; did you mean 'layer3'"):
            check_target_layer(SmallResNet(), "layer33")

    @pytest.mark.parametrize("name", ["", "layer3.9", "fc.weight"])
    def test_other_wrong_names(self, name):
        with pytest.raises(ModelError, match="layers with convolutions: layer3"):
            check_target_layer(SmallResNet(), name)

    def test_a_layer_named_twice(self):
        assert split_layers("layer3, layer4") == ("layer3", "layer4")
        with pytest.raises(ModelError, match="named twice"):
            split_layers("layer3,layer3")

    def test_a_right_name_is_fine(self):
        check_target_layer(SmallResNet(), "layer2.1.bn1")
