"""What a method is: one way to find how many records a file holds. One file per method beside this one."""

from typing import Dict, Optional, Tuple

from workers.agent.data.entry import Entry
from workers.agent.data.outcome import ShouldStop
from workers.agent.data.walk import Found


class Method:
    """Counts the files of one dataset in one pass."""

    table = ""  # the table of the cache its entries are remembered in
    names = ""  # the names it takes from a directory, in words
    opens = False  # whether it reads every file that it does not know
    shards: Optional[Dict[str, int]] = None  # hash → records of what was counted by name
    copies = 0  # files that held a shard counted already

    def knows(self, name: str) -> object:
        """Whether it takes a file of this name from a directory."""
        raise NotImplementedError

    def beside(self, patterns: Tuple[str, ...]) -> Tuple[str, ...]:
        """More patterns to look at, which may reach nothing."""
        return ()

    def skips(self, path: str) -> bool:
        """Whether this file belongs to another one and is none of its own."""
        return False

    def count(self, found: Found, known: Optional[Entry]) -> Entry:
        """The file's entry; ``known`` itself where nothing changed. Raises CountFault."""
        raise NotImplementedError


KNOWN = "lines, shards, sqlite:TABLE, parquet or files"


class UnknownMethod(ValueError):
    """The settings name a method this agent does not have; the text says what there is."""


def method_of(word: str, should_stop: ShouldStop) -> Method:
    """From the `count` of the settings to the method. Raises UnknownMethod."""
    if word == "lines":
        from workers.agent.data.lines import Lines

        return Lines(should_stop)
    if word == "shards":
        from workers.agent.data.shards import Shards

        return Shards(should_stop)
    if word == "files":
        from workers.agent.data.files import Files

        return Files()
    if word == "parquet":
        from workers.agent.data.parquet import Parquet

        return Parquet()
    kind, _, table = word.partition(":")
    if kind == "sqlite":
        if not table or len(table) > 128 or "\0" in table:
            raise UnknownMethod(f"count: {word!r} names no table; write sqlite:TABLE")
        from workers.agent.data.sqlite import Sqlite

        return Sqlite(table, should_stop)
    raise UnknownMethod(f"count: {word!r} is not one of {KNOWN}")
