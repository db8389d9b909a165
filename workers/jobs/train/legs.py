"""The three legs: mirror the source, train in the mirror, bring the results back. Each is timed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from workers.harness import Worker
from workers.jobs.errors import Interrupted, NoRoom, Passing, Refused
from workers.jobs.parts import DONE, RUNNING, Parts
from workers.jobs.plan import byte_text
from workers.jobs.train.orders import Orders
from workers.jobs.train.side import Side, carry
from workers.jobs.train.tree import STAGING, Difference, Entry, Tree, changed, difference, results

MIRROR, TRAIN, RESULTS = NAMES = ("mirror", "train", "results")
_SPARE_BYTES = 256 << 20  # that must stay free beside the mirror
_TRIES = 3  # for files that change while they are read
_SPARE_S = 1.0  # of the grace time, for the last word


@dataclass
class Leg:
    """What one leg did, and how fast."""

    seconds: float = 0.0
    files: int = 0
    bytes: int = 0
    _began: float = field(default_factory=time.monotonic, repr=False)

    def add(self, files: int, size: int) -> None:
        self.files += files
        self.bytes += size
        self.seconds = time.monotonic() - self._began

    @property
    def bytes_s(self) -> float:
        return self.bytes / self.seconds if self.seconds > 0 else 0.0

    @property
    def files_s(self) -> float:
        return self.files / self.seconds if self.seconds > 0 else 0.0

    def numbers(self) -> dict[str, float]:
        """For the status."""
        found = {"seconds": self.seconds, "files": self.files, "bytes": self.bytes}
        return {**found, "files_s": self.files_s, "bytes_s": self.bytes_s}


@dataclass
class Journey:
    """One run. ``source`` and ``back`` are where data come from and results go, ``ground`` where it trains;
    ``fast`` is the mirror as `ground` calls it."""

    worker: Worker
    parts: Parts
    orders: Orders
    source: Side
    ground: Side
    back: Side
    fast: str
    free: int | None
    ending: Callable[[], str | None]
    legs: dict[str, Leg] = field(default_factory=dict)

    def check(self) -> None:
        """Raises Interrupted once it must end."""
        why = self.ending()
        if why is not None:
            raise Interrupted(why)

    # ------------------------------------------------------------ mirror

    def mirror(self) -> tuple[Tree, Tree]:
        """(the source, the mirror) as they are then. Raises NoRoom, Refused, Passing, Interrupted, OSError."""
        part, leg = self.parts[MIRROR], self._begin(MIRROR)
        source = self.source.walk(self.orders.source)
        if source.odd:
            raise Refused(
                f"{self.orders.named}: cannot be mirrored: {_some(source.odd)}; nothing was moved. "
                "Replace them by what they lead to, or take them out"
            )
        there = self.ground.walk(self.fast)
        todo = difference(source, there)
        wanted = {name: source.files[name] for name in todo.copy}
        self._must_fit(wanted, there, todo)
        part.say(
            total=len(wanted), bytes_total=sum(e.size for e in wanted.values()), done=0, bytes=0
        )
        self.check()
        self.ground.remove(self.fast, todo.remove)
        self._copy(wanted, leg)
        self.ground.link(self.fast, {name: source.links[name] for name in todo.link})
        mirrored = self.ground.walk(self.fast)
        left = difference(self.source.walk(self.orders.source), mirrored)
        if left != Difference((), (), ()):
            names = (*left.copy, *left.link, *left.remove)
            raise Passing(
                f"the mirror is not what the source is: {_some(names)}; it may have changed meanwhile"
            )
        self._end(MIRROR, f"{leg.files:,} files, {byte_text(leg.bytes)}")
        return source, mirrored

    def _copy(self, wanted: dict[str, Entry], leg: Leg) -> None:
        def told(files: int, size: int) -> None:
            self.check()
            leg.add(files, size)
            self._say(MIRROR, leg)

        for _ in range(_TRIES):
            if not wanted:
                return
            bad = carry(self.source, self.orders.source, self.ground, self.fast, wanted, told)
            fresh = self.source.walk(self.orders.source).files if bad else {}
            wanted = {name: fresh[name] for name in bad if name in fresh}
        if wanted:
            raise Passing(
                f"changed each time they were read: {_some(tuple(wanted))}; let the source rest"
            )

    def _must_fit(self, wanted: dict[str, Entry], there: Tree, todo: Difference) -> None:
        """Before the first byte. What goes from the mirror makes room; what is replaced does so only after."""
        freed = sum(there.files[name].size for name in todo.remove if name in there.files)
        need = sum(entry.size for entry in wanted.values()) + _SPARE_BYTES - freed
        if self.free is not None and need > self.free:
            raise NoRoom(
                f"{self.fast}: {byte_text(self.free)} are free, and the mirror needs {byte_text(need)}; "
                "nothing was moved"
            )

    # ------------------------------------------------------------ train

    def train(self, argv: tuple[str, ...], directory: str) -> None:
        """Raises Refused where the command fails, Interrupted."""
        self.check()
        leg = self._begin(TRAIN)
        self.worker.say(phase=TRAIN)
        code = self.ground.run(argv, directory, self._time_left)
        leg.add(0, 0)
        why = self.ending()
        if why is not None:
            raise Interrupted(f"{why} while it trained")
        if code != 0:
            raise Refused(
                f"the training ended with exit {code}; nothing was brought back, and what it made is in {directory}"
            )
        self._end(TRAIN, f"{leg.seconds:.1f} s")

    def _time_left(self) -> float | None:
        """Seconds the command has to end in, once it must."""
        if self.ending() is None:
            return None
        left_s = self.worker.grace_left_s
        return max(0.0, min(left_s, 10.0) - 2 * _SPARE_S)

    # ------------------------------------------------------------ results

    def bring_back(self, mirrored: Tree, run: str) -> tuple[str, ...]:
        """The names of the results, each proven by its hash before it gets its name. Raises as `mirror`."""
        self.check()
        leg = self._begin(RESULTS)
        after = self.ground.walk(self.fast)
        names = results(mirrored, after, self.orders.results)
        if not names:
            raise Refused(
                f"the training ended well, and left no new file that matches {', '.join(self.orders.results)}"
            )
        wanted = {name: after.files[name] for name in names}
        self.parts[RESULTS].say(total=len(names), bytes_total=sum(e.size for e in wanted.values()))
        staging = f"{self.orders.back}/{STAGING}{run}"
        try:
            self._fetch(wanted, staging, leg)
            self.back.adopt(staging, self.orders.back, names)
        except BaseException:
            self.back.discard(staging)
            raise
        self._end(RESULTS, f"{_some(names)}, {byte_text(leg.bytes)}")
        return names

    def _fetch(self, wanted: dict[str, Entry], staging: str, leg: Leg) -> None:
        def told(files: int, size: int) -> None:
            self.check()
            leg.add(files, size)
            self._say(RESULTS, leg)

        bad = carry(self.ground, self.fast, self.back, staging, wanted, told, durable=True)
        if bad:
            raise Passing(
                f"{_some(tuple(bad))} changed while it was brought back: does the training still run?"
            )
        names = tuple(wanted)
        made, came = self.ground.digests(self.fast, names), self.back.digests(staging, names)
        odd = tuple(name for name in names if made[name] != came[name])
        if odd:
            raise Passing(f"{_some(odd)}: what came is not what was sent; nothing was kept of it")

    def tidy(self, mirrored: Tree) -> None:
        """Takes out of the mirror what the training left there: the next mirror needs it not."""
        now = self.ground.walk(self.fast)
        held = (*now.files, *now.links)
        made = [name for name in held if name not in mirrored.files and name not in mirrored.links]
        self.ground.remove(self.fast, made)

    def prove_untouched(self, before: Tree, brought: tuple[str, ...]) -> None:
        """Raises Refused where a file of the source is not as it was, but for the results."""
        odd = [
            name
            for name in changed(before, self.source.walk(self.orders.source))
            if name not in brought
        ]
        if odd:
            raise Refused(
                f"{self.orders.named}: changed while it trained, and not by us: {_some(odd)}; "
                "the results are back, and were trained on what was there before"
            )

    # ------------------------------------------------------------ what is said

    def _begin(self, name: str) -> Leg:
        self.parts[name].say(state=RUNNING)
        self.worker.say(phase=name)
        leg = self.legs[name] = Leg()
        return leg

    def _say(self, name: str, leg: Leg) -> None:
        part = self.parts[name]
        total = part.known["bytes_total"]
        eta = (total - leg.bytes) / leg.bytes_s if total is not None and leg.bytes_s > 0 else None
        part.say(done=leg.files, bytes=leg.bytes, rate_bytes_s=leg.bytes_s, eta_s=eta)

    def _end(self, name: str, text: str) -> None:
        leg = self.legs[name]
        leg.add(0, 0)
        self.worker.log(f"{name}: {text} in {leg.seconds:.1f} s")
        self.parts[name].say(state=DONE, message=text, done=leg.files, bytes=leg.bytes)
        self.worker.say(legs={key: each.numbers() for key, each in self.legs.items()})
        self.worker.metric(f"{name}/seconds", leg.seconds, 1)
        if leg.files:
            self.worker.metric(f"{name}/files_s", leg.files_s, 1)
            self.worker.metric(f"{name}/mb_s", leg.bytes_s / 1e6, 1)


def _some(names: "tuple[str, ...] | list[str]") -> str:
    """The first of many, and how many more."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
