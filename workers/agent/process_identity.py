"""Which process is meant: boot, PID namespace, number and start ticks; never the number alone.

Wall clock time is no part of it: it jumps. Start ticks are the kernel's own, from /proc/PID/stat.
"""

from typing import Optional

from workers.machine.boot import boot_id, pid_namespace
from workers.protocol import ProcessIdentity

GONE = "already gone"
REUSED = "another process has this number now"


def mismatch(wanted: ProcessIdentity) -> Optional[str]:
    """Why the process cannot be one of this boot and namespace, None when it can."""
    if wanted.boot_id != boot_id():
        return GONE + ": the node was started anew since"
    if wanted.pid_namespace != pid_namespace():
        return REUSED + ": it belonged to another PID namespace"
    return None
