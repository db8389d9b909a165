"""glibc gives large temporaries back to the kernel at every operation; a worker needs them again at once."""

import ctypes

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_SETTINGS = (
    (_M_MMAP_THRESHOLD, 1 << 30),
    (_M_TRIM_THRESHOLD, 2**31 - 1),
    (_M_TOP_PAD, 64 << 20),
)


def tune_allocator() -> bool:
    """Keeps freed memory in the process; call it before the first large allocation. False without glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(sum(mallopt(*setting) for setting in _SETTINGS) == len(_SETTINGS))
