import pytest
import torch
from torch import nn

from audit.explain.forward import class_map, forward
from audit.models.small_vqa import SmallVqa

WORDS = ("ball", "color", "is", "star", "the", "what")
STAR, BALL = "What color is the star?", "what color is the ball"


@pytest.fixture
def model():
    torch.manual_seed(0)
    return SmallVqa(3, WORDS).eval()


@pytest.fixture
def images():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


class Asked(nn.Module):
    def __init__(self, model, questions):
        super().__init__()
        self.model, self.questions = model, questions

    def forward(self, images):
        return self.model(images, self.questions)


def test_answers_are_probabilities(model, images):
    logits = model(images, [STAR, BALL])
    assert logits.shape == (2, 3)
    assert torch.allclose(logits.exp().sum(1), torch.ones(2), atol=1e-5)


def test_each_row_is_of_its_image_and_question_alone(model, images):
    both = model(images, [STAR, f"well, {BALL}, tell me what the color of the ball is"])
    assert torch.allclose(model(images[:1], [STAR]), both[:1], atol=1e-5)
    assert not torch.allclose(model(images[:1], [BALL]), both[:1], atol=1e-4)
    assert not torch.allclose(model(images[1:], [STAR]), both[:1], atol=1e-4)


def test_an_image_is_encoded_once_for_all_its_questions(model, images):
    features = model.encode(images)
    repeated = model.answer(features[[0, 1, 0]], [STAR, STAR, BALL])
    assert torch.allclose(repeated, model(images[[0, 1, 0]], [STAR, STAR, BALL]), atol=1e-5)


def test_unknown_words_and_empty_questions_are_answered(model, images):
    first, second = model(images[[0, 0]], ["quel zebra", "quelle zebre"])
    assert torch.equal(first, second)
    assert model(images, ["", "?"]).isfinite().all()


def test_attention_is_on_the_words_that_are_asked(model):
    # The only feature says "star" of the cell it is in; weights of the words are equal at first.
    nn.init.zeros_(model.spotter.weight)
    model.spotter.weight.data[model.vocabulary.encode(["star"])[0][0], 0] = 40.0
    features = torch.zeros(2, 66, 2, 2)
    features[:, 0, 1, 0] = 1.0
    kept = []
    handle = model.votes.register_forward_hook(lambda *call: kept.append(call[2]))
    model.answer(features, [STAR, BALL])
    handle.remove()
    star, ball = kept[0].sum(dim=1)
    assert torch.allclose(star, torch.tensor([[0.0, 0.0], [1.0, 0.0]]), atol=1e-4)
    assert torch.allclose(ball, torch.full((2, 2), 0.25), atol=1e-4)


def test_grad_cam_of_an_answer_is_where_its_votes_are(model, images):
    ran = forward(Asked(model, [STAR, BALL]), ("model.votes",), images, lambda logits: logits)
    maps = class_map(ran, torch.tensor([2, 0]), "grad-cam", last=True)
    assert maps.shape == (2, 8, 8)
    # d log(sum of votes) / d vote is 1 / the sum in every cell, and Grad-CAM's weight its mean.
    votes = ran.activations[0].detach()
    for image, answer in ((0, 2), (1, 0)):
        own = votes[image, answer]
        assert torch.allclose(maps[image], own / (own.sum() + 1e-6), rtol=1e-4)


def test_what_the_words_tell_is_learnt_without_the_image():
    torch.manual_seed(0)
    model, images = SmallVqa(2, WORDS).train(), torch.randn(8, 3, 32, 32)
    questions, labels = [STAR, BALL] * 4, torch.tensor([0, 1] * 4)
    features = model.encode(images).detach()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(30):
        loss = nn.functional.cross_entropy(model.answer(features, questions), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    blind = model.answer(torch.zeros_like(features), questions)
    assert blind.argmax(1).tolist() == labels.tolist()
