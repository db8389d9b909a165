"""How work reaches a node that goes on without a person and without a console."""

from __future__ import annotations

from typing import NamedTuple


class Unattended(NamedTuple):
    """`command` is OpenSSH's, up to the host; a remote command is appended. `problem` says what a person would be
    asked; "" where nobody would, as far as can be told from here."""

    command: tuple[str, ...]
    problem: str = ""
