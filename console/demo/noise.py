"""Numbers that wander as a machine's do, and are the same whenever they are asked for again."""

from __future__ import annotations

import math
from functools import lru_cache


@lru_cache(maxsize=65_536)
def fraction(*key: object) -> float:
    """A number in [0, 1) that depends on `key` alone (FNV-1a; Python's own hash differs per run)."""
    value = 0xCBF29CE484222325
    for byte in repr(key).encode("utf-8", "backslashreplace"):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    value ^= value >> 29
    value = (value * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    return ((value ^ (value >> 32)) >> 11) / float(1 << 53)


def wander(key: int, what: str, t: float) -> float:
    """A smooth value in [-1, 1] at `t` seconds."""
    phase = fraction(key, what) * math.tau
    slow = math.sin(t / 47.0 + phase)
    middle = math.sin(t / 11.3 + 2.1 * phase)
    quick = math.sin(t / 2.9 + 5.7 * phase)
    return 0.5 * slow + 0.3 * middle + 0.2 * quick


def around(middle: float, spread: float, key: int, what: str, t: float) -> float:
    """`middle` ± `spread`, never below 0."""
    return max(0.0, middle + spread * wander(key, what, t))


@lru_cache(maxsize=8192)
def identifier(*key: object) -> str:
    """Something that looks like a UUID and depends on `key` alone."""
    digits = "".join(f"{int(fraction(*key, place) * 16):x}" for place in range(32))
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
