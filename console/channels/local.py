"""This machine over the same road as every other: a shell as a child process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from console.channels.channel import Channel, Progress
from console.errors import LinkError
from console.fleet.model import Problem, ProblemKind

READ_BYTES = 128 * 1024
KEPT_ERRORS_BYTES = 8 * 1024
PATIENCE_S = 0.5


class LocalDialer:
    """Opens channels to this machine. `environment` replaces the console's own."""

    speaks_frames = False

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self._environment = environment

    async def dial(self, command: str, progress: Progress) -> Channel:
        """Runs `command` in /bin/sh, in a process group of its own. Raises LinkError."""
        progress("starting a shell")
        try:
            process = await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=_home(),
                env=_with_our_python(self._environment),
                start_new_session=True,  # the terminal's Ctrl-C is for the console alone
            )
        except OSError as error:
            text = f"/bin/sh cannot be started here: {error.strerror or error}"
            raise LinkError(
                Problem(ProblemKind.REFUSED, text, "Free processes or memory.")
            ) from None
        return LocalChannel(process)

    async def close(self) -> None:
        """Nothing is kept between dials."""


class LocalChannel:
    """Standard input and output of a child's process group, which ends with the channel."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._errors = bytearray()
        self._draining = asyncio.create_task(self._drain(), name="local stderr")

    @property
    def pid(self) -> int:
        """Of the shell; also the process group's number."""
        return self._process.pid

    async def read(self) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.read(READ_BYTES)

    async def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except (OSError, RuntimeError) as error:
            raise LinkError(
                Problem(ProblemKind.LOST, f"the local agent is gone: {one_word(error)}")
            ) from None

    async def close(self) -> str:
        assert self._process.stdin is not None
        self._process.stdin.close()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                self._signal(number)
            try:
                await asyncio.wait_for(self._process.wait(), PATIENCE_S)
                break
            except asyncio.TimeoutError:
                continue
        self._signal(signal.SIGKILL)  # what the group still holds
        self._draining.cancel()
        # asyncio has no public way to let go of pipes that an escaped grandchild keeps open.
        transport: asyncio.SubprocessTransport = self._process._transport  # type: ignore[attr-defined]
        transport.close()
        return self._errors.decode("utf-8", "replace")

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    async def _drain(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(4096):
            if len(self._errors) < KEPT_ERRORS_BYTES:
                self._errors += data


def one_word(error: BaseException) -> str:
    """An error's own text, or its name where it has none."""
    return str(error) or type(error).__name__


def _home() -> str:
    home = Path.home()
    return str(home) if os.access(home, os.X_OK) else "/"


def _with_our_python(environment: dict[str, str] | None) -> dict[str, str]:
    """The environment with the console's interpreter first in PATH: it is there and new enough."""
    found = dict(os.environ if environment is None else environment)
    own = str(Path(sys.executable).parent)
    found["PATH"] = f"{own}:{found.get('PATH') or os.defpath}"
    return found
