"""Which folders hold copies of other nodes' data: these are counted and listed where they come from.

Only the very folders that a destination has marked, never all that lies below it: a node may write its own
data beside them, and what nobody sees would pass for nothing to lose.
"""

import os

from workers.ledger.names import CONSOLIDATED, NODES


def holds_copies(folder: str) -> bool:
    """Whether it is a destination's folder of one node, or its consolidated store."""
    above, name = os.path.split(folder)
    if name == CONSOLIDATED:
        return os.path.isdir(os.path.join(above, NODES))
    return os.path.exists(os.path.join(above, NODES, name))


def lies_among_copies(path: str) -> bool:
    """Whether it is such a folder, or lies below one."""
    folder, above = "", os.path.realpath(path)
    while folder != above:
        folder, above = above, os.path.dirname(above)
        if holds_copies(folder):
            return True
    return False
