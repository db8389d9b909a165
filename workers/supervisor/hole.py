"""Giving back the blocks of a file's front while the file keeps its size (fallocate(2), Linux)."""

import os
from typing import Any, Optional

_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_BEYOND = 1 << 34  # more than anybody writes in between
_fallocate: Optional[Any] = None


def punch(file: int, start: int, length: int) -> None:
    """Bytes [start, start + length) read as zeros from now on. Raises OSError."""
    import ctypes

    global _fallocate
    if _fallocate is None:
        library = ctypes.CDLL(None, use_errno=True)
        _fallocate = getattr(library, "fallocate64", None) or library.fallocate
        _fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if length > 0 and _fallocate(file, _PUNCH_HOLE | _KEEP_SIZE, start, length) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def refusal(file: int) -> Optional[str]:
    """Why holes cannot be punched into this file, None where they can. Changes nothing: it asks far
    behind the end."""
    try:
        punch(file, os.fstat(file).st_size + _BEYOND, 4096)
    except OSError as error:
        return error.strerror or "refused"
    except (ImportError, AttributeError):
        return "this Python or C library has no fallocate"
    return None
