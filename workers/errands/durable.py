"""Many files made durable at once: one ``syncfs`` where the kernel says what went wrong in it, else each by itself."""

import os
from typing import Any, Optional

MANY = 8  # up to so many, each by itself costs less than what others have in flight
_LEAST_KERNEL = (5, 8)  # before, a failed write of syncfs was told to nobody
_syncfs: Any = None
_looked = False


def is_worth(count: int) -> bool:
    """Whether so many files are better made durable together."""
    return count > MANY and _function() is not None


def sync_together(folder: str) -> None:
    """Everything written on the file system of a folder. Raises OSError."""
    import ctypes

    function = _function()
    if function is None:
        raise OSError(0, "nothing makes many files durable at once here", folder)
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if function(file) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), folder)
    finally:
        os.close(file)


def _function() -> Optional[Any]:
    global _syncfs, _looked
    if not _looked:
        _looked = True
        _syncfs = _find()
    return _syncfs


def _find() -> Optional[Any]:
    try:
        version = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
        if os.uname().sysname != "Linux" or version < _LEAST_KERNEL:
            return None
        import ctypes

        return ctypes.CDLL(None, use_errno=True).syncfs
    except (ImportError, OSError, ValueError, AttributeError):
        return None
