"""The CAM family: pure functions of a target layer's activation and a score's gradient.

Each takes the activation A and the gradient g = ∂y/∂A, both B×K×h×w, and returns the raw map
B×h×w, ≥ 0, not normalised. y is the class's score before the softmax, Z = h·w. A NaN in
A or g stays NaN in the map: a map that cannot be had must not look like an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from audit.errors import ConfigError, nearest

__all__ = [
    "METHODS",
    "Method",
    "cam",
    "counterfactual",
    "grad_cam",
    "grad_cam_plus_plus",
    "hires_cam",
    "layer_cam",
    "method_of",
    "xgrad_cam",
]

Method = Callable[[Tensor, Tensor], Tensor]


def cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """CAM: ReLU(Σ_k w_k A_k), w_k the class's weight of channel k in a linear layer after pooling.

    Under global average pooling and a linear layer ∂y/∂A_k = w_k / Z in every cell, so w_k is the
    gradient's sum. Holds for such heads only; ``audit.explain.pooled`` tells whether one is.
    Source: Zhou et al. 2016 (arXiv 1512.04150).
    """
    return _weighted(activation, gradient.sum(dim=(2, 3)))


def grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """Grad-CAM: ReLU(Σ_k α_k A_k) with α_k the spatial mean of g_k.

    Source: Selvaraju et al. 2017 (arXiv 1610.02391).
    """
    return _weighted(activation, gradient.mean(dim=(2, 3)))


def counterfactual(activation: Tensor, gradient: Tensor) -> Tensor:
    """Grad-CAM of what speaks against the class: ReLU(Σ_k -α_k A_k), the gradient negated.

    Source: Selvaraju et al. 2017 (arXiv 1610.02391), counterfactual explanations.
    """
    return grad_cam(activation, -gradient)


def grad_cam_plus_plus(activation: Tensor, gradient: Tensor) -> Tensor:
    """Grad-CAM++: ReLU(Σ_k w_k A_k), w_k = Σ_ij α_kij ReLU(g_kij), α = g² / (2g² + g³ Σ_ab A_kab).

    This is the closed form for Y = exp(y), whose factor exp(y), one for the whole map, is left out
    as it overflows. g² is cancelled, α = 1 / (2 + g ΣA): squares of small gradients underflow, and
    a constant added against division by zero would outweigh them. Cells with g ≤ 0 have no part.
    Source: Chattopadhay et al. 2018 (arXiv 1710.11063), equation 19 for α.
    """
    positive = gradient.relu()
    total = activation.sum(dim=(2, 3), keepdim=True)
    return _weighted(activation, (positive / (2 + positive * total)).sum(dim=(2, 3)))


def xgrad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """XGrad-CAM: ReLU(Σ_k w_k A_k) with w_k = Σ_ij g_kij A_kij / Σ_ab A_kab.

    A channel whose activations sum to 0 has weight 0 (0/0 where they all are 0).
    Source: Fu et al. 2020 (arXiv 2008.02312).
    """
    total = activation.sum(dim=(2, 3))
    shared = (gradient * activation).sum(dim=(2, 3)) / torch.where(total == 0, 1, total)
    return _weighted(activation, torch.where(total == 0, 0 * shared, shared))  # 0 · NaN is NaN


def layer_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """LayerCAM: ReLU(Σ_k ReLU(g_k) A_k), cell by cell.

    Source: Jiang et al. 2021 (10.1109/TIP.2021.3089943).
    """
    return (gradient.relu() * activation).sum(dim=1).relu()


def hires_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """HiResCAM: ReLU(Σ_k g_k A_k), cell by cell, without pooling the gradient.

    Source: Draelos and Carin 2020 (arXiv 2011.08891); the ReLU is Grad-CAM's.
    """
    return (gradient * activation).sum(dim=1).relu()


#: ``--method`` → its function.
METHODS: Mapping[str, Method] = {
    "grad-cam": grad_cam,
    "grad-cam++": grad_cam_plus_plus,
    "xgrad-cam": xgrad_cam,
    "layer-cam": layer_cam,
    "hires-cam": hires_cam,
    "cam": cam,
    "counterfactual": counterfactual,
}


def method_of(name: str) -> Method:
    """The method called ``name``. Raises ConfigError, with the nearest names, for another."""
    if name not in METHODS:
        raise ConfigError(f"--method {name}: no such method; {nearest(name, METHODS)}")
    return METHODS[name]


def _weighted(activation: Tensor, weights: Tensor) -> Tensor:
    """ReLU(Σ_k w_k A_k) of weights B×K."""
    return (weights[:, :, None, None] * activation).sum(dim=1).relu()
