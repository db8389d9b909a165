"""From the `count` of the settings to the method that counts. One file per method beside this one."""

from typing import TYPE_CHECKING, Optional

from workers.agent.data.outcome import Entry, ShouldStop

if TYPE_CHECKING:
    from typing import Protocol

    from workers.agent.data.walk import Found

    class Method(Protocol):
        """Counts one file after the other, in one pass over one dataset."""

        @property
        def table(self) -> Optional[str]:
            """Where its entries are remembered; None: nothing is."""

        @property
        def names(self) -> str:
            """The names it takes from a directory, in words."""

        def knows(self, name: str) -> object:
            """Whether it takes a file of this name from a directory."""

        def count(self, found: "Found", known: Optional[Entry]) -> Entry:
            """The entry of a file. Raises CountFault."""


KNOWN = "lines, shards, sqlite:TABLE, parquet or files"


class UnknownMethod(ValueError):
    """The settings name a method this agent does not have."""


def method_of(word: str, should_stop: ShouldStop) -> "Method":
    """Raises UnknownMethod with the words of what there is."""
    if word == "lines":
        from workers.agent.data.lines import Lines

        return Lines(should_stop)
    if word == "files":
        from workers.agent.data.files import Files

        return Files()
    raise UnknownMethod(f"count: {word!r} is not one of {KNOWN}")
