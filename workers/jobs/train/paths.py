"""One place, two names: how Windows calls a path, and how a distribution of WSL does. Pure."""

import re

MOUNTS = "/mnt/"
"""Where WSL shows the drives, unless `/etc/wsl.conf` says otherwise (`[automount] root`)."""

_DRIVE = re.compile(r"([A-Za-z]):(.*)", re.DOTALL)
_WHOLE = re.compile(r"[A-Za-z]:[\\/]")
_UNC = re.compile(r"[\\/]{2}(wsl\$|wsl\.localhost)[\\/]+([^\\/]+)(.*)", re.DOTALL | re.IGNORECASE)
_LONG = ("\\\\?\\UNC\\", "\\\\?\\")  # the prefixes of paths longer than 260 characters


class Unmapped(ValueError):
    """The path has no name over there; the text says why."""


def is_windows(path: str) -> bool:
    """`C:\\x`, `c:/x`, `\\\\server\\share` and the long forms; a POSIX path is none, nor is `~` or a relative one."""
    return bool(_WHOLE.match(path)) or path.startswith("\\\\") or bool(_UNC.match(path))


def to_wsl(path: str, distro: str, mounts: str = MOUNTS) -> str:
    """How `distro` calls a path that Windows or we name. `~` stays: whose home it is, is known over there.

    Raises Unmapped for another distribution's path, a network share, a path that is relative to a drive, and
    a relative one.
    """
    path = _short(path)
    unc = _UNC.fullmatch(path)
    if unc:
        return _of_distro(path, unc, distro)
    drive = _DRIVE.fullmatch(path)
    if drive:
        return _of_drive(path, drive, mounts)
    if path.startswith("\\\\"):
        raise Unmapped(
            f"{path}: a network share has no name in WSL; mount it there, or copy from a drive letter"
        )
    if path == "~" or path.startswith(("/", "~/", "~\\")):
        return _slashed(path) if path.startswith("~\\") else path
    raise Unmapped(
        f"{path}: is relative; wanted a whole path such as C:\\data, /home/me/data or ~/data"
    )


def to_windows(path: str, distro: str, mounts: str = MOUNTS) -> str:
    """How Windows calls a path of `distro`: a drive where it lies on one, else `\\\\wsl.localhost\\DISTRO\\…`.

    Raises Unmapped for a relative path, and for one that no name of Windows could hold.
    """
    if is_windows(path):
        return path
    if not path.startswith("/"):
        raise Unmapped(f"{path}: is relative to a folder that only {distro} knows")
    bad = next((c for c in path if c in '\\:*?"<>|' or ord(c) < 32), None)
    if bad is not None:
        raise Unmapped(f"{path}: {bad!r} cannot stand in a name of Windows")
    below = path.removeprefix(mounts) if path.startswith(mounts) else ""
    letter, _, rest = below.partition("/")
    if len(letter) == 1 and letter.isascii() and letter.isalpha():
        return f"{letter.upper()}:\\" + rest.replace("/", "\\")
    return f"\\\\wsl.localhost\\{distro}" + path.rstrip("/").replace("/", "\\")


def word_to_wsl(word: str, distro: str, mounts: str = MOUNTS) -> str:
    """A word of a command: a path of Windows as `distro` calls it, also behind `--option=`; all else as it is."""
    option, equals, value = word.partition("=")
    if equals and option.startswith("-") and is_windows(value):
        return f"{option}={to_wsl(value, distro, mounts)}"
    return to_wsl(word, distro, mounts) if is_windows(word) else word


def _of_distro(path: str, found: "re.Match[str]", distro: str) -> str:
    if found[2].lower() != distro.lower():
        raise Unmapped(f"{path}: belongs to {found[2]}, and the training runs in {distro}")
    return _slashed(found[3]).rstrip("/") or "/"


def _of_drive(path: str, found: "re.Match[str]", mounts: str) -> str:
    rest = _slashed(found[2])
    if not rest.startswith("/"):
        raise Unmapped(f"{path}: is relative to where {found[1]}: stands; wanted {found[1]}:\\…")
    whole = f"{mounts.rstrip('/')}/{found[1].lower()}{rest}"
    return whole.rstrip("/")


def _short(path: str) -> str:
    if path.upper().startswith(_LONG[0]):
        return "\\\\" + path[len(_LONG[0]) :]
    return path.removeprefix(_LONG[1])


def _slashed(path: str) -> str:
    return re.sub("/{2,}", "/", path.replace("\\", "/"))
