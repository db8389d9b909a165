"""Login shells as sshd would run them: a dialer whose far end is any program, home and environment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from console.channels.channel import Channel, Progress
from console.channels.local import LocalChannel


class ShellDialer:
    """Runs `argv` with the command appended, or in place of `{}`, with this home and nothing else."""

    speaks_frames = False

    def __init__(
        self,
        argv: Sequence[str] = ("/bin/sh", "-c"),
        *,
        home: Path | str,
        cwd: Path | str = "/",
        path: str = os.defpath,
        **environment: str,
    ) -> None:
        self._argv = argv
        self._cwd = cwd
        self._environment = {"HOME": str(home), "PATH": path, **environment}
        self.dials = 0
        self.channel: LocalChannel | None = None

    async def dial(self, command: str, progress: Progress) -> Channel:
        self.dials += 1
        argv = [part.replace("{}", command) for part in self._argv]
        if argv == list(self._argv):
            argv.append(command)
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._cwd,
            env=self._environment,
            start_new_session=True,
        )
        self.channel = LocalChannel(process)
        return self.channel

    async def close(self) -> None:
        pass
