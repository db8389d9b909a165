"""Where a leg begins or ends: this machine, or a distribution of WSL beside it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from workers.contract import INPUT, STATUS
from workers.jobs.train import files, place
from workers.jobs.train.tree import Entry, Tree, walk

Piece = tuple[str, "Entry | None", bytes, bool]
"""(name, entry, bytes, more); the entry of a file that changed while it was read is None."""

_LOOK_EVERY_S = 0.1


class Side(Protocol):
    """Each call raises OSError or WorkerError. Paths are as this side calls them."""

    name: str

    def probe(
        self, fast: str, source: str, asked: Mapping[str, str], pythons: Sequence[str]
    ) -> dict[str, Any]:
        """See `place.probe`."""

    def walk(self, root: str) -> Tree: ...

    def copy(
        self,
        source: str,
        target: str,
        entries: Mapping[str, Entry],
        told: files.Told,
        durable: bool,
    ) -> list[str]:
        """Within this side; the names of files that changed meanwhile."""

    def pieces(self, root: str, entries: Mapping[str, Entry]) -> Iterable[Piece]: ...

    def put(self, root: str, pieces: Iterable[Piece], told: files.Told, durable: bool) -> list[str]:
        """Files that come from another side; the names of those that changed there meanwhile."""

    def link(self, root: str, links: Mapping[str, str]) -> None: ...

    def remove(self, root: str, names: Sequence[str]) -> None: ...

    def digests(self, root: str, names: Sequence[str]) -> dict[str, str]: ...

    def adopt(self, staging: str, root: str, names: Sequence[str]) -> None: ...

    def discard(self, root: str) -> None: ...

    def run(self, argv: Sequence[str], directory: str, ending: Callable[[], float | None]) -> int:
        """The exit code of a command, 128 + the signal's number where one ended it. ``ending`` gives the
        seconds it has left to end once it must, None before."""

    def close(self) -> None: ...


def carry(
    here: Side, source: str, there: Side, target: str, entries: Mapping[str, Entry],
    told: files.Told, durable: bool = False,
) -> list[str]:  # fmt: skip
    """Copies files from one side to the same one or another; the names of those that changed meanwhile."""
    if here is there:
        return here.copy(source, target, entries, told, durable)
    return there.put(target, here.pieces(source, entries), told, durable)


class Here:
    """This machine."""

    name = "here"

    def probe(
        self, fast: str, source: str, asked: Mapping[str, str], pythons: Sequence[str]
    ) -> dict[str, Any]:
        return place.probe(fast, source, asked, pythons)

    def walk(self, root: str) -> Tree:
        return walk(root)

    def copy(
        self,
        source: str,
        target: str,
        entries: Mapping[str, Entry],
        told: files.Told,
        durable: bool,
    ) -> list[str]:
        return files.copy(source, target, entries, told, durable)

    def pieces(self, root: str, entries: Mapping[str, Entry]) -> Iterator[Piece]:
        return files.pieces(root, entries)

    def put(self, root: str, pieces: Iterable[Piece], told: files.Told, durable: bool) -> list[str]:
        changed = []
        arrival: files.Arrival | None = None
        try:
            for name, entry, data, more in pieces:
                if entry is None:
                    changed.append(name)
                    _given_up(arrival)
                    arrival = None
                    continue
                if arrival is None:
                    arrival = files.Arrival(root, name, durable)
                files.write_all(arrival.descriptor, data)
                if not more:
                    arrival.finish(entry)
                    arrival = None
                told(0 if more else 1, len(data))
        finally:
            _given_up(arrival)
        return changed

    def link(self, root: str, links: Mapping[str, str]) -> None:
        files.link(root, links)

    def remove(self, root: str, names: Sequence[str]) -> None:
        files.remove(root, names)

    def digests(self, root: str, names: Sequence[str]) -> dict[str, str]:
        return files.digests(root, names)

    def adopt(self, staging: str, root: str, names: Sequence[str]) -> None:
        files.adopt(staging, root, names)

    def discard(self, root: str) -> None:
        files.discard(root)

    def run(self, argv: Sequence[str], directory: str, ending: Callable[[], float | None]) -> int:
        # A status of its own would take the place of ours; its metrics may stand beside ours.
        environment = {k: v for k, v in os.environ.items() if k not in (STATUS, INPUT)}
        with subprocess.Popen(
            argv, cwd=directory, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
        ) as child:
            try:
                return _watched(child, ending)
            except BaseException:
                _signal(child, signal.SIGTERM)
                raise

    def close(self) -> None:
        """There is nothing to close."""


def _watched(child: "subprocess.Popen[bytes]", ending: Callable[[], float | None]) -> int:
    told, kill_at = False, float("inf")
    while True:
        try:
            code = child.wait(_LOOK_EVERY_S)
            return code if code >= 0 else 128 - code
        except subprocess.TimeoutExpired:
            left_s = ending()
        if left_s is not None and not told:
            told, kill_at = True, time.monotonic() + left_s
            _signal(child, signal.SIGTERM)
        if time.monotonic() > kill_at:
            _signal(child, getattr(signal, "SIGKILL", signal.SIGTERM))


def _signal(child: "subprocess.Popen[bytes]", number: int) -> None:
    """To all of its group, where there are groups."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)
    except ProcessLookupError:
        pass


def _given_up(arrival: files.Arrival | None) -> None:
    if arrival is not None:
        arrival.__exit__(None, None, None)
