"""How figures and names are written on the page: one place, so that a null is never a zero.

Every function takes None for a value that does not exist and then answers ``NOT_AVAILABLE``.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

__all__ = [
    "NOT_AVAILABLE",
    "capital",
    "clean",
    "count",
    "effect",
    "interval",
    "percent",
    "probability",
    "rounded",
    "share",
    "times",
]

NOT_AVAILABLE = "not available"

# Control characters become their visible pictures (U+2400…), so that a newline in a file's name is
# seen and cannot forge a second line. Bidirectional overrides are dropped for the same reason.
_VISIBLE = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_VISIBLE |= dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}")
_DROPPED = dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "")
_TRANSLATION: dict[int, str] = _VISIBLE | _DROPPED


def clean(text: object, limit: int = 120) -> str:
    """An untrusted name as one visible line of at most ``limit`` characters.

    The middle of a longer one is left out, since a path tells most at its two ends. Escaping for
    HTML is the template's work, not this function's.
    """
    if text is None:
        return NOT_AVAILABLE
    line = str(text).translate(_TRANSLATION).encode("utf-8", "replace").decode()
    if len(line) <= limit:
        return line
    tail = limit // 2
    return f"{line[: limit - tail - 1]}…{line[-tail:]}"


def capital(text: str) -> str:
    """``text`` as a sentence begins: its first character in upper case, where it is a letter."""
    return text[:1].upper() + text[1:]


def count(value: int | None) -> str:
    """12345 as ``12,345``."""
    return NOT_AVAILABLE if value is None else f"{value:,}"


def rounded(value: float, digits: int) -> float:
    """``value`` to so many digits, a half away from zero.

    As a reader rounds who adds the figures up: binary fractions put 97.35 above its half and −18.65
    below, so that plain formatting shows 97.4, 78.7 and a difference of −18.6.
    """
    exact = Decimal(repr(round(value, 9)))
    return float(exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))


def percent(value: float | None, digits: int = 1) -> str:
    """A share in [0, 1] as a percentage; one that is not 0 or 1 is never rounded to them."""
    if value is None:
        return NOT_AVAILABLE
    smallest = 10.0**-digits
    shown = rounded(100 * value, digits)
    if shown <= 0 < value:
        return f"<{smallest:.{digits}f}%"
    if shown >= 100 and value < 1:  # noqa: PLR2004  (a percentage's end)
        return f">{100 - smallest:.{digits}f}%"
    return f"{shown:.{digits}f}%"


def share(part: int | None, whole: int | None) -> str:
    """``part`` of ``whole`` as a percentage; not available where the whole is empty."""
    return percent(part / whole) if part is not None and whole else NOT_AVAILABLE


def interval(low: float | None, high: float | None) -> str:
    """Two bounds in [0, 1] as ``90.6–91.8%``."""
    if low is None or high is None:
        return NOT_AVAILABLE
    return f"{rounded(100 * low, 1):.1f}–{rounded(100 * high, 1):.1f}%"


def probability(value: float | None) -> str:
    """A probability with three decimals; one that is not 0 or 1 is never rounded to them."""
    if value is None:
        return NOT_AVAILABLE
    if 0 < value < 0.0005:  # noqa: PLR2004  (half of the last shown digit)
        return "<0.001"
    if 0.9995 <= value < 1:  # noqa: PLR2004
        return ">0.999"
    return f"{value:.3f}"


def effect(value: float | None) -> str:
    """A difference of probabilities with two decimals and a true minus; what rounds to 0 has none.

    −0.014 is ``−0.01``, −0.004 is ``0.00``.
    """
    return NOT_AVAILABLE if value is None else f"{value:z.2f}".replace("-", "−")


def times(value: float | None) -> str:
    """A lift as ``2.9×`` (1 is chance)."""
    return NOT_AVAILABLE if value is None else f"{value:.2f}×"
