from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torchvision.models import GoogLeNetOutputs

from audit.errors import ModelError
from audit.models.logits import logits_of

LOGITS = torch.tensor([[0.5, -1.0, 2.0]])


class TestUnwrapping:
    @pytest.mark.parametrize(
        "output",
        [
            LOGITS,
            {"logits": LOGITS, "features": torch.zeros(1, 8)},
            GoogLeNetOutputs(LOGITS, None, None),
            SimpleNamespace(logits=LOGITS),
        ],
    )
    def test_takes_the_logits(self, output):
        assert logits_of(output) is LOGITS

    @pytest.mark.parametrize(
        ("output", "told"),
        [
            ((LOGITS, torch.zeros(1, 8)), "a tuple of Tensor, Tensor"),
            ({"scores": LOGITS}, "a dict with the keys 'scores'"),
            (None, "a NoneType"),
            (nn.Identity(), "a Identity"),
        ],
    )
    def test_names_what_it_cannot_use(self, output, told):
        with pytest.raises(ModelError, match=told):
            logits_of(output)

    @pytest.mark.parametrize(
        "output", [torch.zeros(3), torch.zeros(1, 3, 7, 7), torch.zeros(1, 3, dtype=torch.int64)]
    )
    def test_refuses_what_is_no_row_an_image(self, output):
        with pytest.raises(ModelError, match="one floating-point row an image"):
            logits_of(output)
