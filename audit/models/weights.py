"""From tensors to a module: do they fit, how many outputs do they mean, are they sane?"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from audit.errors import ModelError

__all__ = ["check_finite", "count_outputs", "fit_weights", "hash_weights"]

#: What DataParallel, torch.compile and training frameworks put before every name.
_WRAPPERS = ("module.", "_orig_mod.", "model.")
_WRAPPED_AT_MOST = 3
_COUNTER = ".num_batches_tracked"  # batch normalisation's; of no use in evaluation
_SHOWN = 3


def count_outputs(module: nn.Module, weights: Mapping[str, Tensor], outputs: int) -> int:
    """How many outputs ``weights`` were trained for.

    ``module`` is the architecture built with ``outputs`` outputs: the last of its weights whose
    first dimension is ``outputs`` is the classifier, and the tensor of that name says the number.
    Where there is no such tensor ``outputs`` is returned, and ``fit_weights`` will say why.
    """
    heads = [
        name
        for name, tensor in _tensors(module).items()
        if tensor.ndim > 1 and tensor.shape[0] == outputs
    ]
    if not heads:
        return outputs
    found = [weights[n] for n in weights if n == heads[-1] or n.endswith("." + heads[-1])]
    return int(found[0].shape[0]) if len(found) == 1 and found[0].ndim > 1 else outputs


def fit_weights(module: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Load ``weights`` into ``module``, in place: all of them, or none.

    The prefixes ``module.``, ``_orig_mod.`` and ``model.`` are taken off only where that makes the
    names agree. Batch normalisation's counters may be missing (files before 2018 have none).

    Raises
    ------
    ModelError
        With counts and first examples of what is missing, unexpected or of another shape or kind.
    """
    wanted = _tensors(module)
    named = _unwrapped(weights, wanted)
    complaints = [
        _complaint("missing", _missing(named, wanted)),
        _complaint("unexpected", [name for name in named if name not in wanted]),
        _complaint("of another shape or kind", _misshapen(named, wanted)),
    ]
    if any(complaints):
        raise ModelError(
            f"{source} does not fit the model ({len(wanted)} tensors): "
            + "; ".join(filter(None, complaints))
            + "; does --model name the architecture it was trained with?"
        )
    # Old files state no versions; these tensors have today's names and shapes, so today's hold.
    complete = OrderedDict({**module.state_dict(), **named})
    complete._metadata = module.state_dict()._metadata  # type: ignore[attr-defined]
    module.load_state_dict(complete)


def check_finite(module: nn.Module) -> None:
    """Raise ModelError, with a count and the first names, where weights hold NaN or infinity.

    Minus infinity is fine in buffers: attention masks are made of it.
    """
    parameters = {name for name, _ in module.named_parameters()}
    bad = [
        name
        for name, tensor in _tensors(module).items()
        if tensor.is_floating_point() and not _is_sane(tensor, buffer=name not in parameters)
    ]
    if bad:
        raise ModelError(
            f"the weights are not finite: {len(bad)} tensor(s) hold NaN or infinity"
            f" ({_examples(bad)}); the training diverged or the file is damaged"
        )


def hash_weights(module: nn.Module) -> str:
    """The 128-bit BLAKE2b hash, in hex, of a module's state: names, kinds, shapes and bytes.

    It does not depend on the file format or on wrappers' prefixes.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(_tensors(module).items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    # A module's extra state may be anything; only tensors are weights.
    state = module.state_dict().items()
    return {name: value for name, value in state if isinstance(value, Tensor)}


def _unwrapped(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    forms = [dict(weights)]
    for _ in range(_WRAPPED_AT_MOST):
        prefix = next((p for p in _WRAPPERS if all(n.startswith(p) for n in forms[-1])), None)
        if prefix is None:
            break
        forms.append({name.removeprefix(prefix): value for name, value in forms[-1].items()})
    # The form that agrees best; of equals the first, that is the least changed.
    return max(forms, key=lambda form: len(form.keys() & wanted.keys()))


def _missing(named: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    return [name for name in wanted if name not in named and not name.endswith(_COUNTER)]


def _misshapen(named: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    return [
        f"{name} is {_kind(tensor)}, the model has {_kind(wanted[name])}"
        for name, tensor in named.items()
        if name in wanted and not _alike(tensor, wanted[name])
    ]


def _alike(tensor: Tensor, wanted: Tensor) -> bool:
    same_kind = tensor.is_floating_point() == wanted.is_floating_point()
    return tensor.shape == wanted.shape and same_kind


def _kind(tensor: Tensor) -> str:
    shape = "x".join(str(side) for side in tensor.shape) or "a number"
    return shape if tensor.is_floating_point() else f"{shape} {tensor.dtype}"


def _is_sane(tensor: Tensor, *, buffer: bool) -> bool:
    if buffer:
        return not bool((tensor.isnan() | tensor.isposinf()).any())
    return bool(tensor.isfinite().all())


def _complaint(what: str, names: list[str]) -> str:
    return f"{len(names)} {what} ({_examples(names)})" if names else ""


def _examples(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:_SHOWN]) + (", …" if len(shown) > _SHOWN else "")
