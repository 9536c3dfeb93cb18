"""Guided backpropagation and Guided Grad-CAM: fine detail for looking at, never for scoring.

Guided backpropagation (Springenberg et al. 2014, arXiv 1412.6806) is the gradient of a score with
respect to the image, with every ReLU passing back R_in = (x > 0)·(R > 0)·R: its own derivative,
and nothing where the gradient that reaches it is negative. Its pictures hardly change when the
head's weights are randomised (Adebayo et al. 2018, arXiv 1810.03292), so they show edges of the
image as much as the model's reasons.

The rule is put on the nodes of the autograd graph that the forward leaves, not on modules. So a
ReLU module, one called several times, an in-place one and a functional one (``F.relu``,
``x.relu_()``) are all the same node and all treated, and the model itself is not changed. Other
nodes keep their derivative, those of smooth gates (sigmoid, hard sigmoid, tanh, softmax) included.

What is treated: ReLU, and ReLU6, whose derivative is that of a ReLU with a ceiling. What is refused
by name, because the rule says nothing of it or because it hides what it does:

- activations that pass negative values, or bend smoothly through 0 (GELU, SiLU, Hardswish,
  LeakyReLU, ELU, …): "where the forward was positive" has no single meaning there, and cutting
  anyway would give a picture of nothing that was ever defined;
- a ReLU written by hand (``clamp(min=0)``, ``torch.maximum``, ``torch.where``), which may also be
  something else, such as a bound on the input;
- custom autograd functions, compiled parts and TorchScript's fused graphs.

Not seen: a product with a mask, ``x * (x > 0)``, and a Swish written as ``x * sigmoid(x)``; both
keep their derivative.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import Node

from audit.errors import ModelError
from audit.scores.grid import upsample

__all__ = ["guided_backpropagation", "guided_grad_cam"]

#: Nodes of activations that are no rectifiers, by the name autograd gives them.
_REFUSED = {
    "Celu": "CELU",
    "Elu": "ELU or SELU",
    "Gelu": "GELU",
    "Glu": "GLU",
    "Hardshrink": "Hardshrink",
    "Hardswish": "Hardswish",
    "Hardtanh": "Hardtanh",  # where its floor is not 0; else it is a ReLU6
    "LeakyRelu": "LeakyReLU",
    "LogSigmoid": "LogSigmoid",
    "Mish": "Mish",
    "PreluKernel": "PReLU",
    "RreluWithNoise": "RReLU",
    "Silu": "SiLU",
    "Softplus": "Softplus",
    "Softshrink": "Softshrink",
    "Threshold": "Threshold",
    "Fmax": "torch.fmax, which may be a ReLU written by hand",
    "Maximum": "torch.maximum, which may be a ReLU written by hand",
    "Where": "torch.where, which may be a ReLU written by hand",
}
#: Nodes that are a ReLU written by hand where their lower bound is 0.
_BOUNDS = ("Clamp", "ClampMin")


def guided_backpropagation(
    module: nn.Module, inputs: Tensor, chosen: Tensor, to_scores: Callable[[Any], Tensor]
) -> Tensor:
    """The guided gradient of score ``chosen[i]`` with respect to image i, B×3×H×W.

    ``inputs`` are normalised images B×3×H×W, ``chosen`` int64[B]; ``to_scores`` makes B×C of the
    module's output. The module should be in evaluation mode, as for every map. No ``.grad`` and no
    ``requires_grad`` is touched, and no hook is left, by return or exception. Raises ModelError,
    with the place, for what this module's docstring says is refused, and where no ReLU lies
    between the images and the scores.
    """
    leaf = inputs.detach().requires_grad_()
    with torch.enable_grad(), _watched(module) as graph:
        scores = to_scores(module(leaf))
        picked = scores.gather(1, chosen[:, None]).sum()
        graph.walk([picked])
    graph.check()
    (found,) = torch.autograd.grad(picked, leaf, allow_unused=True)
    if found is None:
        raise ModelError(
            "guided backpropagation: the scores have no gradient with respect to the image; the"
            " model's forward detaches it on the way (detach, torch.no_grad)"
        )
    return found


def guided_grad_cam(guided: Tensor, cam: Tensor) -> Tensor:
    """Guided Grad-CAM: the upsampled map times the guided gradient, B×3×H×W.

    ``guided`` B×3×H×W, ``cam`` the raw map B×h×w of the same class. Source: Selvaraju et al. 2017
    (arXiv 1610.02391), section 3.2.
    """
    return guided * upsample(cam, (guided.shape[-2], guided.shape[-1]))[:, None]


class _Graph:
    """The nodes of a forward so far, each guided or refused, with the module it ran in."""

    def __init__(self) -> None:
        self.running = [""]  # names of the modules whose forward is running, outermost first
        self._seen: set[Node] = set()  # keeps the nodes alive: their identity is their wrapper's
        self._guided = 0
        self._refused: dict[str, list[str]] = {}  # what: where

    def walk(self, values: Iterable[Any]) -> None:
        """Visit the nodes behind ``values`` that are new: the running module made them."""
        waiting = [value.grad_fn for value in values if isinstance(value, Tensor)]
        while waiting:
            node = waiting.pop()
            if node is None or node in self._seen:
                continue
            self._seen.add(node)
            self._visit(node)
            waiting += [before for before, _ in node.next_functions]

    def check(self) -> None:
        """Raise ModelError where a node was refused, or none was a rectifier."""
        if self._refused:
            found = "; ".join(f"{what} {_places(at)}" for what, at in self._refused.items())
            raise ModelError(
                "guided backpropagation is defined for ReLU and ReLU6 (as modules or functions),"
                f" not for this model's {found}; its Grad-CAM needs no such rule (--no-guided)"
            )
        if not self._guided:
            raise ModelError(
                "guided backpropagation: no ReLU ran between the image and the scores"
                " (--no-guided leaves it out)"
            )

    def _visit(self, node: Node) -> None:
        if _is_rectifier(node):
            node.register_prehook(_positive)
            self._guided += 1
        elif what := _refusal(node):
            self._refused.setdefault(what, []).append(self.running[-1])


@contextmanager
def _watched(module: nn.Module) -> Iterator[_Graph]:
    """Walk the graph whenever one of the modules starts or ends, to know where a node was made."""
    graph = _Graph()
    with ExitStack() as hooks:
        for name, part in module.named_modules():
            _watch(part, name, graph, hooks)
        yield graph


def _watch(part: nn.Module, name: str, graph: _Graph, hooks: ExitStack) -> None:
    def start(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
        graph.walk(inputs)
        graph.running.append(name)

    def end(_module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
        graph.walk(output if isinstance(output, (tuple, list)) else [output])
        graph.running.pop()

    hooks.callback(part.register_forward_pre_hook(start).remove)
    hooks.callback(part.register_forward_hook(end).remove)


def _positive(gradients: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    return tuple(None if gradient is None else gradient.clamp(min=0) for gradient in gradients)


def _is_rectifier(node: Node) -> bool:
    kind = _kind(node)
    return kind == "Relu" or (kind == "Hardtanh" and _is_zero(_saved(node, "min_val")))


def _refusal(node: Node) -> str | None:
    """Why the rule cannot be put on ``node``; None where it keeps its derivative."""
    kind = _kind(node)
    if _is_custom(node):
        return f"custom autograd function {node.name().removesuffix('Backward')}"
    if "DifferentiableGraph" in kind:
        return "fused TorchScript graph"
    if kind in _BOUNDS and _is_zero(_saved(node, "min")):
        return "clamp at 0, which may be a ReLU written by hand"
    return _REFUSED.get(kind)


def _kind(node: Node) -> str:
    """``Relu`` of a node called ReluBackward0; empty for a custom one, which may have any name."""
    if _is_custom(node):
        return ""
    return re.sub(r"Backward\d*$", "", node.name())


def _is_custom(node: object) -> bool:
    return isinstance(node, BackwardCFunction)


def _saved(node: Node, name: str) -> Any:
    return getattr(node, f"_saved_{name}", None)


def _is_zero(bound: Any) -> bool:
    return bound is not None and not bool(torch.as_tensor(bound).any())


def _places(modules: list[str]) -> str:
    first = repr(modules[0]) if modules[0] else "the model's own forward"
    others = len(modules) - 1
    return f"(in {first}" + (f" and {others} more)" if others else ")")
