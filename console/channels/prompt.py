"""Questions to the person: a passphrase, a password, a one-time code. Answers are never kept.

Only one question is open at a time. An answer is used for the one question it was given to and then
forgotten: it is neither stored nor given again to a second question.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class PromptKind(str, Enum):
    """What is asked for."""

    PASSPHRASE = "passphrase"  # noqa: S105 - kinds of question, no secrets
    PASSWORD = "password"  # noqa: S105
    CODE = "code"  # keyboard-interactive: one-time codes and whatever else a server asks


@dataclass(frozen=True)
class Prompt:
    """One question. `title` is ours; `text` may be the server's words, already sanitised."""

    node: str
    title: str
    text: str
    echo: bool = False  # False: what is typed is not shown
    kind: PromptKind = PromptKind.PASSWORD


class Prompter(Protocol):
    """Shows a question and gives the answer; the screen and the command line each have one."""

    async def ask(self, prompt: Prompt) -> str | None:
        """The answer, or None when the person declined. Cancelled when nobody waits for it any more."""
        ...


class Prompts:
    """Lets one login at a time ask its questions, each with a deadline."""

    def __init__(self, prompter: Prompter | None, timeout_s: float) -> None:
        self._prompter = prompter
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()

    @property
    def possible(self) -> bool:
        """True when there is somebody to ask."""
        return self._prompter is not None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Holds the only place to ask from; the questions of two logins never interleave."""
        async with self._turn:
            yield

    async def ask(self, prompt: Prompt) -> str | None:
        """One answer, or None: declined, too late, or nobody to ask. Call it inside `turn`."""
        if self._prompter is None:
            return None
        try:
            return await asyncio.wait_for(self._prompter.ask(prompt), self._timeout_s)
        except asyncio.TimeoutError:
            return None
