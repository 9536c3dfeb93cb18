"""The splits that a dataset of fixed splits has."""

from __future__ import annotations

from audit.errors import ConfigError, nearest

__all__ = ["check_split"]


def check_split(dataset: str, split: str, known: tuple[str, ...]) -> None:
    """Raise ConfigError, with the known ones, for a split that ``dataset`` does not have."""
    if split not in known:
        raise ConfigError(f"--split {split}: {dataset} has no such split; {nearest(split, known)}")
