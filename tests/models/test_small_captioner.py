import pytest
import torch

from audit.explain.forward import class_map, forward
from audit.models.small_captioner import SmallCaptioner
from audit.tasks.base import Answering, Asked

WORDS = ("a", "and", "ball", "red", "star")
ASKED = Asked(({"caption": "a red star"}, {}), torch.tensor([-1, -1]))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return SmallCaptioner(WORDS).eval()


@pytest.fixture
def images():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_teaches_every_word_and_the_end(model, images):
    found = model(images, ["a red star", "ball"])
    assert found.shape == (2, 4, 7)  # three words and the end; five words, boundary, unknown
    assert torch.allclose(found.exp().sum(-1), torch.ones(2, 4), atol=1e-5)
    # a word's probability depends on the words before it alone
    other = model(images, ["a red ball", "ball and ball"])
    assert torch.allclose(found[0, :3], other[0, :3], atol=1e-5)
    assert torch.allclose(found[1, :2], other[1, :2], atol=1e-5)


def test_writes_the_likeliest_words(model, images):
    features = model.encode(images)
    written = model.write(features)
    assert written.shape[1] <= 16
    again = model.follow(features, written)[:, : written.shape[1]]
    again[..., 1] = -torch.inf  # never the unknown word
    again[:, 0, 0] = -torch.inf  # at least one word
    for row, likely in zip(written.tolist(), again.argmax(-1).tolist(), strict=True):
        length = [*row, 0].index(0)
        assert length >= 1
        assert row[: length + 1] == likely[: length + 1]
        assert set(row[length:]) <= {0}


def test_ends_after_sixteen_words(model, images):
    model.told.bias.data[:] = torch.tensor([-50.0, 90.0, 50.0, 0.0, 0.0, 0.0, 0.0])
    answers = model.ask(images, ASKED)
    assert answers.said[0] == ("a red star", " ".join(["a"] * 16))


def test_says_at_least_one_word(model, images):
    model.told.bias.data[:] = torch.tensor([50.0, 0.0, 0.0, 0.0, 20.0, 0.0, 0.0])
    assert model.ask(images, ASKED).said == (("a red star", "ball"), (None, "ball"))


def test_scores_are_what_teaching_gives(model, images):
    answers = model.ask(images, ASKED)
    assert isinstance(model, Answering)
    taught = model(images[:1], ["a red star"])[0]
    steps = taught[torch.arange(4), torch.tensor([2, 5, 6, 0])]
    assert torch.isclose(answers.scores[0, 0], steps.sum(), atol=1e-4)
    assert torch.allclose(answers.scores[0, 2:5], steps[:3], atol=1e-4)
    assert (answers.true.tolist(), answers.predicted.tolist()) == ([0, 1], [1, 1])


def test_an_image_is_answered_the_same_beside_any_other(model, images):
    both = model.ask(images, ASKED)
    alone = model.ask(images[1:], Asked(({},), torch.tensor([-1])))
    assert both.said[1] == alone.said[0]
    assert torch.isclose(both.scores[1, 1], alone.scores[0, 1], atol=1e-4)


def test_grad_cam_of_a_word_at_the_trunk(model, images):
    kept = []
    ran = forward(_Asks(model), ("model.trunk",), images, lambda found: kept.append(found) or found)
    maps = class_map(ran, torch.tensor([2, 1]), "grad-cam", last=True)
    assert maps.shape == (2, 8, 8)
    assert maps.isfinite().all()
    assert ran.scores.shape == kept[0].shape


class _Asks(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        return self.model.ask(images, ASKED).scores
