"""Counts every dataset of a node, again and again, reading only what is new."""

import os
import time
from typing import Callable, Dict, List, Optional, Set, Tuple

from workers.agent.data.cache import CountCache, Key, Table
from workers.agent.data.entry import Entry
from workers.agent.data.method import Method, UnknownMethod, method_of
from workers.agent.data.outcome import Busy, CountFault, ShouldStop, Stopped, Uncountable
from workers.agent.data.priority import give_way
from workers.agent.data.tally import COUNTING, Tally
from workers.agent.data.walk import Found, Walk
from workers.protocol import DatasetCount, DatasetReport, DatasetWatch

SAVE_INTERVAL_S = 60.0
LISTED_SHARDS = 100_000  # of all datasets together: 2.4 MB of a frame of at most 4 MiB

Watched = Tuple[str, DatasetWatch]


class DatasetCounter:
    """Counts what it was configured with. ``count`` runs in one thread; the rest may be called from any.

    ``state_directory`` holds the cache of counts; None: counts are remembered in memory only.
    """

    def __init__(self, state_directory: Optional[str]) -> None:
        self._cache = CountCache(state_directory)
        self._watched: Tuple[Watched, ...] = ()
        self._results: Dict[Watched, DatasetCount] = {}
        self._running: Optional[Tuple[Watched, Tally]] = None
        self._changed = False
        self._saved_at = time.monotonic()

    def configure(self, root: str, watches: Tuple[DatasetWatch, ...]) -> None:
        """What to count from the next ``count`` on. ``root``: "" is the home directory."""
        root = os.path.join(os.path.expanduser("~"), os.path.expanduser(root))
        self._watched = tuple((root, watch) for watch in watches)
        self._results = {key: value for key, value in self._results.items() if key in self._watched}

    def count(self, should_stop: Callable[[], bool]) -> DatasetReport:
        """One pass over every dataset. Ends early when ``should_stop`` says so, and goes on next time.

        Lowers the priority of the thread it runs in, unless that is the main thread.
        """
        give_way()
        watched = self._watched
        used: Dict[str, Set[Key]] = {}
        complete = True
        for key in watched:
            try:
                self._results[key] = self._dataset(key, used, should_stop)
            except Stopped:
                complete = False
                break
            except Exception as error:  # one dataset that fails must not hide the others
                text = f"the count failed: {type(error).__name__}: {error}"
                self._results[key] = DatasetCount(key[1].name, reason=text)
                complete = False
            self._running = None
        if complete:
            self._forget_all_but(used)
        self._save(time.monotonic() - self._saved_at)
        return self.report()

    def report(self) -> DatasetReport:
        """What is known now. A dataset whose first count goes on has its files so far and no records."""
        running = self._running
        counts: List[DatasetCount] = []
        listed = 0
        for key in self._watched:
            found = self._results.get(key)
            if found is None and running is not None and running[0] == key:
                found = running[1].so_far()
            found = found or DatasetCount(key[1].name, reason=COUNTING)
            listed += len(found.shards)
            if listed > LISTED_SHARDS:
                found = found._replace(shards=(), shards_listed=False)
            counts.append(found)
        return DatasetReport(time.time(), tuple(counts))

    def close(self) -> None:
        """Writes the cache if there is something new in it."""
        self._save(SAVE_INTERVAL_S)

    def _dataset(
        self, key: Watched, used: Dict[str, Set[Key]], should_stop: ShouldStop
    ) -> DatasetCount:
        root, watch = key
        try:
            method = method_of(watch.method, should_stop)
        except UnknownMethod as error:
            return DatasetCount(watch.name, reason=str(error))
        tally = Tally(watch.name, root)
        self._running = (key, tally)
        beside, table = method.beside(watch.paths), self._cache.table(method.table)
        walk = Walk(root, watch.paths, method.knows, beside, opens=method.opens and not table)
        self._files(walk, method, table, tally, should_stop)
        used.setdefault(method.table, set()).update(tally.seen)
        _explain(walk, method, tally)
        return tally.result(method.shards, method.copies)

    def _files(
        self, walk: Walk, method: Method, table: Table, tally: Tally, should_stop: ShouldStop
    ) -> None:
        for found in walk.files(should_stop):
            key = None if method.skips(found.path) else tally.found(found.status)
            if key is None:
                if found.descriptor >= 0:
                    os.close(found.descriptor)
                continue
            known = table.get(key)
            try:
                entry = method.count(found, known)
            except Stopped as stopped:
                if stopped.partial is not None:
                    table[key] = stopped.partial
                    self._changed = True
                raise
            except CountFault as fault:
                _not_counted(found, known, fault, tally)
                continue
            tally.counted(found.path, entry)
            if entry is not known and entry.size >= 0:
                table[key] = entry
                self._changed = True
            if tally.files % 32 == 0:
                self._pause(should_stop)

    def _pause(self, should_stop: ShouldStop) -> None:
        self._save(time.monotonic() - self._saved_at)
        if should_stop():
            raise Stopped

    def _forget_all_but(self, used: Dict[str, Set[Key]]) -> None:
        for name, table in self._cache.tables.items():
            gone = table.keys() - used.get(name, set())
            for key in gone:
                del table[key]
            self._changed = self._changed or bool(gone)

    def _save(self, age_s: float) -> None:
        if self._changed and age_s >= SAVE_INTERVAL_S:
            self._saved_at, self._changed = time.monotonic(), False
            self._cache.save()


def _not_counted(found: Found, known: Optional[Entry], fault: CountFault, tally: Tally) -> None:
    name = tally.short(found.path)
    if isinstance(fault, Busy) and known is not None:
        tally.counted(found.path, known)
        tally.fault(f"{name}: {fault}; its last count stands")
    elif isinstance(fault, (Busy, Uncountable)):
        tally.unknown(f"{name}: {fault}")
    else:
        tally.unreadable(found.path, str(fault))


def _explain(walk: Walk, method: Method, tally: Tally) -> None:
    """Turns what the walk met into words."""
    for path, reason in walk.faults:
        tally.unreadable(path, reason)
    missing = [f"{tally.short(path)}: not there" for path in walk.missing]
    if missing and len(missing) == len(walk.required):
        tally.unknown(missing.pop(0))
    for text in missing:
        tally.fault(text)
    for path, number in walk.odd.items():
        text = (
            f"{tally.short(path)}: {number} files, none named {method.names}; name them by a glob"
        )
        if tally.files:
            tally.fault(text)
        else:
            tally.unknown(text)
