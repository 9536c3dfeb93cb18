import numpy as np
import pytest
import torch

from audit.verify.changes import Change, classified


def _change(red, cls=0, **more):
    """A picture of 2×3 pixels, all of that red; None: a row without a picture."""
    picture = None
    if red is not None:
        picture = np.zeros((2, 3, 3), dtype=np.uint8)
        picture[..., 0] = red
    return Change(0, "sample", cls, "S1", "cover", attempt=1, picture=picture, **more)


class _Model:
    """Class 1 has the share of red (the mean of the first channel / 255), class 0 the rest."""

    def __init__(self):
        self.batches, self.texts = [], []

    def __call__(self, views, texts):
        self.texts.append(list(texts))
        assert views.dtype == torch.uint8
        assert views.shape[1:] == (3, 2, 3)
        self.batches.append(len(views))
        red = views[:, 0].float().mean(dim=(1, 2)) / 255
        return torch.stack([1 - red, red], dim=1)


CHANGES = [_change(51, 1), _change(None), _change(204), _change(255, 1), _change(None), _change(0)]


@pytest.mark.parametrize("batch_size", [1, 2, 4, 100])
def test_order_and_outcomes_do_not_depend_on_the_batches(batch_size):
    outcomes = list(classified(iter(CHANGES), _Model(), batch_size))
    assert all(one.change is change for one, change in zip(outcomes, CHANGES, strict=True))
    # the watched class: red of 51/255 = .2, not red of 204/255 is .2, 1 of 1, not red of 0 is 1
    after = [one.p_after for one in outcomes]
    assert [after[1], after[4]] == [None, None]
    np.testing.assert_allclose([after[k] for k in (0, 2, 3, 5)], [0.2, 0.2, 1, 1], atol=1e-6)
    assert [one.pred_after for one in outcomes] == [0, None, 1, 1, None, 0]


def test_what_has_no_picture_costs_nothing():
    model = _Model()
    outcomes = list(classified([_change(None), _change(None)], model, 2))
    assert [one.p_after for one in outcomes] == [None, None]
    assert model.batches == []
    list(classified(CHANGES, model, 3))
    assert model.batches == [2, 2]


def test_each_picture_comes_with_its_texts():
    asked = [{"question": "red?"}, {"question": "blue?"}]
    changes = [_change(1, texts=asked[0]), _change(None), _change(2, texts=asked[1]), _change(3)]
    model = _Model()
    list(classified(changes, model, 3))
    assert model.texts == [asked, [{}]]


def test_nothing_is_read_ahead_of_its_batch():
    taken = []

    def changes():
        for change in CHANGES:
            taken.append(change)
            yield change

    outcomes = classified(changes(), _Model(), 2)
    next(outcomes)
    assert len(taken) == 2


def test_no_changes():
    assert list(classified([], _Model(), 4)) == []
