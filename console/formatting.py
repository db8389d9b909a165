"""Numbers as people read them, in columns that keep their width. "n/a" is not zero.

Every function takes None for "not available" and gives ``MISSING`` for it.
"""

from __future__ import annotations

MISSING = "–"


def size(value: float | None) -> str:
    """Bytes in at most 6 characters: `980 B`, `4.1 KB`, `128 GB` (powers of 1000, as disks are sold)."""
    return _scaled(value, ("B", "KB", "MB", "GB", "TB", "PB"), 1000.0)


def memory(value: float | None) -> str:
    """Bytes in at most 7 characters, binary multiples: `41 GiB`."""
    return _scaled(value, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"), 1024.0)


def memory_of(used: float | None, total: float | None) -> str:
    """Used of total in one unit, at most 13 characters: `41/128 GiB`, `166/2048 GiB`."""
    if used is None or not total:
        return MISSING if used is None else memory(used)
    unit, scale = 0, 1.0
    while total / scale >= 9999.5 and unit < 5:
        unit, scale = unit + 1, scale * 1024.0
    return (
        f"{used / scale:.0f}/{total / scale:.0f} {('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')[unit]}"
    )


def rate(value: float | None) -> str:
    """Bytes per second: `4.1 MB/s`."""
    return MISSING if value is None else size(value) + "/s"


def count(value: float | None) -> str:
    """A count in full with thousands separated: `143,119`."""
    return MISSING if value is None else f"{value:,.0f}"


def short_count(value: float | None) -> str:
    """A count in at most 6 characters: `950`, `12.4k`, `1.20M`."""
    if value is None:
        return MISSING
    if abs(value) < 10_000:
        return f"{value:.0f}"
    for unit in ("k", "M", "G"):
        value /= 1000.0
        if abs(value) < 999.5:
            return f"{_three_digits(value)}{unit}"
    return f"{value / 1000.0:.0f}T"


def percent(value: float | None) -> str:
    """`82 %`, rounded; a value above 0 is never shown as 0."""
    if value is None:
        return MISSING
    return "<1 %" if 0 < value < 0.5 else f"{value:.0f} %"


def age(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min`, `5 h`, `12 d`."""
    if seconds is None:
        return MISSING
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    for limit, divisor, unit in ((99.5, 1, "s"), (5970, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def _scaled(value: float | None, units: tuple[str, ...], step: float) -> str:
    if value is None:
        return MISSING
    unit = 0
    while abs(value) >= step * 0.9995 and unit < len(units) - 1:
        value /= step
        unit += 1
    return f"{value:.0f} B" if unit == 0 else f"{_three_digits(value)} {units[unit]}"


def _three_digits(value: float) -> str:
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"
