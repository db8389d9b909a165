"""Method ``files``: the files themselves are what is counted; none is opened."""

from typing import Optional

from workers.agent.data.outcome import Entry
from workers.agent.data.walk import Found, Match, compile_segment

_ONE = Entry(0, 0, 0, True, 1, 0, 0, 0, False)


class Files:
    table: Optional[str] = None  # nothing to remember
    names = "every name"

    def __init__(self) -> None:
        self.knows: Match = compile_segment("*")

    def count(self, found: Found, known: Optional[Entry]) -> Entry:
        return _ONE
