"""A settings file that the program changes itself: 0600 in a 0700 folder, one writer at a time, replaced whole."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from console.errors import SettingsError
from console.settings.layers import read_file
from console.settings.tree import plain
from console.settings.yaml_source import parse


class OwnFile:
    """The file at `path`, which may be missing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self) -> str:
        """As it is written; "" where it is missing. Raises SettingsError, OSError."""
        if not os.path.lexists(self.path):
            return ""
        read_file(self.path)  # refuses what others could have written, and what is no settings file
        return self.path.read_text(encoding="utf-8")

    def values(self, text: str) -> dict[str, Any] | None:
        """What `text` says; None where it is no settings file."""
        try:
            found: dict[str, Any] = plain(parse(text.encode(), str(self.path)))
        except SettingsError:
            return None
        return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time; errors of the file system in words."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                yield
            finally:
                os.close(folder)
        except OSError as error:
            raise SettingsError(f"{self.path}: {error.strerror}") from None

    def write(self, text: str) -> None:
        """Replaces it, durably. Raises OSError."""
        # A link (dotfiles in a repository) stays one: what it leads to is replaced.
        target = Path(os.path.realpath(self.path))
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                os.fchmod(stream.fileno(), 0o600)
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
        _sync(target.parent)


def with_newline(text: str) -> str:
    """`text` with its last line ended."""
    return text if not text or text.endswith("\n") else text + "\n"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
