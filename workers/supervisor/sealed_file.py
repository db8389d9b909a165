"""A sealed file as a value that is read again only where it changed."""

import os
from typing import Any, Callable, Mapping, Tuple

from workers.protocol import ProtocolError
from workers.supervisor import storage
from workers.supervisor.sealed import Damaged, unseal


class SealedFile:
    """``build`` makes the value of the object that lies there and raises ProtocolError."""

    def __init__(self, path: str, build: Callable[[Mapping[str, Any]], Any]) -> None:
        self._path = path
        self._build = build
        self._seen: Tuple[int, ...] = ()
        self._value: Any = None
        self._fault = ""

    def read(self) -> Any:
        """The value; None where it cannot be read. Unchanged, this is one ``stat``."""
        try:
            found = os.stat(self._path, follow_symlinks=False)
            seen = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if seen != self._seen:
                self._look()
                self._seen = seen if storage.is_settled(found) else ()
        except OSError as error:
            self._take(None, error.strerror or str(error))
        return self._value

    def fault(self) -> str:
        """Why it cannot be read, with its name; "" where it can."""
        self.read()
        return self._fault and f"{os.path.basename(self._path)}: {self._fault}"

    def _look(self) -> None:
        content = storage.read_file(self._path)
        try:
            self._take(self._build(unseal(content)), "")
        except (Damaged, ProtocolError) as error:
            self._take(None, str(error).strip(": "))

    def _take(self, value: Any, fault: str) -> None:
        self._seen, self._value, self._fault = (), value, fault
