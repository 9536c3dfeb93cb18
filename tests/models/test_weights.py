import math

import pytest
import torch
from torch import nn

from audit.errors import ModelError
from audit.models.weights import check_finite, count_outputs, fit_weights, hash_weights


def tiny(outputs=3):
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, outputs))


def wrapped(weights, prefix):
    return {prefix + name: tensor for name, tensor in weights.items()}


@pytest.fixture
def trained():
    torch.manual_seed(0)
    return {name: torch.rand_like(t) if t.ndim else t for name, t in tiny().state_dict().items()}


class TestFitting:
    @pytest.mark.parametrize(
        "prefix", ["", "module.", "_orig_mod.", "model.", "module._orig_mod.", "model.module."]
    )
    def test_wrappers_come_off(self, trained, prefix):
        module = tiny()
        fit_weights(module, wrapped(trained, prefix), "m.pth")
        assert all(torch.equal(module.state_dict()[name], trained[name]) for name in trained)

    def test_a_real_part_of_the_name_stays(self, trained):
        holder = nn.ModuleDict({"model": tiny()})
        fit_weights(holder, wrapped(trained, "model."), "m.pth")
        assert torch.equal(holder.state_dict()["model.3.weight"], trained["3.weight"])
        fit_weights(holder, wrapped(trained, "module.model."), "m.pth")

    def test_old_files_have_no_counters(self, trained):
        del trained["1.num_batches_tracked"]
        fit_weights(tiny(), trained, "m.pth")

    def test_half_precision_is_widened(self, trained):
        module = tiny()
        halves = {name: t.half() if t.is_floating_point() else t for name, t in trained.items()}
        fit_weights(module, halves, "m.pth")
        assert module[3].weight.dtype == torch.float32
        assert torch.equal(module[3].weight, trained["3.weight"].half().float())

    def test_a_mismatch_is_told_in_full_and_loads_nothing(self, trained):
        module = tiny()
        before = hash_weights(module)
        del trained["0.bias"]
        trained |= {"a": torch.zeros(1), "b": torch.zeros(1), "3.bias": torch.zeros(7)}
        with pytest.raises(ModelError) as error:
            fit_weights(module, trained, "m.pth")
        told = str(error.value)
        assert told.startswith("m.pth does not fit the model (9 tensors): 1 missing (0.bias);")
        assert "2 unexpected (a, b)" in told
        assert "1 of another shape or kind (3.bias is 7, the model has 3)" in told
        assert hash_weights(module) == before

    def test_quantised_weights_are_not_taken_for_numbers(self, trained):
        trained["3.weight"] = trained["3.weight"].to(torch.int8)
        with pytest.raises(ModelError, match=r"3\.weight is 3x2 torch\.int8, the model has 3x2"):
            fit_weights(tiny(), trained, "m.pth")


class TestCountingOutputs:
    @pytest.mark.parametrize("prefix", ["", "module."])
    def test_the_classifier_says(self, prefix):
        weights = wrapped(tiny(5).state_dict(), prefix)
        assert count_outputs(tiny(3), weights, 3) == 5

    def test_the_last_of_equal_sizes_is_the_classifier(self):
        module = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3))
        weights = {"0.weight": torch.zeros(3, 4), "1.weight": torch.zeros(8, 3)}
        assert count_outputs(module, weights, 3) == 8

    def test_strangers_say_nothing(self):
        assert count_outputs(tiny(3), {"head": torch.zeros(9, 9)}, 3) == 3


class TestFinite:
    def test_bad_tensors_are_counted_and_named(self):
        module = tiny()
        with torch.no_grad():
            module[0].weight[0] = math.nan
            module[3].bias[1] = -math.inf
        with pytest.raises(ModelError, match=r"2 tensor\(s\) hold NaN or infinity \(0\.weight, 3"):
            check_finite(module)

    def test_buffers_count_but_masks_may_be_infinite(self):
        module = tiny()
        module.register_buffer("mask", torch.tensor([0.0, -math.inf]))
        check_finite(module)
        module[1].running_var[0] = math.inf
        with pytest.raises(ModelError, match=r"1\.running_var"):
            check_finite(module)


class TestHash:
    def test_is_of_names_kinds_shapes_and_bytes(self, trained):
        module = tiny()
        fit_weights(module, trained, "m.pth")
        first = hash_weights(module)
        assert len(first) == 32
        assert int(first, 16) >= 0
        again = tiny()
        fit_weights(again, wrapped(trained, "module."), "n.pt")
        assert hash_weights(again) == first
        with torch.no_grad():
            again[3].bias[0] += 1e-6
        assert hash_weights(again) != first

    def test_a_reshaped_tensor_is_another(self):
        one, other = nn.Module(), nn.Module()
        one.register_buffer("x", torch.arange(6.0).view(2, 3))
        other.register_buffer("x", torch.arange(6.0).view(3, 2))
        assert hash_weights(one) != hash_weights(other)

    @pytest.mark.parametrize("dtype", [torch.bool, torch.bfloat16, torch.int64])
    def test_takes_every_kind(self, dtype):
        module = nn.Module()
        module.register_buffer("x", torch.ones(3, dtype=dtype))
        assert len(hash_weights(module)) == 32
