"""``sample_id``: what the same image, asked the same, is known by in every run."""

from __future__ import annotations

import json
from collections.abc import Mapping

from audit.data.decode import digest_of

__all__ = ["with_texts"]


def with_texts(image: str, texts: Mapping[str, str]) -> str:
    """The digest ``image`` of an image's bytes; with texts, that of both.

    One image has several questions, and each is a sample of its own.
    """
    if not texts:
        return image
    return digest_of(json.dumps([image, sorted(texts.items())]).encode())
