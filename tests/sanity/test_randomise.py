from itertools import pairwise

import pytest
import torch
from torch import nn

from audit.sanity.randomise import cascade, stages, weighted_modules


class Net(nn.Module):
    """Named so that the order of definition is not the order of the forward."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 5)
        self.token = nn.Parameter(torch.full((1, 8, 1), 0.5))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.BatchNorm2d(8)
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.unused = nn.Linear(8, 5)

    def forward(self, x):
        x = self.norm(self.conv(x)).relu().flatten(2) + self.token
        x = x.transpose(1, 2)
        return self.head(self.attention(x, x, x, need_weights=True)[0].mean(1))


@pytest.fixture
def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net().eval().requires_grad_(requires_grad=False)


@pytest.fixture
def inputs():
    return torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 3 + 2


def _changed(before, module):
    state = module.state_dict()
    changed = {name for name in before if not torch.equal(before[name], state[name])}
    return {name.rpartition(".")[0] for name in changed}


def test_modules_come_in_the_order_of_the_forward_output_first(net, inputs):
    # The attention never calls its out_proj: it counts with its parent. What no parent but the
    # root knows (the token, an unused head) is as deep as the root.
    assert weighted_modules(net, inputs) == [
        *("head", "attention.out_proj", "attention", "norm", "conv", "unused", ""),
    ]
    assert not any(module._forward_pre_hooks for module in net.modules())


def test_the_head_is_a_stage_of_its_own_and_the_rest_is_even():
    assert stages(list("abcdefghi")) == [
        *(["a"], ["b", "c"], ["d", "e"], ["f", "g"], ["h", "i"]),
    ]
    assert stages(list("abc")) == [["a"], ["b"], ["c"]]
    assert stages(["a"]) == [["a"]]
    assert stages([]) == []


def test_each_stage_keeps_what_was_random_and_adds_to_it(net, inputs):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = [
        (one.down_to, one.modules, _changed(before, one.module))
        for one in cascade(net, inputs, (0,))
    ]
    assert [(down_to, modules) for down_to, modules, _ in found] == [
        *(("head", 1), ("attention", 3), ("conv", 5), ("unused", 6), ("(the model itself)", 7)),
    ]
    assert found[0][2] == {"head"}
    assert found[1][2] == {"head", "attention", "attention.out_proj"}
    for (_, _, less), (_, _, more) in pairwise(found):
        assert less <= more
    assert "norm" in found[-1][2]


def test_the_model_itself_and_the_callers_generator_are_untouched(net, inputs):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()
    assert len(list(cascade(net, inputs, (0,)))) == 5
    assert torch.equal(torch.get_rng_state(), state)
    assert _changed(before, net) == set()
    assert not net.training


def test_a_seed_is_one_random_model(net, inputs):
    heads = [next(cascade(net, inputs, (seed,))).module.head.weight for seed in (0, 0, 1)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_batch_statistics_fit_the_random_weights(net, inputs):
    *_, last = cascade(net, inputs, (0,))
    module = last.module
    # re-initialised, its weight is 1 and its bias 0: what it puts out is standardised
    out = module.norm(module.conv(inputs))
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(8), atol=1e-3, rtol=0)
    torch.testing.assert_close(out.std((0, 2, 3)), torch.ones(8), atol=1e-2, rtol=0)
    assert module.norm.momentum == net.norm.momentum
    assert not module.norm.training


def test_parameters_without_a_reset_keep_their_mean_and_deviation(inputs):
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.linspace(2, 4, 3000))

        def forward(self, x):
            return x.mean((2, 3)).repeat(1, 1000) * self.weight

    scale = Scale()
    (only,) = cascade(scale, inputs, (0,))
    random = only.module.weight.detach()
    assert not torch.equal(random, scale.weight)
    assert random.mean() == pytest.approx(3, abs=0.05)
    assert random.std() == pytest.approx(2 / 12**0.5, abs=0.05)


class Asked(Net):
    """Its forward is never called: it answers questions, which its head runs once for."""

    def forward(self, *_):
        raise AssertionError("it takes more than images")

    def answer(self, x, questions):
        return super().forward(x) * len(questions)


@pytest.fixture
def asked_net(net):
    copied = Asked().eval().requires_grad_(requires_grad=False)
    copied.load_state_dict(net.state_dict())
    return copied


def _answer(module, inputs):
    return module.answer(inputs, ["why?"])


def test_a_module_whose_forward_is_never_called_is_run_as_it_is_asked(net, asked_net, inputs):
    assert weighted_modules(asked_net, inputs, _answer) == weighted_modules(net, inputs)
    assert not any(module._forward_pre_hooks for module in asked_net.modules())


def test_its_stages_have_the_weights_that_a_classifiers_would_have(net, asked_net, inputs):
    plain = [
        (one.down_to, one.modules, {k: v.clone() for k, v in one.module.state_dict().items()})
        for one in cascade(net, inputs, (0,))
    ]
    found = cascade(asked_net, inputs, (0,), _answer)
    for (down_to, modules, state), one in zip(plain, found, strict=True):
        assert (one.down_to, one.modules) == (down_to, modules)
        for name, value in one.module.state_dict().items():
            assert torch.equal(value, state[name]), name


def test_a_run_that_fails_leaves_no_hook(asked_net, inputs):
    with pytest.raises(AssertionError, match="more than images"):
        weighted_modules(asked_net, inputs)
    assert not any(module._forward_pre_hooks for module in asked_net.modules())


def test_modules_that_a_run_leaves_out_count_as_the_deepest(asked_net, inputs):
    def shallow(module, x):
        module.head(x.new_zeros(1, 8))

    first, *others = weighted_modules(asked_net, inputs, shallow)
    assert first == "head"
    assert set(others) == {"attention.out_proj", "attention", "norm", "conv", "unused", ""}
