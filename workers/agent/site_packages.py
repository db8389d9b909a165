"""The node's own Python packages, which the agent starts without and adds when one is wanted."""

from typing import Any, Optional

_searched = False


def psutil() -> Optional[Any]:
    """psutil where this Python has it, else None. The first call may take some ten milliseconds."""
    global _searched
    try:
        import psutil
    except ImportError:
        if _searched:
            return None
    else:
        return psutil
    import site

    _searched = True
    try:
        site.main()
        import psutil
    except Exception:  # a broken .pth file or a psutil built for another Python is no psutil
        return None
    return psutil
