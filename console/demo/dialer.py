"""How the demo's machines are reached: most answer, some refuse as real ones do."""

from __future__ import annotations

import base64
import hashlib
import struct
from pathlib import Path

from console.channels.channel import Channel, Progress
from console.channels.memory import MemoryDialer
from console.demo.agent import DemoNode
from console.demo.machines import Machine, Trouble
from console.demo.noise import fraction
from console.errors import LinkError
from console.fleet.model import HostKey, Problem, ProblemKind


class DemoDialer:
    """Opens channels to one machine of the demo. `known_hosts` is where a trusted key would be written."""

    speaks_frames = True

    def __init__(self, node: DemoNode, known_hosts: Path) -> None:
        self._machine = node.machine
        self._known_hosts = known_hosts
        self._memory = MemoryDialer(node.serve)

    async def dial(self, command: str, progress: Progress) -> Channel:
        problem = self._problem()
        if problem is not None:
            raise LinkError(problem)
        return await self._memory.dial(command, progress)

    async def close(self) -> None:
        await self._memory.close()

    def _problem(self) -> Problem | None:
        machine = self._machine
        if machine.trouble is Trouble.UNKNOWN_KEY and not self._trusted():
            return _unknown_key(machine)
        make = _REFUSALS.get(machine.trouble)
        return make(machine) if make else None

    def _trusted(self) -> bool:
        try:
            listed = self._known_hosts.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return _public_key(self._machine, "now")[0] in listed


def _public_key(machine: Machine, which: str) -> tuple[str, str]:
    """A made-up ed25519 key, as known_hosts writes it, and its fingerprint."""
    raw = bytes(int(fraction(machine.name, which, place) * 256) for place in range(32))
    blob = struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 32) + raw
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return base64.b64encode(blob).decode(), f"SHA256:{digest}"


def _unknown_key(machine: Machine) -> Problem:
    key, fingerprint = _public_key(machine, "now")
    shown = HostKey(
        name=machine.address,
        algorithm="ssh-ed25519",
        fingerprint=fingerprint,
        line=f"{machine.address} ssh-ed25519 {key}",
    )
    return Problem(
        ProblemKind.HOST_KEY_UNKNOWN,
        f"{machine.address} shows a host key that is in no known_hosts file",
        "Compare the fingerprint with the provider's, then press T and type trust.",
        shown,
    )


def _changed_key(machine: Machine) -> Problem:
    shown = HostKey(
        name=machine.address,
        algorithm="ssh-ed25519",
        fingerprint=_public_key(machine, "now")[1],
        line="",
        known_fingerprints=(_public_key(machine, "before")[1],),
        known_at=("~/.ssh/known_hosts:12",),
    )
    return Problem(
        ProblemKind.HOST_KEY_CHANGED,
        f"{machine.address} shows another host key than the one on file: blocked",
        "Find out why before anything else: a machine installed anew, or somebody in between.",
        shown,
    )


def _refused(machine: Machine) -> Problem:
    return Problem(
        ProblemKind.REFUSED,
        f"{machine.address}:22 refused the connection: nothing listens there",
        "Is the machine started, and sshd on it? It is tried again by itself.",
    )


def _no_python(machine: Machine) -> Problem:
    return Problem(
        ProblemKind.NO_PYTHON,
        "there is no python3 of version 3.9 or newer on this node (found: none)",
        "Install python3 there (apt-get install python3); then Ctrl-R tries again.",
    )


_REFUSALS = {
    Trouble.CHANGED_KEY: _changed_key,
    Trouble.REFUSED: _refused,
    Trouble.NO_PYTHON: _no_python,
}
