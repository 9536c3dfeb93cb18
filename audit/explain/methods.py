"""The CAM family: pure functions of a target layer's activation and a score's gradient."""

from __future__ import annotations

from torch import Tensor

__all__ = ["grad_cam"]


def grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """Grad-CAM: ReLU(Σ_k α_k A^k) with α_k the spatial mean of ∂y/∂A^k.

    ``activation`` and ``gradient`` B×K×h×w; returns the raw map B×h×w, ≥ 0, not normalised.
    Source: Selvaraju et al. 2017 (arXiv 1610.02391), equations 1 and 2.
    """
    weights = gradient.mean(dim=(2, 3))
    return (weights[:, :, None, None] * activation).sum(dim=1).relu()
