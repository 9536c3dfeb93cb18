"""A user's own model: ``package.module:function``, called without arguments."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from audit.errors import ModelError
from audit.records import Preprocessing
from audit.user_code import call_named

__all__ = ["user_model"]


def user_model(name: str) -> tuple[nn.Module, Preprocessing | None]:
    """Call the function that ``name`` says; the current folder is searched first.

    The function returns a module, or a module and its ``audit.records.Preprocessing``.

    Raises
    ------
    ModelError
        Where the module or function is missing, the function fails, or returns something else.
    """
    made = call_named(name, "--model", ModelError)
    if isinstance(made, nn.Module):
        return made, None
    match made:
        case (nn.Module() as module, Preprocessing() as preprocessing):
            return module, _credited(preprocessing, name)
    raise ModelError(
        f"{name} returned a {type(made).__name__}; it must return a torch.nn.Module, or a pair of"
        " one and an audit.records.Preprocessing"
    )


def _credited(preprocessing: Preprocessing, name: str) -> Preprocessing:
    unstated = preprocessing.source == Preprocessing().source
    return replace(preprocessing, source=f"returned by {name}") if unstated else preprocessing
