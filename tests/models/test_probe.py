import pytest
import torch
from torch import nn

from audit.errors import ModelError
from audit.models.layout import Layout
from audit.models.probe import feature_maps, probe


class Net(nn.Module):
    """Two maps, a ReLU that runs twice, an unused part, and tokens."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.second = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.act = nn.ReLU()
        self.unused = nn.Conv2d(3, 3, 1)
        self.tokens = nn.Flatten(2)
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        x = self.act(self.second(self.act(self.first(x))))
        return self.fc(self.tokens(x).mean(-1))


class Asked(nn.Module):
    """Takes a question a picture; its forward is never called, ``answer`` is."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.given = []

    def answer(self, x, questions):
        self.given.append((tuple(x.shape), questions))
        return {"answers": self.body(x).mean((2, 3))}


def ask(module):
    return lambda images: module.answer(images, ["why?"] * len(images))


class Transposed(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


def hooks(module):
    return sum(len(part._forward_hooks) for part in module.modules())


class TestProbe:
    def test_counts_outputs_and_cells(self):
        # 20×12 → stride 2 → 10×6 → stride 2 → 5×3
        found = probe(Net(), ("second",), (20, 12))
        assert (found.outputs, found.layouts) == (5, (Layout("maps", (5, 3)),))

    def test_of_several_layers_the_finest_grid_counts(self):
        assert probe(Net(), ("second", "first"), (20, 12)).grid == (10, 6)

    def test_a_model_that_takes_more_is_run_by_its_call(self):
        net = Asked()
        found = probe(net, ("body",), (20, 12), ask(net))
        assert found.grid == (10, 6)
        assert found.output["answers"].shape == (1, 4)
        assert net.given == [((1, 3, 20, 12), ["why?"])]
        assert hooks(net) == 0

    def test_outputs_are_counted_where_they_are_logits(self):
        net = Asked()
        found = probe(net, ("body",), (8, 8), ask(net))
        with pytest.raises(ModelError, match="a dict with the keys 'answers'"):
            found.outputs  # noqa: B018 - a property

    def test_layers_are_listed_by_the_same_call(self):
        net = Asked()
        net.unused = nn.Conv2d(3, 3, 1)
        with pytest.raises(ModelError, match=r"'unused' runs 0 times .*: body \(4x4x4\)"):
            probe(net, ("unused",), (8, 8), ask(net))

    def test_a_call_that_fails_is_told_and_leaves_no_hook(self):
        net = Asked()
        with pytest.raises(ModelError, match=r"fails on an image of 8x8 pixels \(TypeError:"):
            probe(net, ("body",), (8, 8), net.answer)
        assert hooks(net) == 0

    @pytest.mark.parametrize(
        ("layer", "told"),
        [
            ("act", r"runs 2 times in one forward; .* first \(4x4x4\), second \(6x2x2\)"),
            ("unused", "runs 0 times"),
            ("tokens", r"gives \(1, 6, 4\), not a B×K×h×w map, .*second \(6x2x2\)"),
        ],
    )
    def test_says_why_a_layer_will_not_do(self, layer, told):
        net = Net()
        with pytest.raises(ModelError, match=told):
            probe(net, (layer,), (8, 8))
        assert hooks(net) == 0

    def test_a_model_that_fails_is_told_and_left_clean(self):
        net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
        with pytest.raises(ModelError, match=r"fails on an image of 8x8 pixels.*--input-size"):
            probe(net, ("1",), (8, 8))
        assert hooks(net) == 0


class TestFeatureMaps:
    def test_lists_maps_of_more_than_one_cell_in_order(self):
        assert feature_maps(Net(), (8, 8)) == {"first": (4, 4, 4), "second": (6, 2, 2)}
        assert feature_maps(Net(), (4, 4)) == {"first": (4, 2, 2)}

    def test_lists_tokens_and_channels_last(self):
        net = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.Flatten(2), Transposed(), nn.Linear(6, 2))
        net.append(nn.AdaptiveAvgPool2d((1, 2))).append(nn.Flatten())
        assert feature_maps(net, (16, 12)) == {"0": (6, 4, 3), "2": (6, 4, 3), "3": (2, 4, 3)}

    def test_a_model_that_takes_more_is_run_by_its_call(self):
        net = Asked()
        assert feature_maps(net, (8, 8), ask(net)) == {"body": (4, 4, 4)}

    def test_leaves_no_hook_and_no_graph(self):
        net = Net()
        feature_maps(net, (8, 8))
        assert hooks(net) == 0
        assert all(p.grad is None for p in net.parameters())
        assert torch.is_grad_enabled()
