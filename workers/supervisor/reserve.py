"""A file that only takes room, given up on a full disk so that the end of a run can still be written."""

import errno
import os

from workers.supervisor import storage

SIZE_BYTES = 64 * 1024
FULL = (errno.ENOSPC, errno.EDQUOT)


def stock(path: str) -> bool:
    """Puts the reserve there; False where the disk has no room for it now. Raises other OSErrors."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with storage.naming(path):
                os.fchmod(file, 0o600)
                os.posix_fallocate(file, 0, SIZE_BYTES)
        finally:
            os.close(file)
    except OSError as error:
        storage.remove_quietly(path)
        if error.errno in FULL:
            return False
        raise
    return True


def release(path: str) -> bool:
    """Gives the room back; False where it was given back before."""
    try:
        os.unlink(path)
    except OSError:
        return False
    return True
