"""Method ``shards``: sealed shards are counted by their names, open journals by their lines.

``<worker>-<seq>-n000500-<blake2b-64>.jsonl.zst`` says its count and its hash; a journal is
``open/<worker-uuid>.jsonl`` of the same board. Between the renaming of a shard and the removal of its
journal both are there for a moment, and both count.
"""

import os
import re
from typing import Dict, NamedTuple, Optional, Tuple

from workers.agent.data.entry import Entry
from workers.agent.data.lines import Lines
from workers.agent.data.method import Method
from workers.agent.data.outcome import ShouldStop, Unreadable
from workers.agent.data.walk import WILD, Found

_SHARD = re.compile(r"(?s).+-\d+-n(\d{6,12})-([0-9a-f]{16})\.jsonl\.zst\Z", re.ASCII)
_DAY = re.compile(r"\d{8}\Z", re.ASCII)


class Sealed(NamedTuple):
    """What a sealed shard's name says of it."""

    records: int
    digest: str  # blake2b-64 of the file's bytes


def sealed(name: str) -> Optional[Sealed]:
    """None for a name that is no sealed shard's."""
    found = _SHARD.match(name)
    return Sealed(int(found.group(1)), found.group(2)) if found else None


class Shards(Method):
    table = Lines.table
    names = "*.jsonl.zst or *.jsonl"

    def __init__(self, should_stop: ShouldStop) -> None:
        self.shards: Dict[str, int] = {}
        self._lines = Lines(should_stop)

    def knows(self, name: str) -> bool:
        return name.endswith((".jsonl.zst", ".jsonl"))

    def beside(self, patterns: Tuple[str, ...]) -> Tuple[str, ...]:
        """Where the open journals of these shards lie."""
        found = []
        for pattern in patterns:
            parent, name = os.path.split(pattern)
            if not name or name == "**" or not WILD.search(name):
                continue
            found.append(os.path.join(parent, "open", "*.jsonl"))
            board, day = os.path.split(parent)
            if day != "**" and (_DAY.match(day) or WILD.search(day)):
                found.append(os.path.join(board, "open", "*.jsonl"))
        return tuple(found)

    def count(self, found: Found, known: Optional[Entry]) -> Entry:
        """Raises Unreadable, Uncountable (another .zst, and no zstd here), Stopped."""
        named = _SHARD.match(found.path.rpartition("/")[2])
        if named is None:
            return self._lines.count(found, known)
        if found.status.st_size == 0:
            raise Unreadable("a shard without a byte: its disk lost it")
        records, digest = int(named.group(1)), named.group(2)
        if digest in self.shards:
            self.copies += 1
            records = 0
        else:
            self.shards[digest] = records
        return Entry(-1, 0, 0, True, records)
