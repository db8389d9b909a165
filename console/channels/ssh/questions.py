"""What one login asks a person: passphrases, passwords, one-time codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial

import asyncssh

from console.channels.prompt import Prompt, PromptKind, Prompts
from console.channels.ssh.keys import LockedFile
from console.channels.ssh.threads import Threads
from console.text import one_line, sanitise

TRIES = 3
_MOST_ROUNDS = 10  # of keyboard-interactive, in one login


class OpenedKeys:
    """Decrypted keys, for as long as the console runs; like an agent, in memory only."""

    def __init__(self) -> None:
        self._keys: dict[tuple[object, ...], asyncssh.SSHKey] = {}

    def get(self, file: LockedFile) -> asyncssh.SSHKey | None:
        return self._keys.get((file.path, file.signature))

    def put(self, file: LockedFile, key: asyncssh.SSHKey) -> None:
        self._keys[(file.path, file.signature)] = key

    def clear(self) -> None:
        self._keys.clear()


class Questions:
    """Asks for one login. From its first question to the end of the login no other login may ask."""

    def __init__(
        self,
        node: str,
        place: str,
        prompts: Prompts,
        opened: OpenedKeys,
        threads: Threads,
        waiting: Callable[[], AbstractAsyncContextManager[None]],
        stack: AsyncExitStack,
    ) -> None:
        self._node = node
        self._place = place
        self._prompts = prompts
        self._opened = opened
        self._threads = threads
        self._waiting = waiting  # entered while a person is waited for: no limit counts then
        self._stack = stack
        self._has_turn = False
        self._tries = 0
        self._rounds = 0
        self.asked = False
        self.declined = False
        self.notes: list[str] = []

    @property
    def possible(self) -> bool:
        """True while it makes sense to ask."""
        return self._prompts.possible and not self.declined

    async def take_turn(self) -> None:
        """Waits until no other login asks; kept until the login ends."""
        if not self._has_turn:
            await self._stack.enter_async_context(self._prompts.turn())
            self._has_turn = True

    def begin_answers(self) -> bool:
        """A round of keyboard-interactive starts; False when there have been enough tries."""
        self._tries += 1
        return self.possible and self._tries <= TRIES

    async def password(self) -> str | None:
        """A password, asked anew each time; None to give up."""
        self._tries += 1
        if self._tries > TRIES:
            return None
        return await self._ask(f"{self._again}Password for {self._place}", "", PromptKind.PASSWORD)

    async def answers(
        self, name: str, instructions: str, questions: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """Answers to a keyboard-interactive round; None to give up. The words are the server's."""
        self._rounds += 1
        if self._rounds > _MOST_ROUNDS:
            return None
        words = [one_line(text.strip()) for text in (name, instructions) if text.strip()]
        found: list[str] = []
        for text, echo in questions:
            secret = "password" in text.lower() and not echo
            kind = PromptKind.PASSWORD if secret else PromptKind.CODE
            shown = " · ".join([*words, one_line(text.strip())])
            answer = await self._ask(f"{self._again}{self._place} asks", shown, kind, echo)
            if answer is None:
                return None
            found.append(answer)
        return found

    @property
    def _again(self) -> str:
        return "The server did not take that. " if self._tries > 1 else ""

    async def unlock(self, file: LockedFile) -> asyncssh.SSHKey:
        """The key of an encrypted file. Raises ValueError when it stays closed."""
        for attempt in range(TRIES):
            key = self._opened.get(file)
            if key is not None:
                return key
            again = "That did not open it. " if attempt else ""
            title = f"{again}Passphrase of {file.path}"
            phrase = await self._ask(title, f"for {self._place}", PromptKind.PASSPHRASE)
            key = self._opened.get(file)  # another login may have opened it while this one waited
            if key is not None:
                return key
            if phrase is None:
                break
            try:
                opened = await self._threads.run(partial(file.open, phrase))
            except ValueError:
                continue
            self._opened.put(file, opened)
            return opened
        reason = (
            "stayed closed" if self._prompts.possible else "is encrypted and nobody can be asked"
        )
        self.notes.append(f"key {file.path} {reason}")
        raise ValueError(self.notes[-1])

    async def _ask(self, title: str, text: str, kind: PromptKind, echo: bool = False) -> str | None:
        if not self.possible:
            return None
        self.asked = True
        prompt = Prompt(self._node, sanitise(title), text, echo, kind)
        async with self._waiting():
            await self.take_turn()
            answer = await self._prompts.ask(prompt)
        self.declined = answer is None
        return answer
