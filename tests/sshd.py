"""A real OpenSSH server on loopback for tests: own folder, own port, own keys, own home."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.keys import fingerprint, generate_key, public_line
from tests.processes import descendants, stop_all
from tests.running import sweep

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin") or ""
ADDRESS = "127.0.0.1"


class Sshd:
    """One running `sshd -D -e`. Attributes: host, port, user, key (client's private key), home.

    `home` is the HOME of every session, so that nothing is written into the real one (the working
    directory of a session is still the account's real home).
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_sessions: int = 10,
        max_startups: str = "100:30:200",
        extra: tuple[str, ...] = (),
        address: str = ADDRESS,
    ) -> None:
        self.folder = folder
        self.host = address
        self.port = _free_port(address)
        self.user = _user()
        self.key = folder / "id_ed25519"
        self.home = folder / "home"
        self.host_key = folder / "host_ed25519"
        self.authorized_keys = folder / "authorized_keys"
        self.config = folder / "sshd_config"
        self.log = folder / "sshd.log"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.home.mkdir(mode=0o700)
        generate_key(self.key)
        generate_key(self.host_key)
        self.authorize(self.key)
        self.options = {
            "ListenAddress": f"{address}:{self.port}",
            "HostKey": str(self.host_key),
            "AuthorizedKeysFile": str(self.authorized_keys),
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "yes",
            "AllowAgentForwarding": "yes",
            "UseDNS": "no",
            "PrintMotd": "no",
            "PrintLastLog": "no",
            "LogLevel": "VERBOSE",
            "MaxSessions": str(max_sessions),
            "MaxStartups": max_startups,
            "SetEnv": f"HOME={self.home}",
            "Subsystem": "sftp internal-sftp",
        }
        self.extra = list(extra)

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def known_host_name(self) -> str:
        """The name a known_hosts file lists it under."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"

    @property
    def known_hosts_line(self) -> str:
        """The line, with its newline, that makes a client trust the present host key."""
        return f"{self.known_host_name} {public_line(self.host_key)}\n"

    @property
    def fingerprint(self) -> str:
        """SHA256:… of the present host key, as ssh-keygen prints it."""
        return fingerprint(self.host_key)

    def start(self) -> Sshd:
        """Starts it and waits until it greets. Raises RuntimeError with its log if it does not."""
        # First value wins in sshd_config: what a test adds goes before the defaults.
        lines = [*self.extra, *(f"{key} {value}" for key, value in self.options.items())]
        self.config.write_text("\n".join(lines) + "\n")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_greeting()
        return self

    def stop(self) -> None:
        """Ends the server and every session of it."""
        if self._process is None:
            return
        stop_all([self._process.pid, *descendants(self._process.pid)])
        self._process.wait(10)
        self._process = None

    def restart(self) -> None:
        """Stops it with all sessions and starts it again on the same port with the same keys."""
        self.stop()
        self.start()

    def swap_host_key(self) -> None:
        """From now on the same port answers with another host key, as a new or false machine would."""
        self.stop()
        self.host_key.unlink()
        generate_key(self.host_key)
        self.start()

    def authorize(self, key: Path, options: str = "") -> None:
        """Lets the holder of this private key in, with authorized_keys options."""
        line = f"{options} {public_line(key)}".strip()
        with self.authorized_keys.open("a") as file:
            file.write(line + "\n")

    def deauthorize(self) -> None:
        """Lets nobody in from now on; sessions that stand stay."""
        self.authorized_keys.write_text("")

    def connections(self) -> list[int]:
        """Process ids directly under the server: one for each connection that stands or starts."""
        return descendants(self.pid, deep=False)

    def kill_sessions(self) -> None:
        """Kills all connections at once; the server stays."""
        stop_all(descendants(self.pid), signal.SIGKILL)

    def settings(self) -> dict[str, object]:
        """What a node's entry in the settings needs."""
        return {
            "address": self.host,
            "port": self.port,
            "user": self.user,
            "identity": str(self.key),
        }

    def __enter__(self) -> Sshd:
        return self.start() if self._process is None else self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_until_greeting(self) -> None:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                with socket.create_connection((self.host, self.port), 1) as probe:
                    if probe.recv(4) == b"SSH-":
                        return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"sshd did not start:\n{self.log.read_text(errors='replace')}")


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


SshdFactory = Callable[..., Sshd]


@pytest.fixture
def sshd_factory() -> Iterator[SshdFactory]:
    """Makes started servers with the keywords of `Sshd`; all are stopped at the end of the test."""
    if not SSHD:
        pytest.skip("OpenSSH's sshd is not installed")
    made: list[Sshd] = []
    # Not pytest's tmp_path: unix sockets and control files need short paths.
    root = Path(tempfile.mkdtemp(prefix="qd-sshd-"))

    def make(**keywords: object) -> Sshd:
        server = Sshd(root / str(len(made)), **keywords)  # type: ignore[arg-type]
        made.append(server)
        return server.start()

    yield make
    for server in made:
        server.stop()
    if any(root.glob("*/home/.local/state/quarterdeck/nodes/*/runs/*")):
        sweep(root)  # workers outlive their sessions: that is what they are for
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def sshd(sshd_factory: SshdFactory) -> Sshd:
    """One started server with the defaults."""
    return sshd_factory()
