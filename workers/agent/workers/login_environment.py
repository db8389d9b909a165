"""The node's login environment: what a person finds after logging in, and nothing of the console or of ssh."""

import os
import pwd
import threading
from typing import Dict, List, NamedTuple, Optional, Tuple

from workers.agent.workers.errand_process import capture

DEADLINE_S = 5.0
_LIMIT_BYTES = 1024 * 1024
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NO_SHELLS = frozenset({"nologin", "false", "true", "git-shell", "sync"})
_C_SHELLS = frozenset({"csh", "tcsh"})  # these take -l alone or not at all
# Of the shell that was asked, not of the environment it makes.
_OF_THE_SHELL = frozenset({"_", "PWD", "OLDPWD", "SHLVL"})
_END = "end"
_FOREIGN = ("SSH_", "QUARTERDECK_", "QD_")


class LoginEnvironment:
    """Made once, when it is first wanted. Safe to ask from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: Optional[Tuple[Dict[str, str], Tuple[str, ...]]] = None

    def variables(self) -> Dict[str, str]:
        """A copy. Values may be secrets: they are never put into words."""
        return dict(self._get()[0])

    def warnings(self) -> Tuple[str, ...]:
        """Why it is only a plain environment; empty where the login shell answered."""
        return self._get()[1]

    def _get(self) -> Tuple[Dict[str, str], Tuple[str, ...]]:
        with self._lock:
            if self._made is None:
                self._made = login_environment(account())
            return self._made


class Account(NamedTuple):
    """Whose environment it is."""

    name: str
    home: str
    shell: str


def account() -> Account:
    """The agent's own user. HOME wins over the passwd file, as everywhere in the agent."""
    try:
        entry = pwd.getpwuid(os.geteuid())
        name, home, shell = entry.pw_name, entry.pw_dir, entry.pw_shell
    except KeyError:  # a container's uid that passwd does not list
        name, home, shell = str(os.geteuid()), "/", ""
    if os.path.basename(shell) in _NO_SHELLS or not os.access(shell or "/nonexistent", os.X_OK):
        shell = "/bin/sh"
    return Account(name, os.environ.get("HOME") or home, shell)


def login_environment(
    who: Account, deadline_s: float = DEADLINE_S
) -> Tuple[Dict[str, str], Tuple[str, ...]]:
    """The variables, and warnings where the login shell would not tell them."""
    plain = plain_environment(who)
    marker = os.urandom(16).hex()
    shell = os.path.basename(who.shell)
    flags = "-c" if shell in _C_SHELLS else "-lc"
    # Words that every shell reads the same way. What a profile prints comes before the marker.
    script = f"echo {marker}; env -0; echo {marker}{_END}"
    folder = who.home if os.path.isdir(who.home) else "/"
    outcome = capture(
        (who.shell, flags, script),
        plain,
        folder,
        deadline_s,
        limit_bytes=_LIMIT_BYTES,
        until=f"{marker}{_END}\n".encode("ascii"),
    )
    found = parse(outcome.output, marker)
    if found is not None:
        return found, ()
    reason = "gave no answer in time" if outcome.late else "ended before it answered"
    return plain, (
        f"the login shell {who.shell} {reason}: workers get a plain environment; look into its profile",
    )


def plain_environment(who: Account, system: str = "/etc/environment") -> Dict[str, str]:
    """What a shell starts from: the account, and what PAM would add for every login."""
    found = {"PATH": _PATH, "LANG": "C.UTF-8"}
    found.update(_system_wide(system))
    found.update(
        HOME=who.home, USER=who.name, LOGNAME=who.name, SHELL=who.shell or "/bin/sh", TERM="dumb"
    )
    return found


def parse(output: bytes, marker: str) -> Optional[Dict[str, str]]:
    """The variables between the two markers; None where they are not whole."""
    sign = marker.encode("ascii")
    _, found, rest = output.partition(sign + b"\n")
    body, whole, _ = rest.rpartition(sign + _END.encode("ascii"))
    if not found or not whole:
        return None
    variables: Dict[str, str] = {}
    for entry in body.split(b"\0"):
        name, equals, value = os.fsdecode(entry).partition("=")
        if equals and name and name not in _OF_THE_SHELL and not name.startswith(_FOREIGN):
            variables[name] = value
    return variables


def _system_wide(path: str) -> Dict[str, str]:
    """``NAME=value`` lines as pam_env(8) reads them."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines: List[str] = file.read(65_536).splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        line = line.strip()
        if line.startswith("export "):
            line = line[7:].strip()
        name, equals, value = line.partition("=")
        if equals and name.isidentifier() and not name.startswith(_FOREIGN):
            found[name] = value.strip().strip("\"'")
    return found
