"""Cascading randomisation: a copy of a network loses its weights from the head downwards.

Source: Adebayo et al. 2018, "Sanity checks for saliency maps" (arXiv 1810.03292), section 3.1.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["Randomised", "Run", "cascade", "stages", "weighted_modules"]

_STAGES = 5
_ROOT = "(the model itself)"  # holds parameters that belong to none of its parts

#: Runs a module once on normalised images B×3×H×W.
Run = Callable[[nn.Module, Tensor], object]


def _called_plainly(module: nn.Module, inputs: Tensor) -> object:
    return module(inputs)


@dataclass(frozen=True)
class Randomised:
    """A network whose modules from the output down to ``down_to`` have random weights."""

    down_to: str  # the deepest of them, by its name
    modules: int  # how many they are
    module: nn.Module  # valid until the next stage is asked for


def cascade(
    module: nn.Module, inputs: Tensor, seed: Sequence[int], run: Run = _called_plainly
) -> Iterator[Randomised]:
    """Yield ``module`` with ever more of it re-initialised: the head alone, …, the whole.

    Works on a copy; ``module`` itself is never changed. ``inputs`` B×3×H×W, normalised, show in
    which order the modules run, and give the batch normalisations of the random part statistics
    that fit it, as they would have in a network that starts its training: with the old ones a
    random network soon puts out constants, whose maps would differ for that reason alone. The
    same ``seed`` (any whole numbers ≥ 0) gives the same weights on every device. ``run`` runs a
    module that takes more than images.
    """
    copied = copy.deepcopy(module)
    names: list[str] = []
    for k, group in enumerate(stages(weighted_modules(copied, inputs, run))):
        names += group
        copied.cpu()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(_seed(seed, k))
            for name in group:
                _reinitialise(copied.get_submodule(name))
        copied.to(inputs.device)
        _refresh_statistics(copied, names, inputs, run)
        yield Randomised(group[-1] or _ROOT, len(names), copied)


def weighted_modules(module: nn.Module, inputs: Tensor, run: Run = _called_plainly) -> list[str]:
    """Names of the modules that hold parameters themselves, the last to run first.

    A module that is never called (its parent uses its weights directly, as attention layers do)
    counts as run when the nearest parent that was called began.
    """
    began = {"": -1}  # the model itself, also where another of its methods than forward is called
    clock = itertools.count()

    def note(name: str) -> None:
        began[name] = next(clock)

    handles = [
        each.register_forward_pre_hook(lambda _module, _inputs, name=name: note(name))
        for name, each in module.named_modules()
    ]
    try:
        with torch.no_grad():
            run(module, inputs)
    finally:
        for handle in handles:
            handle.remove()
    holders = [name for name, each in module.named_modules() if any(True for _ in _own(each))]
    return sorted(holders, key=lambda name: began[_called(name, began)])[::-1]


def stages(names: Sequence[str]) -> list[list[str]]:
    """Group ``names``, output first: the head alone, then the rest in at most four even groups."""
    rest = np.array_split(np.asarray(names[1:], dtype=object), _STAGES - 1)
    return [list(names[:1]), *(list(group) for group in rest if len(group))] if names else []


def _own(module: nn.Module) -> Iterator[nn.Parameter]:
    return module.parameters(recurse=False)


def _called(name: str, began: dict[str, int]) -> str:
    while name not in began:
        name = name.rpartition(".")[0]
    return name


def _seed(seed: Sequence[int], stage: int) -> int:
    return int(np.random.SeedSequence([*seed, stage]).generate_state(1)[0])


@torch.no_grad()
def _reinitialise(module: nn.Module) -> None:
    """Give a module's own parameters the values it would start a training with.

    Where it cannot say them, normal values of each parameter's own mean and deviation.
    """
    if callable(reset := getattr(module, "reset_parameters", None)):
        reset()
        return
    for parameter in _own(module):
        deviation, mean = torch.std_mean(parameter.float(), correction=0)
        parameter.normal_(float(mean), float(deviation))


@torch.no_grad()
def _refresh_statistics(module: nn.Module, names: Sequence[str], inputs: Tensor, run: Run) -> None:
    """Measure on ``inputs`` the statistics of the batch normalisations among ``names``."""
    norms = [each for name in names if isinstance(each := module.get_submodule(name), _BatchNorm)]
    if not norms:
        return
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the forwards: this one's own
        norm.train()
    run(module, inputs)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
        norm.eval()
