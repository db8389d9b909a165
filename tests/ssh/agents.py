"""A real ssh-agent with keys in it."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def ssh_agent(*keys: Path) -> Iterator[Path]:
    """The path of its socket."""
    with tempfile.TemporaryDirectory(prefix="qd-agent-") as folder:
        sock = Path(folder) / "agent"
        process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(sock)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 10
            while not sock.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            for key in keys:
                subprocess.run(
                    ["ssh-add", "-q", str(key)],
                    check=True,
                    env={"SSH_AUTH_SOCK": str(sock), "PATH": "/usr/bin:/bin"},
                    stdin=subprocess.DEVNULL,
                )
            yield sock
        finally:
            process.terminate()
            process.wait(10)
