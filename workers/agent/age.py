"""How long something has lasted, in the words of a fault."""

_UNITS = (("s", 120.0, 1.0), ("min", 7_200.0, 60.0), ("h", 172_800.0, 3_600.0))


def age(seconds: float) -> str:
    """`seconds` in the unit a person would choose: 12 s, 14 min, 3 h, 2 d."""
    for unit, below, size in _UNITS:
        if seconds < below:
            return f"{max(0.0, seconds) // size:.0f} {unit}"
    return f"{seconds // 86_400.0:.0f} d"
