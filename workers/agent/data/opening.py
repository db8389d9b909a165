"""Opening a file found by the walk, and nothing but that file."""

import os
import stat
from typing import Tuple

from workers.agent.data.outcome import Unreadable, words
from workers.agent.data.walk import Found

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def open_regular(found: Found) -> Tuple[int, os.stat_result]:
    """A descriptor of the regular file that was found, and its status now. Raises Unreadable.

    Never waits for the other end of a FIFO, never follows a link that was not one a moment ago.
    """
    try:
        descriptor = os.open(found.path, _FLAGS if found.linked else _FLAGS | os.O_NOFOLLOW)
    except OSError as error:
        raise Unreadable(words(error)) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise Unreadable("became something else than a regular file")
    return descriptor, status
