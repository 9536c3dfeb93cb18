import pytest
import torch

from audit.models.layout import Layout
from audit.models.probe import probe
from audit.models.reference import SmallResNet


class TestSmallResNet:
    @pytest.mark.parametrize(("size", "grid"), [(96, (12, 12)), (64, (8, 8)), (128, (16, 16))])
    def test_the_last_stage_has_a_fine_grid(self, size, grid):
        found = probe(SmallResNet(7).eval(), ("layer3",), (size, size))
        assert (found.outputs, found.layouts) == (7, (Layout("maps", grid),))

    def test_is_small(self):
        # Stem 432 + 32; stages 4·2,304 + 8·16, then 13,824 + 512 + 3·64 + 2·9,216 …; with 10
        # outputs 175,258, counted layer by layer.
        convolutions = 432 + 4 * 2304 + (4608 + 3 * 9216 + 512) + (18432 + 3 * 36864 + 2048)
        normalisations = 2 * (16 + 4 * 16 + 5 * 32 + 5 * 64)
        total = convolutions + normalisations + 64 * 10 + 10
        assert sum(p.numel() for p in SmallResNet().parameters()) == total == 175_258

    def test_a_seed_fixes_the_weights(self):
        def first(seed):
            torch.manual_seed(seed)
            return SmallResNet().conv1.weight

        assert torch.equal(first(3), first(3))
        assert not torch.equal(first(3), first(4))
