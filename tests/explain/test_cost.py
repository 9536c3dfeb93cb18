import pytest
from torch import nn

from audit.explain.cost import gradient_share


def test_counts_the_head_alone():
    # multiply-adds at 8×8: 3·4·64, 4·4·64, 4·2; a gradient costs what its forward does
    net = nn.Sequential(
        nn.Conv2d(3, 4, 1),
        nn.Conv2d(4, 4, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    ).eval()
    whole = 3 * 4 * 64 + 4 * 4 * 64 + 4 * 2
    assert gradient_share(net, ("1",), (8, 8)) == pytest.approx(4 * 2 / whole)
    assert gradient_share(net, ("0",), (8, 8)) == pytest.approx((4 * 4 * 64 + 4 * 2) / whole)


def test_a_net_without_products_costs_nothing():
    assert gradient_share(nn.Sequential(nn.Identity(), nn.Flatten()), ("0",), (4, 4)) == 0
