"""Where an agent may keep things on its node: the state directory.

Travels with the second stage of the start, so it imports nothing of this package.
"""

import os
from typing import List, Optional, Tuple

DISTANT = ("nfs", "cifs", "smb", "lustre", "gpfs", "ceph", "afs", "9p", "beegfs", "fuse.", "gluster",
           "pvfs", "orangefs", "ocfs", "gfs2", "wekafs")  # fmt: skip


def open_state_directory(problems: List[str]) -> Optional[Tuple[str, int]]:
    """The first usable state directory (path, file descriptor): local, ours, 0700, no symlink.

    Each refusal is explained in ``problems``. None: everything stays in memory.
    """
    for path in _candidates(problems):
        try:
            return path, _open_private(path)
        except OSError as error:
            problems.append(f"{path}: {error.strerror or error}")
    return None


def find_state_directory() -> Optional[str]:
    """The state directory that an agent has made and would take again; nothing is made."""
    for path in _candidates([]):
        try:
            found = os.stat(path, follow_symlinks=False)
        except OSError:
            continue
        if found.st_uid == os.geteuid():
            return path
    return None


def _candidates(problems: List[str]) -> List[str]:
    home = os.environ.get("HOME") or _home_on_file()
    state = os.environ.get("XDG_STATE_HOME", "")
    found = []
    if state.startswith("/"):
        found.append(os.path.join(state, "quarterdeck"))
    if not os.path.isdir(home):  # never made by us: it may only not be mounted yet
        problems.append(f"{home or 'the home directory'}: there is none")
    elif home.startswith("/"):
        found.append(os.path.join(home, ".local", "state", "quarterdeck"))
    # Others can write there too: it is only used when it is ours and private, checked by descriptor.
    found.append(f"/var/tmp/quarterdeck-{os.geteuid()}")  # noqa: S108
    return found


def _home_on_file() -> str:
    try:
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_dir
    except (ImportError, KeyError):
        return ""


def _open_private(path: str) -> int:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    directory = open_own_directory(path, None)
    try:
        kind = file_system(directory)
        if kind.startswith(DISTANT):
            raise OSError(0, f"on {kind}, not a local file system")
        if os.fstatvfs(directory).f_flag & os.ST_RDONLY or not os.access(path, os.W_OK | os.X_OK):
            raise OSError(0, "read-only")
    except OSError:
        os.close(directory)
        raise
    return directory


def open_own_directory(name: str, parent: Optional[int]) -> int:
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        pass
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    directory = os.open(name, flags, dir_fd=parent)
    if os.fstat(directory).st_uid != os.geteuid():
        os.close(directory)
        raise OSError(0, "owned by another user")
    os.fchmod(directory, 0o700)  # whatever the umask was
    return directory


def file_system(descriptor: int) -> str:
    """The type of the file system an open file lies on, as mountinfo names it; "" where unknown."""
    device = os.fstat(descriptor).st_dev
    wanted = b"%d:%d" % (os.major(device), os.minor(device))
    try:
        with open("/proc/self/mountinfo", "rb") as lines:
            for line in lines:
                fields = line.split()
                if fields[2] == wanted:
                    return fields[fields.index(b"-") + 1].decode("ascii", "replace")
    except (OSError, ValueError, IndexError):
        pass
    return ""
