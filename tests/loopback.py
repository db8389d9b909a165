"""Fleets of hosts on this machine: namespaces on a bridge, each fleet with its own 10.77.N.0/24."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from tests.keys import generate_key
from tests.namespaces import SSHD, LoopbackHost

MOST_HOSTS = 250
MOST_FLEETS = 250
NEEDED = ("ip", "iptables", "unshare", "nsenter", "ssh-keygen", "mount", "hostname")


class LoopbackFleet:
    """N hosts named h1…hN. A context manager for tests; `up`, `load` and `down` for the script.

    As a context manager it takes the first number no other process has; the script's fleet is number 0.
    `python`: the hosts have the interpreter of the tests and what it can import, wherever it lies.
    """

    def __init__(
        self, count: int = 0, root: Path | None = None, number: int = 0, python: bool = False
    ) -> None:
        self.count = count
        self.keeps = _python_below_root() if python else ()
        self.number = number
        self.folder = root or Path(tempfile.gettempdir()) / "quarterdeck-loopback"
        self.hosts: list[LoopbackHost] = []
        self._lock: IO[str] | None = None

    @property
    def bridge(self) -> str:
        """The interface all its hosts are plugged into."""
        return f"qdnet{self.number}"

    @property
    def network(self) -> str:
        """The first three numbers of its addresses; ours is .1."""
        return f"10.77.{self.number}"

    @property
    def key(self) -> Path:
        """The private key every host lets in."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def settings(self) -> Path:
        """Settings for `quarterdeck --config`."""
        return self.folder / "settings.yaml"

    @property
    def is_up(self) -> bool:
        """True while hosts of it run."""
        return any(host.running for host in self.hosts)

    def up(self) -> None:
        """Starts all hosts. Raises RuntimeError with the reason; then nothing is left."""
        reason = unavailable()
        if reason:
            raise RuntimeError(reason)
        if not 0 < self.count <= MOST_HOSTS:
            raise RuntimeError(f"wanted 1 to {MOST_HOSTS} hosts")
        if Path(f"/sys/class/net/{self.bridge}").exists():
            raise RuntimeError("a loopback fleet is up already; take it down first")
        try:
            self._start()
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Ends everything `up` started and removes everything it made. May be called again."""
        for host in self.hosts:
            host.down()
        known, self.hosts = bool(self.hosts), []
        cables = Path(f"/sys/class/net/{self.bridge}/brif")
        # Not the bridge of another fleet: ours, or one that has been left behind with nothing on it.
        if cables.exists() and (known or not any(cables.iterdir())):
            subprocess.run(["ip", "link", "delete", self.bridge], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def load(self) -> LoopbackFleet:
        """Finds what another process has brought up."""
        try:
            saved = json.loads((self.folder / "fleet.json").read_text())
        except (OSError, ValueError):
            saved = []
        self.hosts = [LoopbackHost.load(each) for each in saved]
        return self

    def __enter__(self) -> LoopbackFleet:
        self.number, self._lock = _claim()
        _sweep(self.number)
        self.folder = Path(tempfile.mkdtemp(prefix=f"qd-fleet-{self.number}-")) / "fleet"
        try:
            self.up()
        except BaseException:
            shutil.rmtree(self.folder.parent, ignore_errors=True)
            self._lock.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
        shutil.rmtree(self.folder.parent, ignore_errors=True)
        assert self._lock is not None
        self._lock.close()

    def _start(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)
        generate_key(self.key)
        authorized = self.folder / "authorized_keys"
        authorized.write_text(Path(f"{self.key}.pub").read_text())
        # Of the link's scope: an address that reaches further is a change of networks to every console here.
        own = f"{self.network}.1/24"
        for argv in (
            ["ip", "link", "add", self.bridge, "type", "bridge"],
            ["ip", "address", "add", own, "dev", self.bridge, "scope", "link"],
            ["ip", "link", "set", self.bridge, "up"],
        ):
            subprocess.run(argv, check=True, capture_output=True)
        for number in range(1, self.count + 1):
            host = LoopbackHost(
                f"h{number}", f"{self.network}.{number + 2}", self.folder / f"h{number}",
                self.bridge, number, keeps=self.keeps,
            )  # fmt: skip
            self.hosts.append(host)
            host.up(authorized)
            self._save()

    def _save(self) -> None:
        (self.folder / "fleet.json").write_text(json.dumps([host.saved() for host in self.hosts]))
        self.known_hosts.write_text("".join(host.known_hosts_line for host in self.hosts))
        (self.folder / "ssh_config").write_text("")
        self.settings.write_text(self._settings_text())
        for path in self.folder.iterdir():
            if path.is_file():
                path.chmod(0o600)

    def _settings_text(self) -> str:
        lines = [
            "ssh:",
            f"  config: {self.folder / 'ssh_config'}",
            f"  known_hosts: [{self.known_hosts}]",
            f"  own_known_hosts: {self.folder / 'trusted'}",
            "nodes:",
        ]
        for host in self.hosts:
            lines += [
                f"  - name: {host.name}",
                f"    address: {host.address}",
                f"    user: {host.user}",
                f"    identity: {self.key}",
                f"    tags: [{'odd' if host.number % 2 else 'even'}]",
            ]
        return "\n".join(lines) + "\n"


def _python_below_root() -> tuple[str, ...]:
    prefixes = sorted({sys.base_prefix, sys.prefix})
    return tuple(each for each in prefixes if Path(each).is_relative_to("/root"))


def _claim() -> tuple[int, IO[str]]:
    """The first number nobody has, and the lock that keeps it. Tests of several processes go side by side."""
    for number in range(1, MOST_FLEETS + 1):
        lock = (Path(tempfile.gettempdir()) / f"quarterdeck-loopback-{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return number, lock
    raise RuntimeError(f"{MOST_FLEETS} loopback fleets are up already")


def _sweep(number: int) -> None:
    """Takes down what killed tests and benchmarks left of this number, whose lock we hold."""
    for left in Path(tempfile.gettempdir()).glob(f"qd-fleet-{number}-*"):
        LoopbackFleet(root=left / "fleet", number=number).load().down()
        shutil.rmtree(left, ignore_errors=True)


def unavailable() -> str:
    """Why no fleet can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "network, PID and UTS namespaces need root"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if not Path(SSHD).exists():
        missing.append("sshd")
    if missing:
        return f"not installed: {', '.join(missing)}"
    probe = subprocess.run(
        ["unshare", "--net", "--pid", "--uts", "--fork", "true"], check=False, capture_output=True
    )
    return "" if probe.returncode == 0 else f"unshare: {probe.stderr.decode(errors='replace')}"
