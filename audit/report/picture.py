"""Which kind of picture some bytes are: runs of before kept JPEG, those of now keep WebP."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["KINDS", "Kind", "kind_of"]


class Kind(NamedTuple):
    """A format's file suffix, and what a server or a data address calls it."""

    suffix: str
    mime: str


#: First bytes → kind; what is none of these is taken for the JPEG of the first runs.
KINDS: Final = {
    b"RIFF": Kind(".webp", "image/webp"),
    b"\x89PNG": Kind(".png", "image/png"),
    b"\xff\xd8\xff": Kind(".jpg", "image/jpeg"),
}


def kind_of(picture: bytes) -> Kind:
    """The kind of an encoded picture, by its first bytes."""
    found = (kind for start, kind in KINDS.items() if picture.startswith(start))
    return next(found, KINDS[b"\xff\xd8\xff"])
