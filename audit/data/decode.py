"""Bytes of an image file → upright H×W×3 uint8 RGB, or one line that says why not.

Colours follow torchvision's ``pil_loader``, because that is what most classifiers were trained
through: ``convert("RGB")`` without colour management, and an alpha channel is dropped, not
composited. Where that call loses the picture this module differs: deep greys and floats are scaled
instead of clipped to white, LAB is converted, and EXIF orientation is applied.

Only common photo formats are tried. Pillow knows others whose readers start programs (EPS).
"""

from __future__ import annotations

import codecs
import functools
import hashlib
import io
import logging
import os
import re
import stat
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from audit.records import Reading

__all__ = [
    "UnreadableImage",
    "decode",
    "digest_of",
    "one_line",
    "read_file",
    "shown_name",
    "to_rgb",
]

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM", "TIFF", "JPEG2000", "AVIF")
_MAX_BYTES = 2**30
_ORIENTATION = 0x0112  # the EXIF tag
_TIFF_BITS = 258  # the TIFF tag BitsPerSample
_DETAIL_LENGTH = 200

# Pillow logs some damage that its exceptions already tell; unhandled, it would go to stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class UnreadableImage(Exception):  # noqa: N818 - it becomes a row's status, not a failure
    """An image that gives no pixels; its text is one line for the row's ``status_detail``."""


def digest_of(*parts: bytes | memoryview) -> str:
    """128-bit BLAKE2b of the parts joined, as 32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def shown_name(name: str) -> str:
    """``name`` as valid UTF-8, odd bytes of a file name as ``\\xff``: tables refuse others."""
    if name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def one_line(text: str) -> str:
    """``text`` for a row's ``status_detail``: one line of valid UTF-8, 200 characters at most."""
    line = " ".join(text.split())[:_DETAIL_LENGTH]
    return line.encode("utf-8", "backslashreplace").decode("utf-8")


def read_file(path: str | Path, name: str) -> Reading:
    """Read one image file; never raises for a bad one.

    The digest is that of the file's bytes. Where there are none (missing file, folder, pipe) it is
    that of ``name``, the path as listed, so that the row keeps its identity between machines.
    """
    try:
        data = _bytes_of(path)
    except UnreadableImage as error:
        return Reading(None, digest_of(b"no bytes\0", os.fsencode(name)), str(error))
    digest = digest_of(data)
    try:
        pixels, note, orientation = _opened(data)
    except UnreadableImage as error:
        return Reading(None, digest, str(error))
    return Reading(pixels, digest, note, orientation)


def decode(data: bytes) -> tuple[np.ndarray, str]:
    """Pixels (H×W×3 uint8 RGB, upright) and a note on what was done to get them, often empty.

    Raises UnreadableImage: no image, truncated, too many pixels, values without an 8-bit scale.
    """
    pixels, note, _ = _opened(data)
    return pixels, note


def _opened(data: bytes) -> tuple[np.ndarray, str, int]:
    """As ``decode``, with the EXIF orientation that was undone (1: none)."""
    if not data:
        raise UnreadableImage("empty file (0 bytes)")
    try:
        with _QUIET, Image.open(io.BytesIO(data), formats=_known_formats()) as image:
            return _decoded(image)
    except UnreadableImage:
        raise
    except UnidentifiedImageError:
        raise UnreadableImage(f"not an image: {_looks_like(data)}") from None
    except Image.DecompressionBombError as error:  # beyond twice the limit
        pixels = re.findall(r"\d+", str(error))[0]  # it is raised before there is an image to ask
        raise UnreadableImage(_bomb(f"{pixels} pixels")) from None
    except Exception as error:  # whatever a damaged file makes Pillow's plugins raise
        text = str(error) or type(error).__name__
        raise UnreadableImage(one_line(f"damaged image: {text}")) from None


def to_rgb(image: Image.Image) -> tuple[np.ndarray, str]:
    """Pixels of a Pillow image of any mode (H×W×3 uint8 RGB), and a note where they are a choice.

    Raises UnreadableImage for integers and floats that have no agreed 8-bit scale.
    """
    if image.mode == "LAB":
        return np.array(_lab_to_srgb(image)), "LAB converted to sRGB"
    if image.mode == "F" or image.mode.startswith("I"):
        grey, note = _eight_bits(image)
        return np.repeat(grey[:, :, None], 3, axis=2), note
    note = "transparent pixels keep their stored colour" if _is_transparent(image) else ""
    return np.array(image.convert("RGB")), note


def _bytes_of(path: str | Path) -> bytes:
    try:
        status = os.stat(path)  # noqa: PTH116 - a listed name may not be a valid Path on its own
        _check_kind(status)
        return Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UnreadableImage(f"cannot be read: {reason}") from None
    except ValueError as error:  # a null byte in the name
        raise UnreadableImage(f"cannot be read: {error}") from None


def _check_kind(status: os.stat_result) -> None:
    """Refuse what would block or fill the memory: reading a pipe waits for ever."""
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableImage("cannot be read: a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage("cannot be read: a pipe, socket or device, not a regular file")
    if status.st_size > _MAX_BYTES:
        raise UnreadableImage(f"cannot be read: {status.st_size} bytes; the limit is {_MAX_BYTES}")


def _decoded(image: Image.Image) -> tuple[np.ndarray, str, int]:
    _check_pixels(*image.size)
    image.load()
    pixels, note = to_rgb(image)
    turn = _orientation(image)
    notes = [
        note,
        f"turned upright (EXIF orientation {turn})" if turn in _TURNS else "",
        _frames_note(image),
    ]
    upright = np.ascontiguousarray(_TURNS[turn](pixels)) if turn in _TURNS else pixels
    return upright, "; ".join(note for note in notes if note), turn if turn in _TURNS else 1


def _check_pixels(width: int, height: int) -> None:
    """Pillow only warns between its limit and twice that; here the limit is one."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise UnreadableImage(_bomb(f"{width}×{height} = {width * height} pixels"))


def _bomb(pixels: str) -> str:
    limit = f"the limit is {Image.MAX_IMAGE_PIXELS} (PIL.Image.MAX_IMAGE_PIXELS)"
    return f"{pixels}, possibly a decompression bomb: {limit}"


def _eight_bits(image: Image.Image) -> tuple[np.ndarray, str]:
    """Deep grey (modes I;16*, I, F) scaled to uint8 H×W.

    16 bits keep their high byte, as Pillow does for 16-bit RGB and OpenCV for both. 32-bit integers
    and floats carry no white point: their range says whether they hold [0, 1], 8 or 16 bits.
    """
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        bits = _bits_per_sample(image)
        return (values >> (bits - 8)).astype(np.uint8), f"{bits}-bit grey scaled to 8 bits"
    if image.mode == "I" and image.format == "PPM":  # Pillow scales a deep PGM to 16 bits
        return (values.clip(0, 65535) >> 8).astype(np.uint8), "16-bit grey scaled to 8 bits"
    return _by_range(values)


def _by_range(values: np.ndarray) -> tuple[np.ndarray, str]:
    kind = "float" if values.dtype.kind == "f" else "32-bit integer"
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UnreadableImage(f"{kind} pixels hold NaN or infinity")
    if low < 0 or high > 65535:  # noqa: PLR2004 - the widest agreed scale
        raise UnreadableImage(
            f"{kind} pixels from {low:g} to {high:g} have no agreed 8-bit scale; "
            "store them as 8 or 16 bits, or as floats in [0, 1]"
        )
    if high <= 1 and kind == "float":
        return np.rint(values * 255).astype(np.uint8), "float [0, 1] scaled to 8 bits"
    if high <= 255:  # noqa: PLR2004
        return np.rint(values).astype(np.uint8), f"{kind} pixels taken as 8 bits"
    return (values / 256).astype(np.uint8), f"{kind} pixels taken as 16 bits, scaled to 8"


def _bits_per_sample(image: Image.Image) -> int:
    """12-bit TIFFs arrive as mode I;16 too, with values up to 4095."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_TIFF_BITS, (16,))[0]
    return int(bits) if 8 < bits < 16 else 16  # noqa: PLR2004


def _lab_to_srgb(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    if converted is None:  # only with inPlace=True
        raise UnreadableImage("LAB could not be converted to RGB")
    return converted


def _is_transparent(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    return bool(np.asarray(image.convert("RGBA").getchannel("A")).min() < 255)  # noqa: PLR2004


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 where there is none or the EXIF block is damaged.

    TIFF's own orientation tag is not seen here: Pillow applies it when it loads.
    """
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata must not lose the picture
        return 1


def _rotated(pixels: np.ndarray) -> np.ndarray:
    return pixels.transpose(1, 0, 2)


_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: _rotated,
    6: lambda pixels: _rotated(pixels[::-1]),
    7: lambda pixels: _rotated(pixels[::-1, ::-1]),
    8: lambda pixels: _rotated(pixels)[::-1],
}


def _frames_note(image: Image.Image) -> str:
    """MPO (a phone's photo with its depth map or preview) is one picture to its owner."""
    try:
        several = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
    except Exception:  # a damaged later frame says nothing about the first
        several = False
    return "first of several frames" if several else ""


def _looks_like(data: bytes) -> str:
    """What a file that is no image seems to be: a failed download explains itself."""
    start = data[:400].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page (HTML)"
    try:  # incremental: the cut may fall inside a character
        text = codecs.getincrementaldecoder("utf-8")().decode(start[:40])
    except UnicodeDecodeError:
        text = ""
    if text and all(char.isprintable() or char.isspace() for char in text):
        return f"text that begins {one_line(text)!r}"
    known = ", ".join(_FORMATS)
    return f"bytes that begin {data[:8].hex(' ')}, none of {known}, or a damaged header"


@functools.cache
def _known_formats() -> tuple[str, ...]:
    """Those that this Pillow was built with: asking for another is a KeyError."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


class _Quiet:
    """While any thread decodes, Pillow's warnings on damaged metadata are ignored.

    ``warnings.catch_warnings`` alone is not safe here: with threads that overlap, the one that
    leaves last would restore the other's filters for good. So the first in saves them and the last
    out restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._saved.__exit__(kind, error, trace)


_QUIET = _Quiet()
