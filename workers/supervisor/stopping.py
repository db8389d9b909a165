"""Ending what lives of an attempt: the ladder's steps carried out, each written down, until nothing is left."""

import signal
from typing import List, Optional, Set, Tuple

from workers.machine.process import ProcessRow
from workers.protocol import WorkerSpec
from workers.supervisor import events as kinds
from workers.supervisor.attempt import Attempt
from workers.supervisor.ladder import GROUP, MAIN, TREE, Ladder
from workers.supervisor.tree import Roots, Tree, signal_row, survivors

PENDING_AFTER_S = 2.0  # SIGKILL takes effect at once, unless the kernel itself waits
_AGAIN_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # between two looks at those that should be dead


class Stopping:
    """One climb of the ladder for one attempt. ``climbed`` are the rungs an earlier keeper took."""

    def __init__(
        self, attempt: Attempt, steps: Ladder, spec: WorkerSpec, climbed: Set[str]
    ) -> None:
        self._attempt = attempt
        self._ladder = steps
        self._signal = number_of(spec.stop_signal)
        self.climbed = climbed
        self._looks = 0
        self._next_look = 0.0
        self._killing_since: Optional[float] = None
        self._pending: Tuple[str, ...] = ()

    @property
    def killed(self) -> bool:
        """True once SIGKILL was sent."""
        return TREE in self.climbed

    def main_ended(self, now: float) -> None:
        """Only helpers are left."""
        self.climbed.add(MAIN)
        self._ladder = self._ladder.without_main(now)

    def step(self, tree: Tree, now: float) -> None:
        """Climbs what is due. Raises OSError where it cannot be written down; the signal was sent."""
        rung = self._ladder.due(self.climbed, now)
        if rung is None:
            return
        if rung.to == TREE:
            if now >= self._next_look:
                self._kill(tree, now)
        elif rung.to == MAIN:
            self._ask_main()
        else:
            self._ask_group(tree)

    def next_at(self) -> float:
        """When ``step`` has something to do again, in seconds since boot."""
        if self.killed:
            return self._next_look
        return self._ladder.next_at(self.climbed)

    def _ask_main(self) -> None:
        main = self._attempt.main
        pids = []
        if main is not None and main.signal(self._signal):
            # One that was stopped from the keyboard or by a debugger hears nothing until it goes on.
            main.signal(signal.SIGCONT)
            pids.append(main.pid)
        self._climb(MAIN, self._signal, pids)

    def _ask_group(self, tree: Tree) -> None:
        """The main process's group; where the main process is gone, everyone who is left."""
        rows = tree.members(thorough=True)
        main = self._attempt.main
        if main is not None:
            rows = [row for row in rows if row.group == main.pid]
        asked = []
        for row in rows:
            if signal_row(row, signal.SIGTERM):
                signal_row(row, signal.SIGCONT)
                asked.append(row.pid)
        self._climb(GROUP, signal.SIGTERM, sorted(asked))

    def _kill(self, tree: Tree, now: float) -> None:
        first = not self.killed
        if self._killing_since is None:
            self._killing_since = now
        pids = tree.kill()
        self._next_look = now + _AGAIN_S[min(self._looks, len(_AGAIN_S) - 1)]
        self._looks += 1
        if first:
            self._climb(TREE, signal.SIGKILL, pids)
        elif now - self._killing_since >= PENDING_AFTER_S:
            self._tell_pending(tree.members(thorough=True))

    def _tell_pending(self, rows: List[ProcessRow]) -> None:
        found = survivors(rows)
        if found and found != self._pending:
            number = self._attempt.number
            self._attempt.run.append(kinds.KILL_PENDING, attempt=number, survivors=list(found))
            self._pending = found

    def _climb(self, to: str, number: int, pids: List[int]) -> None:
        self.climbed.add(to)
        name = signal.Signals(number).name[3:]
        self._attempt.run.append(
            kinds.SIGNAL, attempt=self._attempt.number, signal=name, to=to, pids=pids[:100]
        )


def number_of(name: str) -> int:
    """The signal's number; TERM where the name is none."""
    found = getattr(signal, "SIG" + name.upper().replace("SIG", "", 1), signal.SIGTERM)
    return int(found) if isinstance(found, signal.Signals) else int(signal.SIGTERM)


def tree_of(attempt: Attempt, ours: bool, keepers: Tuple[int, ...]) -> Tree:
    """The processes of an attempt, as far as this keeper can reach them."""
    main = attempt.main
    watched = main.pid if main is not None and not main.own else None
    paths = attempt.run.paths
    return Tree(Roots(watched, ours, attempt.group, paths.token, keepers, paths.folder))
