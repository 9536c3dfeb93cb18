"""What a reduced precision changes: some images audited in float32 as well, and compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from audit.data.loader import batches
from audit.engine import views_of
from audit.findings import examine, unpack
from audit.plan import Plan
from audit.records import Batch

__all__ = ["Precision", "effect"]

_IMAGES = 64


@dataclass(frozen=True)
class Precision:
    """The difference to float32 on ``n`` images; medians and largest values are of its size.

    ``mass`` is the true class's ``relevance_mass_accuracy`` in the ``mass_n`` images that have it
    in both; None where there is none.
    """

    dtype: str
    n: int
    predictions_changed: int
    probability_largest: float | None  # of the true class, or of the predicted one without a label
    mass_n: int
    mass_median: float | None
    mass_largest: float | None


def effect(plan: Plan) -> Precision | None:
    """What ``plan``'s precision changes on a seeded sample of its images; None: it is float32."""
    if plan.dtype == torch.float32:
        return None
    config, rng = plan.config, np.random.default_rng(plan.config.seed)
    n = min(_IMAGES, len(plan.indices))
    index = np.sort(rng.choice(plan.indices, n, replace=False))
    read = list(batches(views_of(plan), index, plan.batch_size, config.workers))
    theirs, ours = _figures(plan, read, torch.float32), _figures(plan, read, plan.dtype)
    probability = _finite(ours["true_probability"] - theirs["true_probability"])
    name = "true_relevance_mass_accuracy"
    mass = _finite(ours[name] - theirs[name])
    return Precision(
        dtype=plan.dtype_name,
        n=n,
        predictions_changed=int((ours["pred"] != theirs["pred"]).sum()),
        probability_largest=float(probability.max()) if len(probability) else None,
        mass_n=len(mass),
        mass_median=float(np.median(mass)) if len(mass) else None,
        mass_largest=float(mass.max()) if len(mass) else None,
    )


def _finite(difference: np.ndarray) -> np.ndarray:
    size: np.ndarray = np.abs(difference[np.isfinite(difference)])
    return size


def _figures(plan: Plan, read: list[Batch], dtype: torch.dtype) -> dict[str, np.ndarray]:
    """The figures of every image, with the model in ``dtype``."""
    wanted = ("pred", "true_probability", "true_relevance_mass_accuracy")
    found: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
    for batch in read:
        packed = examine(
            batch, plan.classifier, plan.task, plan.config.method, plan.device, dtype=dtype
        )
        figures = unpack(packed.matrix.cpu().numpy(), packed.layout)
        for name, values in found.items():
            values.append(figures[name][batch.readable])
    return {name: np.concatenate(values) for name, values in found.items()}
