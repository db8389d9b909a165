"""One host of a loopback fleet: its own network, processes, hostname and home. Needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.keys import generate_key, public_line
from tests.processes import alive, descendants, stop_all

SSHD = "/usr/sbin/sshd"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The first process of the host: takes in orphans, as an init does.
_INIT = """
import os, signal, sys
signal.signal(signal.SIGCHLD, lambda *_: None)
open(sys.argv[1], "w").close()
while True:
    try:
        os.wait()
    except ChildProcessError:
        signal.pause()
"""


@dataclass
class LoopbackHost:
    """A running host. `init` is its first process, seen from outside; `started` its start ticks."""

    name: str
    address: str
    folder: Path
    bridge: str
    number: int
    init: int = 0
    started: int = 0
    keeps: tuple[str, ...] = ()  # folders below /root that are seen inside all the same

    port = 22
    user = "root"

    @property
    def home(self) -> Path:
        """What is /root inside."""
        return self.folder / "home"

    @property
    def host_key(self) -> Path:
        return self.folder / "host_ed25519"

    @property
    def link(self) -> str:
        """The outer end of its cable."""
        return f"{self.bridge}-{self.number}"

    @property
    def known_hosts_line(self) -> str:
        return f"{self.address} {public_line(self.host_key)}\n"

    @property
    def running(self) -> bool:
        """True while its first process is the one we started."""
        return self.init > 0 and alive(self.init) and _start_ticks(self.init) == self.started

    def up(self, authorized_keys: Path) -> None:
        """Makes the namespaces, plugs in the cable and starts sshd."""
        self.folder.mkdir(parents=True)
        self.home.mkdir(mode=0o700)
        generate_key(self.host_key)
        self._write_config(authorized_keys)
        self._start_namespaces()
        _run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0",
             "netns", str(self.init))  # fmt: skip
        _run("ip", "link", "set", self.link, "master", self.bridge, "up")
        self._inside("hostname", self.name)
        self._cover_home()
        self._inside("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
        self._inside("mkdir", "-m", "0755", "/run/sshd")
        self._inside("ip", "link", "set", "lo", "up")
        self._inside("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self._inside("ip", "link", "set", "eth0", "up")
        self.start_sshd()

    def down(self) -> None:
        """Pulls the cable and ends every process of it; the namespaces go with the last."""
        if Path(f"/sys/class/net/{self.link}").exists():
            # The kernel would remove it too, but some time after the last process has ended.
            _run("ip", "link", "delete", self.link)
        if self.running:
            stop_all([self.init], 9)
        shutil.rmtree(self.folder, ignore_errors=True)

    def exec(self, argv: Sequence[str], **keywords: Any) -> subprocess.CompletedProcess[bytes]:
        """Runs a command inside and gives what it printed."""
        keywords.setdefault("capture_output", True)
        keywords.setdefault("timeout", 30)
        return subprocess.run([*self._enter(), *argv], env=_environment(), check=False, **keywords)

    def start_sshd(self) -> None:
        """Starts sshd, which then runs in the background inside."""
        self._inside(SSHD, "-f", str(self.folder / "sshd_config"), "-E", str(self.folder / "log"))

    def stop_sshd(self) -> None:
        """Ends sshd and all its sessions."""
        listeners = self._listeners()
        sessions = [pid for listener in listeners for pid in descendants(listener)]
        stop_all([*listeners, *sessions])

    def restart_sshd(self) -> None:
        self.stop_sshd()
        self.start_sshd()

    def reboot(self) -> None:
        """As after a power cut: every process but the first is gone, and the boot has another name."""
        stop_all(descendants(self.init), 9)
        name = self.folder / "boot_id"
        if name.exists():
            self._inside("umount", "/proc/sys/kernel/random/boot_id")
        name.write_text(f"{uuid.uuid4()}\n")
        self._inside("mount", "--bind", str(name), "/proc/sys/kernel/random/boot_id")
        self.start_sshd()

    def kill_session(self) -> None:
        """Kills all SSH connections; sshd stays."""
        sessions = [pid for listener in self._listeners() for pid in descendants(listener)]
        stop_all(sessions, 9)

    def swap_host_key(self) -> None:
        """From now on it shows another host key."""
        self.stop_sshd()
        self.host_key.unlink()
        generate_key(self.host_key)
        self.start_sshd()

    def cut(self, how: str = "drop") -> None:
        """Cuts it off: `drop` (packets vanish), `reset` (connections are reset), `link` (cable out)."""
        if how == "link":
            _run("ip", "link", "set", self.link, "down")
            return
        reset = ["-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"]
        self._inside("iptables", "-A", "INPUT", *(reset if how == "reset" else ["-j", "DROP"]))
        if how == "drop":
            self._inside("iptables", "-A", "OUTPUT", "-j", "DROP")

    def heal(self) -> None:
        """Undoes every cut."""
        _run("ip", "link", "set", self.link, "up")
        self._inside("iptables", "-F")

    def saved(self) -> dict[str, Any]:
        """For a later process to find it again."""
        return {**asdict(self), "folder": str(self.folder)}

    @classmethod
    def load(cls, saved: dict[str, Any]) -> LoopbackHost:
        return cls(
            **{**saved, "folder": Path(saved["folder"]), "keeps": tuple(saved.get("keeps", ()))}
        )

    def _cover_home(self) -> None:
        for folder in self.keeps:
            place = self.home / Path(folder).relative_to("/root")
            place.mkdir(parents=True)
            self._inside("mount", "--bind", folder, str(place))
        self._inside("mount", "--rbind", str(self.home), "/root")

    def _start_namespaces(self) -> None:
        # Python is all read in by then: its files may lie under the home that is about to be hidden.
        ready = self.folder / "ready"
        with (self.folder / "log").open("ab") as log:
            holder = subprocess.Popen(
                ["unshare", "--net", "--pid", "--uts", "--mount", "--ipc", "--fork", "--mount-proc",
                 "--kill-child", sys.executable, "-I", "-S", "-c", _INIT, str(ready)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                start_new_session=True, env=_environment(),
            )  # fmt: skip
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            children = descendants(holder.pid, deep=False)
            if children and ready.exists():
                self.init, self.started = children[0], _start_ticks(children[0])
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self.name}: no namespaces: {(self.folder / 'log').read_text()}")

    def _write_config(self, authorized_keys: Path) -> None:
        lines = [
            f"ListenAddress {self.address}:22", f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {authorized_keys}", "PidFile none", "StrictModes no", "UsePAM no",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin yes",
            "UseDNS no", "PrintMotd no", "PrintLastLog no", "MaxStartups 100:30:200",
            "Subsystem sftp internal-sftp",
        ]  # fmt: skip
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")

    def _listeners(self) -> list[int]:
        return [pid for pid in descendants(self.init, deep=False) if _program(pid) == SSHD]

    def _enter(self) -> list[str]:
        return ["nsenter", "-t", str(self.init), "--net", "--pid", "--uts", "--mount", "--ipc",
                "--wd=/"]  # fmt: skip

    def _inside(self, *argv: str) -> None:
        done = self.exec(argv)
        if done.returncode:
            words = done.stderr.decode(errors="replace")
            raise RuntimeError(f"{self.name}: {' '.join(argv)}: {words}")


def _environment() -> dict[str, str]:
    return {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}


def _run(*argv: str) -> None:
    done = subprocess.run(argv, check=False, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.decode(errors='replace')}")


def _program(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def _start_ticks(pid: int) -> int:
    try:
        return int(
            Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
        )
    except OSError:
        return -1
