"""Whether games may be learned from: what is not by the rules or has no targets is refused, by name."""

from collections.abc import Iterable
from typing import NamedTuple

from workers.harness import CorruptData

ILLEGAL_AT_MOST = 0.001
COVERED_AT_LEAST = 0.95


class Tally(NamedTuple):
    """Of one shard, or of several. ``owed``: plies that should have a target; ``covered``: that have one."""

    games: int = 0
    illegal: int = 0
    owed: int = 0
    covered: int = 0

    @property
    def illegal_share(self) -> float:
        return self.illegal / max(1, self.games)

    @property
    def coverage(self) -> float | None:
        """None where nothing is owed."""
        return self.covered / self.owed if self.owed else None

    @property
    def fault(self) -> str:
        """The gate it does not pass, with value and limit; "" for none."""
        if self.illegal_share > ILLEGAL_AT_MOST:
            return (
                f"illegal games {100 * self.illegal_share:.2f} % ({self.illegal} of {self.games}), "
                f"at most {100 * ILLEGAL_AT_MOST:g} %"
            )
        coverage = self.coverage
        if coverage is not None and coverage < COVERED_AT_LEAST:
            return (
                f"policy targets for {100 * coverage:.1f} % of the plies that should have one "
                f"({self.covered} of {self.owed}), at least {100 * COVERED_AT_LEAST:g} %"
            )
        return ""


def total(tallies: Iterable[Tally]) -> Tally:
    return Tally(*map(sum, zip(*tallies, strict=True))) if (tallies := list(tallies)) else Tally()


def check(tallies: dict[str, Tally], unreadable: dict[str, str]) -> None:
    """Of the shards that are mixed, by their paths; ``unreadable`` with the reason, which names them; their games
    count as illegal. Raises CorruptData, which names the gate and the shards that do not pass it by themselves."""
    fault = total(tallies.values()).fault
    if not fault:
        return
    named = [
        unreadable.get(path) or f"{path} ({tally.fault})"
        for path, tally in sorted(tallies.items())
        if tally.fault
    ]
    raise CorruptData(f"refused to learn: {fault}; in {'; '.join(named)}")
