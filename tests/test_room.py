"""A device without the memory for a batch, played by a model that refuses large ones."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn

from audit.auditing import run_audit
from audit.errors import ModelError
from audit.models.reference import SmallResNet
from audit.plan import make_plan
from audit.room import with_room
from audit.tables.parts import read_parts


class Narrow(nn.Module):
    """A SmallResNet on a device that holds ``most`` images."""

    most = 2

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.net = SmallResNet(10)

    def forward(self, x):
        if len(x) > self.most:
            raise torch.OutOfMemoryError(f"no room for {len(x)}")
        return self.net(x)


def build():
    return Narrow()


@pytest.fixture
def config(run_config, monkeypatch):
    return replace(
        run_config,
        model=f"{__name__}:build",
        checkpoint=None,
        target_layer="net.layer3",
        batch_size=8,
    )


def test_the_batch_is_halved_until_it_fits_and_the_tables_stay(config, monkeypatch):
    said = []
    small = run_audit(replace(config, run="small"), said.append).parents[1]
    halved = [line for line in said if "out of memory" in line]
    assert [line.split("batches of ")[1].split(" ")[0] for line in halved] == ["4", "2"]
    monkeypatch.setattr(Narrow, "most", 8)
    large = run_audit(replace(config, run="large")).parents[1]
    small, large = (
        pd.concat([table.to_pandas() for _, table in read_parts(run / "images")])
        for run in (small, large)
    )
    assert small["sample_id"].tolist() == large["sample_id"].tolist()
    assert small["pred_class"].tolist() == large["pred_class"].tolist()
    assert small["true_cam_max"].to_numpy() == pytest.approx(large["true_cam_max"].to_numpy())


def test_one_image_too_large_says_what_helps(config):
    with pytest.raises(
        ModelError, match=r"cpu has not the memory for one image of 96×96 .*--dtype"
    ):
        with_room(make_plan(config), _too_much, lambda _line: None)


def _too_much(_plan):
    raise torch.OutOfMemoryError("no room")


def test_other_errors_are_not_taken_for_it(config):
    def broken(_plan):
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        with_room(make_plan(config), broken, lambda _line: None)
