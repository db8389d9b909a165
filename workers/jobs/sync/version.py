"""Which rsync a machine has. Versions before 3.4.3 have known flaws; they are used, and it is said."""

import re
import subprocess
from typing import NamedTuple

from workers.harness import Misconfigured
from workers.jobs.document import Host
from workers.jobs.errors import NotReached

WANTED = (3, 4, 3)
LEAST = (3, 1, 0)  # --info=progress2
_SECLUDED = (3, 2, 7)  # before, the option had another name
_PATIENCE_S = 30.0
_SSH_FAILED = 255
_FIRST = re.compile(rb"rsync\s+version\s+v?(\d+)\.(\d+)(?:\.(\d+))?")


class Version(NamedTuple):
    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return ".".join(map(str, tuple(self)))

    @property
    def secluded(self) -> str:
        """The option that keeps arguments from the far shell."""
        return "--secluded-args" if self >= _SECLUDED else "--protect-args"

    def warning(self, node: str) -> str:
        """ "" for one that is new enough."""
        if self >= WANTED:
            return ""
        wanted = ".".join(map(str, WANTED))
        return f"rsync {self} on {node} has known flaws: {wanted} or newer is wanted"


def read_version(printed: bytes) -> Version | None:
    """Of what `rsync --version` printed; None where that is no rsync."""
    found = _FIRST.search(printed[:4096])
    if found is None:
        return None
    return Version(*(int(part or 0) for part in found.groups()))


def probe(host: Host, argv: tuple[str, ...] = ("rsync", "--version")) -> Version:
    """Asks a machine. Raises NotReached, Misconfigured where there is none or it is too old."""
    try:
        done = subprocess.run(
            [*(host.ssh or ()), *argv],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        raise NotReached(
            f"{host.name} did not say its version of rsync in {_PATIENCE_S:g} s"
        ) from None
    except OSError as error:
        raise Misconfigured(
            f"{error.filename or 'rsync'} cannot be run: {error.strerror}"
        ) from error
    if host.ssh is not None and done.returncode == _SSH_FAILED:
        raise NotReached(f"{host.name} cannot be reached by ssh: {_last(done.stderr)}")
    found = read_version(done.stdout)
    if found is None:
        raise Misconfigured(
            f"no rsync on {host.name} (code {done.returncode}: {_last(done.stderr)}): install it there"
        )
    if found < LEAST:
        raise Misconfigured(
            f"rsync {found} on {host.name} is too old: 3.1 at least, 3.4.3 or newer is wanted"
        )
    return found


def _last(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
