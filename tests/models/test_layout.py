import pytest
import torch
from torch import nn

from audit.models.layout import Layout, as_maps, finest, layout_of, prefix_tokens


@pytest.mark.parametrize(
    ("shape", "view", "expected"),
    [
        ((1, 512, 7, 7), (224, 224), Layout("maps", (7, 7))),
        ((1, 7, 7, 768), (224, 224), Layout("channels-last", (7, 7))),
        ((1, 6, 10, 96), (200, 320), Layout("channels-last", (6, 10))),
        ((1, 8, 8, 8), (64, 64), Layout("maps", (8, 8))),  # either way: channels first
        ((1, 3, 8, 8), (16, 24), Layout("maps", (8, 8))),  # pooled to a fixed grid
        ((1, 197, 192), (224, 224), Layout("tokens", (14, 14), 1)),
        ((1, 196, 192), (224, 224), Layout("tokens", (14, 14), 0)),
        ((1, 141, 192), (224, 160), Layout("tokens", (14, 10), 1)),  # patches of 16
        ((1, 198, 192), (224, 224), None),  # two more tokens, and nobody says so
        ((1, 1000), (224, 224), None),
    ],
)
def test_layout_of(shape, view, expected):
    assert layout_of(shape, view) == expected


def test_declared_prefix_tokens_come_first():
    assert layout_of((1, 201, 8), (224, 224), (5, 0)) == Layout("tokens", (14, 14), 5)
    # 5 tokens over 64×64 are 2×2 and a class token, or 1×1 and four more, if a model says so
    assert layout_of((1, 5, 8), (64, 64)) == Layout("tokens", (2, 2), 1)
    assert layout_of((1, 5, 8), (64, 64), (4, 0)) == Layout("tokens", (1, 1), 4)


def test_the_nearest_declaration_holds():
    inner = nn.Sequential(nn.Identity())
    inner.num_prefix_tokens = 5
    module = nn.Sequential(nn.Identity(), inner)
    assert prefix_tokens(module, "1.0") == (5, 0)
    assert prefix_tokens(module, "0") == (0, 1)


def test_tokens_are_rows_of_patches():
    output = torch.tensor([[[9.0], [0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]])  # class token first
    maps = as_maps(output, Layout("tokens", (2, 3), 1))
    assert maps.tolist() == [[[[0, 1, 2], [3, 4, 5]]]]


def test_channels_move_first():
    output = torch.arange(12.0).reshape(1, 2, 2, 3)
    maps = as_maps(output, Layout("channels-last", (2, 2)))
    assert maps[0, 0].tolist() == [[0, 3], [6, 9]]
    assert torch.equal(as_maps(maps, Layout("maps", (2, 2))), maps)


def test_finest():
    assert finest([Layout("maps", (7, 7)), Layout("maps", (14, 10))]) == (14, 10)


def test_is_told_in_words():
    assert str(Layout("maps", (7, 5))) == "maps 7×5"
    assert str(Layout("tokens", (14, 14), 5)) == "tokens 14×14, 5 without a place dropped"
