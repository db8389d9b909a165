"""Opening a file found by the walk, and nothing but that file."""

import os
import stat
from typing import Tuple

from workers.agent.data.outcome import Unreadable, words
from workers.agent.data.walk import FLAGS, Found


def open_regular(found: Found) -> Tuple[int, os.stat_result]:
    """A descriptor of the regular file that was found, and its status now. Raises Unreadable.

    Never waits for the other end of a FIFO, never follows a link that was not one a moment ago.
    """
    if found.descriptor >= 0:
        return found.descriptor, found.status
    try:
        descriptor = os.open(found.path, FLAGS if found.linked else FLAGS | os.O_NOFOLLOW)
    except OSError as error:
        raise Unreadable(words(error)) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise Unreadable("became something else than a regular file")
    return descriptor, status
