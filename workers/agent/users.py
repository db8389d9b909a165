"""Who is logged in, and what a user number is called."""

import os
from typing import Dict, List, Optional, Set, Tuple

from workers.agent.errand import Errand
from workers.machine import procfs

_USER_PROCESS = 7
# glibc's utmp keeps 32-bit times on these machines so that 32-bit programs can read it: 384 bytes.
_SHORT_RECORDS = (
    "x86_64",
    "i386",
    "i686",
    "ppc64le",
    "ppc64",
    "s390x",
    "armv7l",
    "armv6l",
    "mips64",
)
_UTMP = ("/run/utmp", "/var/run/utmp")


def logged_in(paths: Tuple[str, ...] = _UTMP) -> Tuple[str, ...]:
    """Names of the users with a live login, sorted, each once; from utmp, else systemd's sessions."""
    for path in paths:
        content = procfs.read(path)
        if content:
            return tuple(sorted({name for name, pid in parse_utmp(content) if _alive(pid)}))
    return _systemd_sessions()


def parse_utmp(content: bytes, machine: Optional[str] = None) -> List[Tuple[str, int]]:
    """User and process of each login record; see utmp(5)."""
    size = 384 if (machine or os.uname().machine) in _SHORT_RECORDS else 400
    logins: List[Tuple[str, int]] = []
    for start in range(0, len(content) - size + 1, size):
        if int.from_bytes(content[start : start + 2], "little") == _USER_PROCESS:
            pid = int.from_bytes(content[start + 4 : start + 8], "little")
            name = content[start + 44 : start + 76].split(b"\0", 1)[0]
            logins.append((name.decode("utf-8", "surrogateescape"), pid))
    return logins


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _systemd_sessions(directory: str = "/run/systemd/sessions") -> Tuple[str, ...]:
    names: Set[str] = set()
    try:
        sessions = os.listdir(directory)
    except OSError:
        return ()
    for session in sessions:
        lines = (procfs.text(directory + "/" + session) or "").splitlines()
        names.update(
            line[5:] for line in lines if line.startswith("USER=") and "CLASS=user" in lines
        )
    return tuple(sorted(names))


class UserNames:
    """User names by number, asked once. A slow directory service never holds the caller up:
    until it answers, and where there is no name, the number stands for it."""

    def __init__(self) -> None:
        self._names: Dict[int, str] = {}
        self._pending: Optional[Tuple[int, Errand[str]]] = None
        self._waiting: List[int] = []
        for line in (procfs.text("/etc/passwd") or "").splitlines():
            fields = line.split(":")
            if len(fields) > 2 and fields[2].isdigit():
                self._names.setdefault(int(fields[2]), fields[0])

    def __call__(self, uid: int) -> str:
        known = self._names.get(uid)
        if known is not None:
            return known
        if uid not in self._waiting:
            self._waiting.append(uid)
        self._ask()
        return self._names.get(uid, str(uid))

    def _ask(self) -> None:
        """One question at a time, so that a dead service holds one thread and not many."""
        if self._pending is None and self._waiting:
            uid = self._waiting[0]
            self._pending = (uid, Errand(lambda: _name_of(uid)))
            self._pending[1].wait(0.005)
        if self._pending is not None and self._pending[1].done:
            uid, errand = self._pending
            self._pending = None
            self._waiting.remove(uid)
            try:
                self._names[uid] = errand.result()
            except Exception:
                self._names[uid] = str(uid)


def _name_of(uid: int) -> str:
    import pwd

    return pwd.getpwuid(uid).pw_name
