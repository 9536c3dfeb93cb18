"""The second pass over a run's images: choose what to test, change the pictures, keep the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from audit.plan import Plan
from audit.results import Interventions
from audit.tables.parts import read_parts
from audit.tables.schema import arrow_schema
from audit.tables.sliced import read_slices
from audit.verify import looks
from audit.verify.choice import Choice, choose, default_budget
from audit.verify.looks import choose_looks, types_of
from audit.verify.maps import read_maps
from audit.verify.parts import Runner, in_turn, write_interventions

__all__ = ["intervene"]


def intervene(
    plan: Plan,
    run: Path,
    images: pd.DataFrame,
    cases: pd.DataFrame,
    runner: Runner = in_turn,
) -> Interventions:
    """Test the run whose ``images`` parts are whole, one part a class; parts done are kept.

    ``images`` holds the columns audit.triage.READ of every image, and ``cases`` their triage.
    ``runner`` has the classes written.
    """
    config, folder = plan.config, run / "interventions"
    choice, budget = _chosen(plan, run, images, cases)
    wanted = [part for one in choice.classes for part in (one.sample, one.suspects)]
    maps = read_maps(run / "images", np.concatenate([choice.pool, *wanted]), plan.grid)
    unit = "type" if plan.asks_questions else "class"
    with tqdm(total=len(choice.classes), unit=unit, desc="test", disable=None) as bar:
        write_interventions(plan, folder, choice, maps, bar.update, runner=runner)
    empty = arrow_schema("interventions").empty_table()
    rows = pa.concat_tables([empty, *(table for _, table in read_parts(folder))])
    return Interventions(rows.to_pandas(), budget, config.fill, plan.size)


def _chosen(plan: Plan, run: Path, images: pd.DataFrame, cases: pd.DataFrame) -> tuple[Choice, int]:
    """What is tested, and how many extra forwards that may take."""
    budget, seed = plan.config.budget, plan.config.seed
    if not plan.task.names:  # texts: no class is watched, so none can be tested
        none = np.zeros(0, dtype=np.int64)
        return Choice((), none), 0
    if plan.asks_questions:
        types = types_of(read_slices(run / "images"), len(images))
        if budget is None:
            budget = looks.default_budget(len(types.texts))
        return choose_looks(images, types, budget, seed), budget
    if budget is None:
        budget = default_budget(len(images), len(plan.source.listing.classes))
    return choose(images, cases, budget, seed), budget
