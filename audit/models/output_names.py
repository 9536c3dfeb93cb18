"""A model's outputs, found by name, WordNet id or index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from audit.errors import ModelError, nearest

__all__ = ["OutputNames", "folded"]


def folded(name: str) -> str:
    """``name`` without what does not tell names apart: case, spaces, hyphens, underscores."""
    return re.sub(r"[\s_-]+", "", name).casefold()


class OutputNames:
    """What the ``n_outputs`` outputs of a model are called, with lookup by name or WordNet id.

    ``labels`` are the names to show. A name such as ``tench, Tinca tinca`` is also found by its
    parts, but an exact name goes before a folded one, and a whole one before a part.

    Raises
    ------
    ModelError
        Where there are not as many names or ids as outputs.
    """

    def __init__(
        self, n_outputs: int, names: Sequence[str] | None, wnids: Sequence[str] | None
    ) -> None:
        for what, said in (("names", names), ("WordNet ids", wnids)):
            if said is not None and len(said) != n_outputs:
                raise ModelError(
                    f"the model has {n_outputs} outputs, but {len(said)} {what} are known for them"
                )
        self.n_outputs = n_outputs
        self.named = names is not None or wnids is not None
        self.labels = tuple(names or wnids or (f"output {i}" for i in range(n_outputs)))
        self._names = tuple(names or ())
        self._wnids = _index((folded(wnid), i) for i, wnid in enumerate(wnids or ()))
        self._exact = _index((name, i) for i, name in enumerate(self._names))
        self._whole = _index((folded(name), i) for i, name in enumerate(self._names))
        self._parts = _index(
            (folded(part), i) for i, name in enumerate(self._names) for part in name.split(",")
        )

    def lookup(self, name: str) -> tuple[int, ...]:
        """The outputs that ``name`` may mean: none, one, or several where it is ambiguous."""
        key = folded(name)
        return (
            self._exact.get(name)
            or self._wnids.get(key)
            or self._whole.get(key)
            or self._parts.get(key, ())
        )

    def is_wnid(self, name: str) -> bool:
        """Whether ``name`` is the WordNet id of an output."""
        return folded(name) in self._wnids

    def find(self, said: int | str, source: str) -> int:
        """The one output that ``source`` says by index, name or id. Raises ModelError if none."""
        if isinstance(said, int):
            if said < self.n_outputs:
                return said
            raise ModelError(
                f"{source} names output {said}; the model's are 0 to {self.n_outputs - 1}"
            )
        hits = self.lookup(said)
        if len(hits) == 1:
            return hits[0]
        if not self.named:
            raise ModelError(
                f"{source} names output {said!r}, but this model's outputs have no names; use"
                f" indices from 0 to {self.n_outputs - 1}"
            )
        raise ModelError(
            f"{source} names output {said!r}, which {'several have' if hits else 'none has'} as its"
            f" name; {nearest(said, self.labels)}"
        )

    def check_names(self, outputs: Sequence[int], names: Sequence[str], source: str) -> None:
        """Raise ModelError where the model calls ``outputs`` something else than ``names``."""
        for output, name in zip(outputs, names, strict=False):
            if self._names and output not in self.lookup(name):
                raise ModelError(
                    f"{source} takes output {output} for {name!r}, but the model calls it"
                    f" {self.labels[output]!r}: the map is meant for another model"
                )


def _index(pairs: Iterable[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for key, output in pairs:
        found[key] = (*found.get(key, ()), output)
    return found
