"""A disk that is full, in the words and with the exit code of jobs."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from workers.jobs.errors import NoRoom


@contextmanager
def room() -> Iterator[None]:
    """Raises NoRoom for an OSError inside that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        place = error.filename2 or error.filename
        raise NoRoom(f"{place or 'a disk here'}: {error.strerror}") from error
