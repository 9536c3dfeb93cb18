"""Which device the model runs on."""

from __future__ import annotations

import torch

from audit.errors import ConfigError

__all__ = ["pick_device"]


def pick_device(name: str) -> torch.device:
    """The device of that name; ``auto``: CUDA where there is one. Raises ConfigError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(
            f"--device {name} cannot be used ({str(error).splitlines()[0]}); "
            "known: auto, cpu, cuda, cuda:N"
        ) from error
    return device
