"""How counting one file can end without a count.

CountFault
├── Unreadable    permission, I/O error, not a regular file, corrupt
├── Uncountable   readable, but this node lacks what it takes
├── Busy          somebody writes to it right now; ask again later
└── Stopped       the caller wants to end; ``partial`` is what to go on from
"""

from typing import Callable, Optional

from workers.agent.data.entry import Entry

ShouldStop = Callable[[], bool]


class CountFault(Exception):
    """A file was not counted; the text says why, without the file's name."""


class Unreadable(CountFault):
    pass


class Uncountable(CountFault):
    pass


class Busy(CountFault):
    pass


class Stopped(CountFault):
    def __init__(self, partial: Optional[Entry] = None) -> None:
        super().__init__("stopped")
        self.partial = partial


def words(error: OSError) -> str:
    """`permission denied`: the system's words in lower case, without the path."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]
