"""``sample_id``: what the same image, asked the same, is known by in every run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

__all__ = ["with_texts"]


def with_texts(image: str, texts: Mapping[str, str]) -> str:
    """The digest ``image`` of an image's bytes; with texts, that of both.

    One image has several questions, and each is a sample of its own.
    """
    if not texts:
        return image
    both = json.dumps([image, sorted(texts.items())]).encode()
    return hashlib.blake2b(both, digest_size=16).hexdigest()
