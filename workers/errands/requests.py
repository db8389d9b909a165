"""Which request is done by whom. Each one's code is imported when it is first wanted."""

import os
from typing import Any, Callable, Dict

from workers.errands.faults import ErrandFailed
from workers.errands.work import Work

Handler = Callable[[Dict[str, Any], Work], Any]


class Requests:
    """What one job has asked of this program, and what it holds for it."""

    def __init__(self) -> None:
        self._locks: Dict[str, Any] = {}  # by destination
        self._snapshots: Any = None
        self._cache: Any = None
        self._memory: Dict[Any, Any] = {}  # of listings
        self._handlers: Dict[str, Handler] = {
            "list": self._list,
            "hash": self._hash,
            "destination": self._destination,
            "manifests": self._manifests,
            "append": self._append,
            "lock": self._take_lock,
            "place": self._place,
            "clear": self._clear,
            "remove": self._remove,
            "snapshot": self._snapshot,
            "drop": self._drop,
            "put": self._put,
            "get": self._get,
        }

    def handler(self, word: str) -> Handler:
        """Raises ErrandFailed from the handler of a word there is not."""
        return self._handlers.get(word, self._unknown)

    def close(self) -> None:
        """Drops what it holds."""
        if self._snapshots is not None:
            self._snapshots.drop_all()
        for lock in self._locks.values():
            lock.release()

    def _list(self, asked: Dict[str, Any], work: Work) -> Any:
        from workers.errands.listing import list_datasets

        if self._cache is None:
            from workers.errands.listing import count_cache

            self._cache = count_cache()
        return list_datasets(asked, self._cache, self._memory, work)

    def _hash(self, asked: Dict[str, Any], work: Work) -> Any:
        from workers.errands.hashing import hash_files

        return hash_files(asked, work)

    def _destination(self, asked: Dict[str, Any], _: Work) -> Any:
        from workers.errands.destinations import describe

        return describe(asked)

    def _manifests(self, asked: Dict[str, Any], work: Work) -> Any:
        from workers.errands.destinations import manifests

        return manifests(asked, work)

    def _append(self, asked: Dict[str, Any], _: Work) -> None:
        from workers.errands.destinations import append

        self._locked(asked)
        append(asked)

    def _take_lock(self, asked: Dict[str, Any], _: Work) -> None:
        from workers.errands.locking import Lock

        lock = Lock(asked["destination"], asked["fence"], asked["holder"])
        self._locks[lock.destination] = lock

    def _place(self, asked: Dict[str, Any], work: Work) -> Any:
        from workers.errands.placing import place_files

        return place_files(asked, self._locked(asked), work)

    def _clear(self, asked: Dict[str, Any], work: Work) -> int:
        from workers.errands.destinations import clear_staging

        return clear_staging(asked, self._locked(asked), work)

    def _remove(self, asked: Dict[str, Any], work: Work) -> Any:
        from workers.errands.removing import remove_files

        return remove_files(asked, work)

    def _snapshot(self, asked: Dict[str, Any], work: Work) -> Any:
        if self._snapshots is None:
            from workers.errands.snapshots import Snapshots

            self._snapshots = Snapshots()
        return self._snapshots.make(asked, work)

    def _drop(self, asked: Dict[str, Any], _: Work) -> None:
        if self._snapshots is not None:
            self._snapshots.drop(asked["path"])

    def _put(self, asked: Dict[str, Any], _: Work) -> None:
        from workers.errands.small_files import put

        put(asked)

    def _get(self, asked: Dict[str, Any], _: Work) -> str:
        from workers.errands.small_files import get

        return get(asked)

    def _unknown(self, asked: Dict[str, Any], _: Work) -> None:
        raise ErrandFailed("bad_request", f"no errand is called {str(asked.get('do'))[:40]!r}")

    def _locked(self, asked: Dict[str, Any]) -> str:
        """The destination, where this program holds it. Raises ErrandFailed."""
        from workers.errands.below import real_root

        wanted = real_root(asked["destination"])
        held = self._locks.get(wanted)
        if held is None or held.fence != asked["fence"]:
            text = f"{wanted}: not locked by this errand with fence {asked['fence']}"
            raise ErrandFailed("bad_request", text)
        if not os.path.isdir(wanted):
            raise ErrandFailed("gone", f"{wanted}: the destination is gone")
        return wanted
