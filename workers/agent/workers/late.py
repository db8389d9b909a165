"""The room of the workers, made when it is first needed: an agent's start pays for nothing it does not use."""

import os
import threading
from typing import Any, Callable, Optional


class LateRoom:
    """``get()`` is safe from several threads. ``state_directory`` None: there is never a room."""

    def __init__(
        self,
        state_directory: Optional[str],
        node_key: str,
        sampler: Any,
        poke: Callable[[], None],
    ) -> None:
        self.node_folder: Optional[str] = None
        if state_directory is not None:
            self.node_folder = os.path.join(state_directory, "nodes", node_key)
        self._sampler = sampler
        self._poke = poke
        self._root = ""
        self._lock = threading.Lock()
        self._room: Optional[Any] = None
        self._nobody: Optional[Any] = None

    def configure(self, root: str) -> None:
        """Where relative paths start, as the console says it; "" is the home directory."""
        self._root = root
        if self._room is not None:
            self._room.root = self._place()

    def get(self) -> Optional[Any]:
        """The ``WorkerRoom``; None where nothing can be kept."""
        if self.node_folder is None:
            return None
        with self._lock:
            if self._room is None:
                from workers.agent.workers.room import WorkerRoom

                self._room = WorkerRoom(self.node_folder, self._sampler, self._poke)
                self._room.root = self._place()
            return self._room

    def look(self) -> Optional[Any]:
        """As ``get``; only its stand-in ``Nobody`` while there is no worker to see to."""
        if self.node_folder is not None and self._room is None:
            with self._lock:
                if self._nobody is None:
                    from workers.agent.workers.nobody import Nobody

                    self._nobody = Nobody(self.node_folder)
            if self._nobody.is_true():
                return self._nobody
        return self.get()

    def answer(self, message: Any) -> Any:
        """The reply to a message about workers. Raises OSError."""
        room = self.get()
        if room is None:
            from workers.agent.workers.room import without_state

            return without_state()
        return room.answer(message)

    def close(self) -> None:
        if self._room is not None:
            self._room.close()

    def _place(self) -> str:
        return os.path.join(os.path.expanduser("~"), os.path.expanduser(self._root))
