"""A real sshd whose account runs the hostile agent, and the program against it."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.cli.program import Program
from tests.security import hostile_agent
from tests.sshd import SshdFactory

BANNER = "\n".join(hostile_agent.TEXTS).encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class HostileNode:
    """The settings that name it, in a home of its own."""

    home: Path
    settings: Path

    @property
    def program(self) -> Program:
        return Program(self.home)


@pytest.fixture
def hostile_node(sshd_factory: SshdFactory, tmp_path: Path) -> HostileNode:
    """`evil`: hostile banner, noise, agent and standard error. `closed`: the same banner, and no way in."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    banner = tmp_path / "banner"
    banner.write_bytes(BANNER)
    agent = shlex.join([sys.executable, str(Path(hostile_agent.__file__)), "--extremes"])
    evil = sshd_factory(extra=(f"ForceCommand {agent}", f"Banner {banner}"))
    closed = sshd_factory(extra=(f"Banner {banner}",))
    closed.deauthorize()
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(evil.known_hosts_line + closed.known_hosts_line)
    values = {
        "nodes": [{"name": "evil", **evil.settings()}, {"name": "closed", **closed.settings()}],
        "datasets": [{"name": "games", "paths": ["data/*.jsonl"]}],
        "ssh": {"known_hosts": [str(known_hosts)]},
        "alerts": {"disk_nearly_full": {"for": 0}, "memory": {"for": 0}, "gpu_hot": {"for": 0}},
    }
    settings = home / ".config" / "quarterdeck" / "settings.yaml"
    settings.parent.mkdir(mode=0o700, parents=True)
    settings.write_text(yaml.safe_dump(values))
    settings.chmod(0o600)
    os.chmod(home / ".config", 0o700)
    return HostileNode(home, settings)
