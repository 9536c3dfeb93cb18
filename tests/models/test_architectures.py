import pytest

from audit.errors import ModelError
from audit.models.architectures import blueprint_of, build_module, is_builtin_name
from audit.models.reference import SmallResNet
from audit.models.small_captioner import SmallCaptioner
from audit.models.small_vqa import SmallVqa


class TestNames:
    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("resnet81", "unknown model 'resnet81'; did you mean 'resnet18'"),
            ("small_resent", "did you mean 'small_resnet'"),
            ("small_vqq", "did you mean 'small_vqa'"),
            ("efficientnet_lite", "did you mean 'efficientnet_lite0'"),
            ("hf-hub:timm/resnet18", "nothing is fetched or run by a remote name"),
            ("https://example.org/m.pth", "nothing is fetched or run by a remote name"),
            ("best.pth", "looks like a weights file: give that with --checkpoint"),
            ("", "unknown model ''"),
        ],
    )
    def test_mistakes_are_explained(self, name, told):
        with pytest.raises(ModelError, match=told):
            blueprint_of(name)

    @pytest.mark.parametrize(
        "name", ["resnet18", "timm:resnet18", "small_resnet", "small_vqa", "small_captioner"]
    )
    def test_builtin(self, name):
        assert is_builtin_name(name)

    @pytest.mark.parametrize("name", ["os:system", "my.nets:make", "resnet81"])
    def test_not_builtin(self, name):
        assert not is_builtin_name(name)


class TestBuilding:
    def test_small_resnet(self):
        module = build_module("small_resnet", 4)
        assert isinstance(module, SmallResNet)
        assert module.fc.out_features == 4

    def test_resnet18(self):
        assert build_module("resnet18", 4).fc.out_features == 4

    def test_small_resnet_has_no_published_weights(self):
        with pytest.raises(ModelError, match="give --checkpoint FILE, or train one"):
            blueprint_of("small_resnet").fetch()

    def test_models_of_texts_are_built_from_their_words(self):
        module = build_module("small_vqa", 4, ("what", "is"))
        assert isinstance(module, SmallVqa)
        assert module.votes.told.out_features == 4
        assert module.vocabulary.words == ("what", "is")
        assert isinstance(build_module("small_captioner", 4, ("a",)), SmallCaptioner)

    @pytest.mark.parametrize("name", ["small_vqa", "small_captioner"])
    def test_models_of_texts_need_words_and_weights(self, name):
        with pytest.raises(ModelError, match=f"{name} is built from the words.*--checkpoint FILE"):
            blueprint_of(name)
        with pytest.raises(ModelError, match=f"{name} has no published weights"):
            blueprint_of(name, words=("a",)).fetch()
