"""Who and where this agent is: the facts of its hello. Each is best effort: what is not there is empty."""

import os
import sys
import time
from typing import Optional, Tuple

from workers.agent.gpu_driver import library_folder
from workers.agent.shelf import digest_of
from workers.machine.boot import boot_id, boottime, pid_namespace
from workers.protocol import PROTOCOL_VERSION, Hello


def hello(agent: str, state_directory: Optional[str], warnings: Tuple[str, ...]) -> Hello:
    """The first message of an agent that runs from the bundle with this hash."""
    system = os.uname()
    user, home = _account()
    return Hello(
        protocol=PROTOCOL_VERSION,
        agent=agent,
        node_key=node_key(system.nodename),
        hostname=system.nodename,
        boot_id=boot_id(),
        pid_namespace=pid_namespace(),
        pid=os.getpid(),
        user=user,
        uid=os.getuid(),
        home=home,
        clock=time.time(),
        boottime=boottime(),
        cores=os.cpu_count() or 1,
        python=".".join(map(str, sys.version_info[:3])),
        system=_system() or system.sysname,
        kernel=system.release,
        architecture=system.machine,
        cpu_model=_cpu_model(),
        memory_bytes=_memory(),
        state_directory=state_directory,
        capabilities=_capabilities(),
        warnings=warnings,
    )


def node_key(hostname: str) -> str:
    """A hash of machine-id and hostname: a cloned machine-id alone does not make two machines one."""
    machine = _first_line("/etc/machine-id") or _first_line("/var/lib/dbus/machine-id") or boot_id()
    return digest_of(f"{machine}\n{hostname}".encode("utf-8", "replace"))[:32]


def _account() -> Tuple[str, str]:
    home = os.environ.get("HOME", "")
    try:
        import pwd

        entry = pwd.getpwuid(os.geteuid())
    except (ImportError, KeyError):  # a container's uid that passwd does not list
        return str(os.geteuid()), home
    return entry.pw_name, home or entry.pw_dir


def _system() -> str:
    for line in _head("/etc/os-release", 4096).splitlines():
        if line.startswith("PRETTY_NAME="):
            return line[12:].strip().strip("\"'")
    return ""


def _cpu_model() -> str:
    for line in _head("/proc/cpuinfo", 2048).splitlines():
        if line.startswith(("model name", "Model", "cpu model")):
            return line.partition(":")[2].strip()
    return ""


def _memory() -> Optional[int]:
    fields = _head("/proc/meminfo", 200).split()
    if len(fields) > 1 and fields[0] == "MemTotal:" and fields[1].isdigit():
        return int(fields[1]) * 1024
    return None


def _capabilities() -> Tuple[str, ...]:
    found = []
    if hasattr(os, "pidfd_open"):
        found.append("pidfd")
    if _has_program("zstd"):
        found.append("zstd")
    if library_folder() is not None:
        found.append("nvml")
    if _has_package("psutil"):
        found.append("psutil")
    return tuple(found)


def _has_program(name: str) -> bool:
    folders = os.environ.get("PATH", "").split(":")
    return any(f.startswith("/") and os.access(os.path.join(f, name), os.X_OK) for f in folders)


def _has_package(name: str) -> bool:
    """Whether this Python has a package, without paying for its search path."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    prefixes = (os.path.dirname(os.path.dirname(sys.executable or "")), sys.prefix, "/usr")
    folders = [
        *(f"{prefix}/lib/{version}/site-packages" for prefix in prefixes),
        "/usr/lib/python3/dist-packages",
        f"/usr/local/lib/{version}/dist-packages",
        os.path.expanduser(f"~/.local/lib/{version}/site-packages"),
    ]
    return any(os.path.isdir(f"{folder}/{name}") for folder in folders)


def _first_line(path: str) -> str:
    return _head(path, 256).partition("\n")[0].strip()


def _head(path: str, size: int) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(size).decode("utf-8", "replace")
    except OSError:
        return ""
