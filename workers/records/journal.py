"""The journal of a worker: one game a line, one write a game; sealed by count, by age, and at the end.

An ``append`` that raises has taken nothing: the same game may be tried again, or the worker may end.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from workers.harness.errors import Misconfigured
from workers.records import claim, disk
from workers.records.claim import Claim, WriterExists
from workers.records.line import encode_line
from workers.records.names import Places
from workers.records.record import GameRecord
from workers.records.recover import Recovered, recover_claim
from workers.records.seal import Clock, examine, seal_claim
from workers.records.zstd import require_zstd


class Policy(NamedTuple):
    """When games are made durable: after so many, after so many seconds, or (0, 0) when sealed."""

    games: int
    seconds: float

    @classmethod
    def parse(cls, text: str) -> "Policy":
        """Of the words game, none, or group:N,S. Raises Misconfigured."""
        if text in ("game", "none"):
            return cls(1 if text == "game" else 0, 0.0)
        word, _, numbers = text.partition(":")
        games, _, seconds = numbers.partition(",")
        try:
            found = cls(int(games), float(seconds))
        except ValueError:
            found = cls(0, 0.0)
        if word != "group" or found.games < 1 or not 0 < found.seconds < float("inf"):
            raise Misconfigured(f"fsync {text!r}: game, group:N,S (games, seconds) or none")
        return found


class Journal:
    """Of one worker and configuration, for one thread. Call ``tick`` each second, and ``close`` at the end.

    ``produced``, ``durable`` and ``sealed`` count the games of this object; ``recovered`` says what a dead
    writer of the same name had left. Raises WriterExists, Misconfigured, OSError.
    """

    def __init__(
        self,
        out: Path,
        board: str,
        players: int,
        worker: str,
        fsync: str = "game",
        seal_games: int = 500,
        seal_s: float = 300.0,
        clock: Clock = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        require_zstd()
        self._policy = Policy.parse(fsync)
        if seal_games < 1 or not seal_s > 0:
            raise Misconfigured(f"seal after {seal_games} games or {seal_s} s: both above 0")
        self._seal_games, self._seal_s = seal_games, seal_s
        self._clock, self._monotonic = clock, monotonic
        self.produced = self.durable = self.sealed = 0
        self.damaged = 0
        """Games that were durable and could not be read back from the journal when it was sealed."""
        self.shards: list[Path] = []
        self._size = 0  # of the journal, whole lines
        self._clean = True  # nothing lies behind the last whole line
        self._doubtful = False  # an fsync or a seal failed: what is there must be sealed first
        self._since = self._synced = 0.0
        self._closed = False
        self._key = board, players
        self._claim, self.recovered = _claim(Places.of(out, board, players), worker, clock)

    # ------------------------------------------------------------ games

    def append(self, record: GameRecord) -> None:
        """Takes a game; durable on return with ``fsync="game"``. Raises OSError, ValueError: it was not taken."""
        if (record.board, record.players) != self._key:
            raise ValueError(f"a game of {record.board}, {record.players} players, is not of {self._key}")  # fmt: skip
        line = encode_line(record)
        if self._doubtful or not self._claim.is_in_place:
            self.seal()
        self._write(line)
        now = self._monotonic()
        if self._open == 0:
            self._since = self._synced = now
        self.produced += 1
        self._size += len(line)
        if self._is_sync_due(now):
            self._sync_or_take_back(line)
        if self._open >= self._seal_games or now - self._since >= self._seal_s:
            self._try_to_seal()

    def tick(self) -> None:
        """Does what is due by age. Raises OSError: what was durable still is."""
        now = self._monotonic()
        old = bool(self._open) and (self._doubtful or now - self._since >= self._seal_s)
        if old or not self._claim.is_in_place:
            self.seal()
        elif self._is_sync_due(now):
            self._sync()

    def seal(self) -> Path | None:
        """Puts all games so far into a shard: its path, None without any. Raises OSError; try again later."""
        if not self._open and self._claim.is_in_place:
            return None
        again, self._doubtful = self._doubtful, True
        self._clear_tail()
        found = examine(self._claim)
        path = seal_claim(self._claim, found, self._clock, again)
        self._claim.renew()
        self.damaged += self._open - found.good
        self.sealed += found.good
        self.durable = self.produced - self.damaged
        self._size, self._doubtful = 0, False
        if path is not None:
            self.shards.append(path)
        return path

    def close(self) -> None:
        """Seals and gives the name back; once. Raises OSError: the next ``recover`` finds the journal."""
        if self._closed:
            return
        self._closed = True
        try:
            self.seal()
        except BaseException:
            self._claim.let_go()
            raise
        self._claim.drop()

    # ------------------------------------------------------------ the file

    @property
    def _open(self) -> int:
        """Games of the journal."""
        return self.produced - self.sealed - self.damaged

    def _write(self, line: bytes) -> None:
        self._clear_tail()
        self._clean = False
        with disk.naming(self._claim.path):
            try:
                written = os.write(self._claim.file, line)
                if written < len(line):  # the disk is nearly full: the rest says why
                    disk.write_all(self._claim.file, line[written:])
            except OSError:
                self._clear_tail_quietly()
                raise
        self._clean = True

    def _clear_tail(self) -> None:
        """Cuts off what a write that failed has left."""
        if not self._clean:
            with disk.naming(self._claim.path):
                os.ftruncate(self._claim.file, self._size)
            self._clean = True

    def _clear_tail_quietly(self) -> None:
        try:
            self._clear_tail()
        except OSError:
            pass  # before the next game is written, again

    def _is_sync_due(self, now: float) -> bool:
        waiting = self.produced - self.damaged - self.durable
        if not waiting or not self._policy.games:
            return False
        late = self._policy.seconds and now - self._synced >= self._policy.seconds
        return waiting >= self._policy.games or bool(late)

    def _sync(self) -> None:
        try:
            self._claim.sync()
        except OSError:
            # The kernel forgets what it could not write: asking again would be answered with a lie.
            self._doubtful = True
            raise
        self.durable, self._synced = self.produced - self.damaged, self._monotonic()

    def _sync_or_take_back(self, line: bytes) -> None:
        try:
            self._sync()
        except OSError:
            self.produced -= 1
            self._size -= len(line)
            self._clean = False
            self._clear_tail_quietly()
            self._doubtful = self._open > 0
            raise

    def _try_to_seal(self) -> None:
        try:
            self.seal()
        except (OSError, Misconfigured):
            pass  # this game is in the journal; the next call tries again and says so


def _claim(places: Places, worker: str, clock: Clock) -> tuple[Claim, Recovered]:
    """The worker's name, and what a dead one of that name had left. Raises WriterExists, OSError."""
    path = places.journal(worker)
    disk.make_folders(places.open)
    recovered = Recovered()
    deadline = time.monotonic() + claim.PATIENCE_S
    while True:
        try:
            return Claim.begin(places, worker), recovered
        except FileExistsError:
            dead = Claim.of_dead(places, worker)
        if dead is not None:
            recovered = recover_claim(dead, clock)
        elif time.monotonic() >= deadline:
            raise WriterExists(f"{path}: another process writes under this name")
        else:
            time.sleep(claim.POLL_S)  # perhaps another worker recovers what we left when we died
