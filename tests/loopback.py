"""A fleet of hosts on this machine: namespaces on one bridge, 10.77.0.0/24, never any other address."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from tests.keys import generate_key
from tests.namespaces import SSHD, LoopbackHost

BRIDGE = "qdlo"
NETWORK = "10.77.0"
MOST_HOSTS = 250
NEEDED = ("ip", "iptables", "unshare", "nsenter", "ssh-keygen", "mount", "hostname")


class LoopbackFleet:
    """N hosts named h1…hN. A context manager for tests; `up`, `load` and `down` for the script.

    One fleet at a time on a machine: RuntimeError while another one is up.
    """

    def __init__(self, count: int = 0, root: Path | None = None) -> None:
        self.count = count
        self.folder = root or Path(tempfile.gettempdir()) / "quarterdeck-loopback"
        self.hosts: list[LoopbackHost] = []
        self._lock: IO[str] | None = None

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
        if Path(f"/sys/class/net/{BRIDGE}").exists():
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
        cables = Path(f"/sys/class/net/{BRIDGE}/brif")
        # Not the bridge of another fleet: ours, or one that has been left behind with nothing on it.
        if cables.exists() and (known or not any(cables.iterdir())):
            subprocess.run(["ip", "link", "delete", BRIDGE], check=False, capture_output=True)
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
        self._lock = (Path(tempfile.gettempdir()) / "quarterdeck-loopback.lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # another test's fleet: wait for its end
        _sweep()
        self.folder = Path(tempfile.mkdtemp(prefix="qd-fleet-")) / "fleet"
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
        for argv in (
            ["ip", "link", "add", BRIDGE, "type", "bridge"],
            ["ip", "address", "add", f"{NETWORK}.1/24", "dev", BRIDGE],
            ["ip", "link", "set", BRIDGE, "up"],
        ):
            subprocess.run(argv, check=True, capture_output=True)
        for number in range(1, self.count + 1):
            host = LoopbackHost(
                f"h{number}", f"{NETWORK}.{number + 2}", self.folder / f"h{number}", BRIDGE, number
            )
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


def _sweep() -> None:
    """Takes down what killed tests and benchmarks left: whoever holds the lock is the only one alive."""
    for left in Path(tempfile.gettempdir()).glob("qd-fleet-*"):
        LoopbackFleet(root=left / "fleet").load().down()
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
