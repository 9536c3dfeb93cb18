"""Where a device's memory does not hold a batch: halve it and go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import torch

from audit.errors import ModelError
from audit.plan import Plan

__all__ = ["with_room"]

T = TypeVar("T")


def with_room(
    plan: Plan, work: Callable[[Plan], T], say: Callable[[str], object]
) -> tuple[Plan, T]:
    """What ``work`` makes of ``plan``, and the plan that it was made with.

    Where the device runs out of memory, ``work`` starts again with batches of half the size, and
    ``say`` is told; later work should take the plan that is returned. Raises ModelError where one
    image alone is too much.
    """
    while True:
        found = _tried(plan, work)
        if found is not None:
            return plan, found[0]
        plan = _halved(plan)
        say(
            f"{plan.device} is out of memory: going on with batches of {plan.batch_size} "
            f"(--batch-size {plan.batch_size} starts with them)"
        )


def _tried(plan: Plan, work: Callable[[Plan], T]) -> tuple[T] | None:
    """The result, or None where memory ran out: the error is let go, for it holds the tensors."""
    try:
        return (work(plan),)
    except torch.OutOfMemoryError:
        pass
    if plan.device.type == "cuda":
        torch.cuda.empty_cache()
    return None


def _halved(plan: Plan) -> Plan:
    size = plan.batch_size
    if size == 1:
        raise ModelError(
            f"{plan.device} has not the memory for one image of {plan.size[0]}×{plan.size[1]} "
            "pixels: choose a smaller --input-size, another --device, or --dtype bfloat16"
        )
    return replace(plan, batch_size=size // 2)
