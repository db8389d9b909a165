"""Where a supervisor is put so that it outlives the login: decided by settings, never by a trial.

Left-over processes keep a login session "closing", which hides that logind will kill them until the last
one ends; so nothing can be learned by trying.
"""

import os
from typing import Dict, List, NamedTuple, Optional, Tuple

from workers.agent.workers.errand_process import capture

FORK, UNIT = "fork", "unit"
_ANSWER_S = 3.0
_FOLDERS = ("/lib", "/usr/lib", "/usr/local/lib", "/run", "/etc")  # the stronger last
_TRUE = frozenset({"1", "yes", "true", "on", "y", "t"})


class Login(NamedTuple):
    """What logind does with the processes of a user who has logged out. None: it is not known."""

    systemd: bool = False  # it is what this machine was started by
    kills_processes: Optional[bool] = None
    kill_excepts: bool = False  # this user is exempt (KillExcludeUsers, KillOnlyUsers)
    removes_ipc: Optional[bool] = None
    lingers: bool = False
    manager: bool = False  # the user's own systemd answers


class Cradle(NamedTuple):
    """``kind`` FORK or UNIT; with a refusal nothing may be started."""

    kind: str = FORK
    needed: bool = False  # what is forked would not outlive the login
    notes: Tuple[str, ...] = ()
    refusal: str = ""


def choose(login: Login, user: str, uid: int) -> Cradle:
    """The decision. Pure."""
    if not login.systemd:
        return Cradle()
    enable = f"loginctl enable-linger {user}"
    kills = login.kills_processes is True and not login.kill_excepts
    if kills and not login.lingers:
        return Cradle(
            refusal=(
                "this node kills the processes of a user who logs out (KillUserProcesses=yes in"
                f" logind.conf) and {user} does not linger: run `{enable}` there, then start again"
            )
        )
    if kills and not login.manager:
        return Cradle(
            refusal=(
                "this node kills the processes of a user who logs out (KillUserProcesses=yes in"
                f" logind.conf) and the user manager of {user} does not answer:"
                f" run `systemctl start user@{uid}.service` there as root, then start again"
            )
        )
    notes = []
    if login.removes_ipc and not login.lingers and uid >= 1000:
        notes.append(
            "RemoveIPC=yes: shared memory (NCCL, data loaders) of running workers is deleted at the last"
            f" logout; `{enable}` prevents it"
        )
    return Cradle(UNIT if login.lingers and login.manager else FORK, kills, tuple(notes))


def look(user: str, uid: int, root: str = "") -> Login:
    """Reads the settings; ``root`` stands before every path in tests."""
    if not os.path.isdir(f"{root}/run/systemd/system"):
        return Login()
    found = _properties() if not root else {}
    settings = {**configuration(root), **found}
    return Login(
        systemd=True,
        kills_processes=_flag(settings.get("KillUserProcesses"), False),
        kill_excepts=_exempt(settings, user),
        removes_ipc=_flag(settings.get("RemoveIPC"), True),
        lingers=os.path.exists(f"{root}/var/lib/systemd/linger/{user}"),
        manager=os.path.exists(f"{root}/run/user/{uid}/systemd/private"),
    )


def configuration(root: str = "") -> Dict[str, str]:
    """The ``[Login]`` settings of logind.conf and its drop-ins, the later file winning (logind.conf(5))."""
    found: Dict[str, str] = {}
    for folder in reversed(_FOLDERS):
        if _read(f"{root}{folder}/systemd/logind.conf", found):
            break  # of the main file only the strongest counts
    # Drop-ins of all folders sort by name; of two with one name that of the stronger folder counts.
    drops: Dict[str, str] = {}
    for folder in _FOLDERS:
        place = f"{root}{folder}/systemd/logind.conf.d"
        try:
            names = os.listdir(place)
        except OSError:
            continue
        drops.update({name: f"{place}/{name}" for name in names if name.endswith(".conf")})
    for name in sorted(drops):
        _read(drops[name], found)
    return found


def _properties() -> Dict[str, str]:
    """What logind itself says, where it can be asked."""
    names = ("KillUserProcesses", "RemoveIPC")
    argv = ("busctl", "--system", "--timeout=2", "get-property", "org.freedesktop.login1",
            "/org/freedesktop/login1", "org.freedesktop.login1.Manager", *names)  # fmt: skip
    path = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C"}
    outcome = capture(argv, path, "/", _ANSWER_S)
    lines = outcome.output.decode("ascii", "replace").splitlines()
    if outcome.code != 0 or len(lines) != len(names):
        return {}
    return {name: line.partition(" ")[2].strip() for name, line in zip(names, lines)}


def _read(path: str, found: Dict[str, str]) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines: List[str] = file.read(65_536).splitlines()
    except OSError:
        return False
    section = ""
    for line in lines:
        line = line.strip()
        if line.startswith("["):
            section = line
        elif section == "[Login]" and line[:1] not in ("#", ";"):
            name, equals, value = line.partition("=")
            if equals:
                found[name.strip()] = value.strip()
    return True


def _exempt(settings: Dict[str, str], user: str) -> bool:
    only = settings.get("KillOnlyUsers", "").split()
    if only:
        return user not in only
    return user in settings.get("KillExcludeUsers", "root").split()


def _flag(value: Optional[str], default: bool) -> bool:
    return default if not value else value.lower() in _TRUE
