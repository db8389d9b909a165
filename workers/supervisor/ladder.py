"""The stop ladder: which step is due when. Pure; times are seconds since boot."""

from typing import AbstractSet, NamedTuple, Optional, Tuple

MAIN = "main"  # the stop signal, to the main process only
GROUP = "group"  # SIGTERM and SIGCONT, to its process group
TREE = "tree"  # SIGKILL, to every process of the run


class Rung(NamedTuple):
    to: str
    at: float


class Ladder(NamedTuple):
    """One stop: ``rungs`` in order, and the names of those that were climbed already."""

    rungs: Tuple[Rung, ...]

    def due(self, climbed: AbstractSet[str], now: float) -> Optional[Rung]:
        """The next rung, when its time has come. The last one stays due: it is climbed until nothing lives."""
        rung = self._next(climbed)
        return rung if now >= rung.at else None

    def next_at(self, climbed: AbstractSet[str]) -> float:
        """When the next rung is due."""
        return self._next(climbed).at

    def without_main(self, now: float) -> "Ladder":
        """The main process has ended: nobody is left to pass the word on, so the group is asked at once."""
        return Ladder(
            tuple(Rung(r.to, min(r.at, now) if r.to == GROUP else r.at) for r in self.rungs)
        )

    def _next(self, climbed: AbstractSet[str]) -> Rung:
        return next((rung for rung in self.rungs if rung.to not in climbed), self.rungs[-1])


def ladder(act: str, since: float, grace_s: float, main_lives: bool = True) -> Ladder:
    """The rungs for stop, restart, kill or restart_force, asked ``since``.

    ``grace_s`` is the time from the stop signal to SIGKILL, in all. Where only helpers are left there is no
    main process to ask: the group is asked at once.
    """
    if act in ("kill", "restart_force"):
        return Ladder((Rung(TREE, since),))
    grace_s = max(0.0, grace_s)
    last = Rung(TREE, since + grace_s)
    if not main_lives:
        return Ladder((Rung(GROUP, since), last))
    return Ladder((Rung(MAIN, since), Rung(GROUP, since + grace_s / 2), last))
