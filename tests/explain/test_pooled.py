import pytest
import torch
from torch import nn

from audit.errors import ModelError
from audit.explain.pooled import check_pooled_head
from audit.models.logits import logits_of
from audit.models.reference import SmallResNet


def net(*head, seed=0):
    module = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), *head)
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return module


POOLED = (nn.AdaptiveAvgPool2d(1), nn.Flatten())


def check(module, layers, to_scores=logits_of):
    check_pooled_head(module, layers, (32, 32), to_scores)


@pytest.mark.parametrize(
    "head", [(*POOLED, nn.Linear(8, 4)), (nn.Conv2d(8, 4, 1), *POOLED), (*POOLED, nn.Dropout())]
)
def test_pooling_and_a_linear_layer(head):
    check(net(*head), ("1",))


def test_our_own_reference_net():
    torch.manual_seed(0)
    check(SmallResNet(4).eval(), ("layer3",))


@pytest.mark.parametrize(
    ("head", "layer", "why"),
    [
        ((*POOLED, nn.Linear(8, 4)), "0", "weighs its cells differently"),
        ((nn.Flatten(), nn.Linear(8 * 15 * 15, 4)), "1", "weighs its cells differently"),
        ((nn.AdaptiveMaxPool2d(1), nn.Flatten()), "1", "weighs its cells differently"),
        ((*POOLED, nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4)), "1", "depends on the image"),
        ((*POOLED, nn.LayerNorm(8), nn.Linear(8, 4)), "1", "depends on the image"),
    ],
)
def test_other_heads_are_refused(head, layer, why):
    with pytest.raises(
        ModelError, match=rf"--method cam needs .* after {layer}: .*{why}.*grad-cam"
    ):
        check(net(*head), (layer,))


@pytest.mark.parametrize("seed", range(10))
def test_a_hidden_relu_is_never_missed(seed):
    module = net(*POOLED, nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4), seed=seed)
    with pytest.raises(ModelError, match="depends on the image"):
        check(module, ("1",))


def test_leaves_no_hook():
    module = net(*POOLED, nn.Linear(8, 4))
    check(module, ("1",))
    assert not any(part._forward_hooks for part in module.modules())


def test_a_class_map_of_several_outputs_is_not_linear():
    module = net(*POOLED, nn.Linear(8, 4))
    with pytest.raises(ModelError, match="depends on the image"):
        check(module, ("1",), lambda output: output.reshape(-1, 2, 2).logsumexp(2))


def test_several_layers_are_refused():
    with pytest.raises(ModelError, match="CAM explains one layer"):
        check(net(*POOLED), ("0", "1"))
