"""The guard that every action passes."""

from __future__ import annotations

from console.errors import Refused


class Guard:
    """Refuses every action while `read_only`."""

    def __init__(self, read_only: bool) -> None:
        self.read_only = read_only

    def check(self, verb: str) -> None:
        """Raises Refused where `verb` must not be done now."""
        if self.read_only:
            raise Refused(
                f"{verb}: this console is read-only; nothing was done. "
                "Start it without --read-only, or set read_only: false in the settings"
            )
