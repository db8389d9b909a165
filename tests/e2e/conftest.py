"""Three real sshd nodes with their settings, and the console in a real terminal on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.sshd import Sshd, SshdFactory
from tests.terminal import Terminal


@dataclass(frozen=True)
class Fleet:
    """Nodes h1…, and what a console needs to reach them."""

    servers: list[Sshd]
    home: Path
    settings: Path

    @property
    def environment(self) -> dict[str, str]:
        return clean_environment(self.home)


def clean_environment(home: Path) -> dict[str, str]:
    """An environment in which nothing of the real account can be seen."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | {"HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}


@pytest.fixture
def fleet(sshd_factory: SshdFactory, tmp_path: Path) -> Fleet:
    """Three nodes, each with a dataset of 30 lines in 2 files."""
    servers = [sshd_factory() for _ in range(3)]
    for server in servers:
        data = server.home / "data"
        data.mkdir()
        (data / "a.jsonl").write_text("{}\n" * 10)
        (data / "b.jsonl").write_text("{}\n" * 20)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text("".join(server.known_hosts_line for server in servers))
    settings = tmp_path / "settings.yaml"
    nodes = [
        {"name": f"h{number}", "root": str(server.home), "tags": ["test"], **server.settings()}
        for number, server in enumerate(servers, 1)
    ]
    datasets = [{"name": "games", "nodes": "tag:test", "paths": ["data/*.jsonl"], "count": "lines"}]
    ssh = {"known_hosts": [str(known_hosts)]}
    settings.write_text(yaml.safe_dump({"nodes": nodes, "datasets": datasets, "ssh": ssh}))
    settings.chmod(0o600)
    return Fleet(servers, home, settings)


OpenConsole = Callable[..., Terminal]


@pytest.fixture
def open_console(fleet: Fleet) -> Iterator[OpenConsole]:
    """Opens `quarterdeck --config …` on the fleet in a pty; all are ended after the test."""
    opened: list[Terminal] = []

    def make(*arguments: str, columns: int = 160, rows: int = 45) -> Terminal:
        argv = [sys.executable, "-m", "console", "--config", str(fleet.settings), *arguments]
        opened.append(Terminal(argv, columns, rows, fleet.environment))
        return opened[-1]

    yield make
    for terminal in opened:
        terminal.close()
