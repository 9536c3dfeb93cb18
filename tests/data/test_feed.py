from dataclasses import replace

import pytest
import torch

from audit.data.feed import feed
from audit.data.loader import batches
from audit.engine import views_of
from audit.plan import make_plan


def _read(config, **options):
    plan = make_plan(config)
    return list(batches(views_of(plan), plan.indices, plan.batch_size, 0, **options))


def test_elsewhere_the_batches_are_handed_on_as_they_are(run_config):
    read = _read(run_config)
    assert all(a is b for a, b in zip(feed(read, torch.device("cpu")), read, strict=True))


def test_a_moved_batch_is_the_batch(run_config):
    batch = _read(run_config)[0]
    moved = batch.to(torch.device("meta"))
    assert {tensor.device.type for tensor in moved.tensors()} == {"meta"}
    assert moved.digest == batch.digest


@pytest.mark.cuda
def test_batches_arrive_in_order_one_ahead(run_config):
    read = _read(replace(run_config, device="cuda"), pinned=True)
    assert all(tensor.is_pinned() for tensor in read[0].tensors())
    fed = list(feed(read, torch.device("cuda")))
    for before, after in zip(read, fed, strict=True):
        assert after.pixels.device.type == "cuda"
        assert torch.equal(after.pixels.cpu(), before.pixels)
