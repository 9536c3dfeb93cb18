"""Batches on their way to the device: the next one is copied while the model works on this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch

from audit.records import Batch

__all__ = ["feed"]


def feed(batches: Iterable[Batch], device: torch.device) -> Iterator[Batch]:
    """The ``batches`` with their pixels and rasters on ``device``, in order.

    On CUDA each is read in a thread of its own, and copied one ahead, from pinned memory on a
    stream of its own. On other devices the batches are handed on as they are: neither would overlap
    with anything.
    """
    if device.type != "cuda":
        yield from batches
        return
    side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    ahead: tuple[Batch, torch.cuda.Event] | None = None
    for batch in _read_ahead(batches):
        with torch.cuda.stream(side):
            moved = batch.to(device), side.record_event()
        if ahead is not None:
            yield _arrived(*ahead)
        ahead = moved
    if ahead is not None:
        yield _arrived(*ahead)


def _read_ahead(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The ``batches``, each read in a thread while its reader works on the one before."""
    waiting = iter(batches)
    with ThreadPoolExecutor(1, "loader") as thread:
        coming = thread.submit(next, waiting, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, waiting, None)
            yield batch


def _arrived(batch: Batch, copied: torch.cuda.Event) -> Batch:
    """``batch`` for use on the current stream, which waits for its copy and keeps its memory."""
    now = torch.cuda.current_stream(batch.pixels.device)
    now.wait_event(copied)
    for tensor in batch.tensors():
        tensor.record_stream(now)
    return batch
