"""The node's own ``wc -l`` for what is large: it counts at the speed of reading, twice that of Python."""

import os
from typing import Optional, Tuple

from workers.agent.data.outcome import ShouldStop, Stopped

WORTH_BYTES = 32 * 1024 * 1024  # below this, starting a process costs more than it saves
# Above this the disk is the limit and not we; and a count that is stopped goes on where Python was.
MOST_BYTES = 4 * 1024 * 1024 * 1024
_POLL_S = 0.2


def lines_to_end(
    descriptor: int, offset: int, should_stop: ShouldStop
) -> Optional[Tuple[int, int]]:
    """Newlines from ``offset`` to the end, and where the end was. None: there is no wc that works.

    Raises Stopped, OSError.
    """
    import subprocess

    os.lseek(descriptor, offset, os.SEEK_SET)
    try:
        child = subprocess.Popen(
            ["wc", "-l"],
            stdin=descriptor,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        while True:
            try:
                output = child.communicate(timeout=_POLL_S)[0]
                break
            except subprocess.TimeoutExpired:
                if should_stop():
                    raise Stopped from None
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    if child.returncode != 0 or not output.strip().isdigit():
        return None
    # the descriptor is shared with wc, so its place is where wc met the end
    return int(output), os.lseek(descriptor, 0, os.SEEK_CUR)
