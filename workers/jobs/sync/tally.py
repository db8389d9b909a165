"""What came of the files of a node."""

from typing import NamedTuple

from workers.jobs.plan import amount

_NAMED = 3


class Tally(NamedTuple):
    """Adds up over legs. ``refused`` and ``failed`` make a node partial; ``warnings`` are only said."""

    files: int = 0
    bytes: int = 0
    refused: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def plus(self, other: "Tally") -> "Tally":
        return Tally(
            self.files + other.files,
            self.bytes + other.bytes,
            self.refused + other.refused,
            self.failed + other.failed,
            self.warnings + other.warnings,
        )

    @property
    def partial(self) -> bool:
        return bool(self.refused or self.failed)

    def text(self, done: str = "synced") -> str:
        """One line for people, with the first few names."""
        words = [f"{amount(self.files, self.bytes)} {done}"]
        for name, group in (("refused", self.refused), ("failed", self.failed)):
            if group:
                more = f" and {len(group) - _NAMED} more" if len(group) > _NAMED else ""
                words.append(f"{len(group)} {name}: {'; '.join(group[:_NAMED])}{more}")
        return "; ".join((*words, *self.warnings[:_NAMED]))


def shown(path: str) -> str:
    """A name that a node gave, as a terminal may have it."""
    return ascii(path)[1:-1]
