import torch

from audit.models.trunk import PLACED, Trunk, with_places


def test_a_fine_grid_of_features_not_below_zero():
    found = Trunk().eval()(torch.randn(2, 3, 96, 80))
    assert found.shape == (2, 64, 12, 10)
    assert found.min() == 0


def test_a_cell_sees_what_is_round_it():
    image = torch.randn(1, 3, 96, 96, requires_grad=True)
    Trunk().eval()(image)[0, :, 6, 6].sum().backward()
    rows = image.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert 48 < rows.max() - rows.min() + 1 <= 63


def test_places_are_the_last_two_channels():
    placed = with_places(torch.zeros(2, 64, 2, 3))
    assert placed.shape == (2, PLACED, 2, 3)
    assert placed[1, -2].tolist() == [[-1, 0, 1], [-1, 0, 1]]
    assert placed[1, -1].tolist() == [[-1, -1, -1], [1, 1, 1]]
    assert not placed[:, :64].any()
