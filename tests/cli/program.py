"""The program as a person starts it: a process of its own, a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Program:
    """`quarterdeck` with `home` as HOME and nothing of the real account's environment."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {**kept, "HOME": str(self.home)}

    def __call__(self, *argv: str, **environ: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "console", *argv],
            env={**self.environment, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def settings(self, text: str) -> Path:
        """Writes the user's settings file."""
        folder = self.home / ".config" / "quarterdeck"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "settings.yaml"
        path.write_text(text)
        path.chmod(0o600)
        return path
