"""The system's errors as those of an errand."""

import errno

from workers.errands.faults import ErrandFailed
from workers.ledger.names import plain

_CODES = {
    errno.ENOENT: "gone",
    errno.EACCES: "not_permitted",
    errno.EPERM: "not_permitted",
    errno.EROFS: "not_permitted",
    errno.ENOSPC: "no_space",
    errno.EDQUOT: "no_space",
    errno.ELOOP: "unsafe_name",
    errno.ENOTDIR: "unsafe_name",
}


def of_os(error: Exception, path: str) -> ErrandFailed:
    """With the path it was about in the text, unless the text has it already."""
    path = plain(path)
    if isinstance(error, ErrandFailed):
        text = error.text
        return ErrandFailed(error.code, text if path in text else f"{path}: {text}")
    if isinstance(error, OSError):
        words = error.strerror or str(error)
        code = _CODES.get(error.errno or 0, "failed")
        return ErrandFailed(code, f"{path}: {words[:1].lower()}{words[1:]}")
    return ErrandFailed("failed", f"{path}: {type(error).__name__}: {error}")
