"""What a classifier returns, unwrapped to its logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from audit.errors import ModelError

__all__ = ["logits_of"]


def logits_of(output: Any) -> Tensor:
    """Take the logits, float B×M, out of whatever a classifier returned.

    Understood are a tensor, a mapping with the key ``logits``, and anything with a ``logits``
    attribute: the named tuples of torchvision's GoogLeNet and Inception, Hugging Face's outputs.

    Raises
    ------
    ModelError
        For anything else, and for logits that are not B×M floating point.
    """
    logits = _unwrapped(output)
    if not isinstance(logits, Tensor):
        raise ModelError(
            f"the model returned {_described(output)}; it must return a tensor of logits, a mapping"
            " with the key 'logits', or an object with a .logits attribute"
        )
    if logits.ndim != 2 or not logits.is_floating_point():  # noqa: PLR2004 - B×M
        raise ModelError(
            f"the model returned logits of shape {tuple(logits.shape)} and {logits.dtype};"
            " a classifier returns one floating-point row an image (B×M)"
        )
    return logits


def _unwrapped(output: Any) -> Any:
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        return output.get("logits")
    return getattr(output, "logits", None)


def _described(output: Any) -> str:
    kind = type(output).__name__
    if isinstance(output, Mapping):
        return f"a {kind} with the keys {', '.join(map(repr, list(output)[:6])) or 'none'}"
    if isinstance(output, (tuple, list)):
        return f"a {kind} of " + (
            ", ".join(type(part).__name__ for part in output[:6]) or "nothing"
        )
    return f"a {kind}"
