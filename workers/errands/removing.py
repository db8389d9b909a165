"""Removes a file only if it is, to the last byte, the one that was listed and lies elsewhere by now.

The file is opened without following a link, compared, hashed, taken out of its name, and looked at again
under the name it was moved to: what somebody put there meanwhile goes back untouched. A lease (Linux) tells
whether anybody has it open for writing, and keeps writers waiting for the moment that is left.
"""

import errno
import fcntl
import os
import secrets
from typing import Any, Dict, List, Tuple

from workers.errands.below import folder_of, open_file, real_root
from workers.errands.faults import ErrandFailed
from workers.errands.hashing import digest
from workers.errands.translate import of_os
from workers.errands.work import Work

Row = Tuple[str, bool, int, str, str]  # path, removed, bytes, code, reason
_CHANGED = "it is not the file that was listed; it stays"


def remove_files(asked: Dict[str, Any], work: Work) -> List[Row]:
    """One row for each of the files, in order."""
    root = real_root(asked["root"])
    work.total_bytes = sum(each[1] for each in asked["files"])
    return [_one(root, each, work) for each in asked["files"]]


def _one(root: str, wanted: Tuple[str, int, int, str], work: Work) -> Row:
    path, size, mtime_ns, hash_ = wanted
    try:
        with folder_of(root, path) as (folder, name):
            file, status = open_file(folder, name)
            try:
                _compare(status, size, mtime_ns)
                _lease(file)
                if digest(file, size, work) != hash_:
                    raise ErrandFailed(
                        "changed", "its bytes are not those that lie elsewhere; it stays"
                    )
                _unlink(folder, name, file, status)
            finally:
                os.close(file)  # and its lease
    except (ErrandFailed, OSError) as error:
        fault = of_os(error, path)
        return path, False, 0, fault.code, fault.text
    return path, True, size if status.st_nlink == 1 else 0, "", ""


def _compare(status: os.stat_result, size: int, mtime_ns: int) -> None:
    if (status.st_size, status.st_mtime_ns) != (size, mtime_ns):
        raise ErrandFailed("changed", _CHANGED)


def _lease(file: int) -> None:
    """Raises ErrandFailed "busy" where somebody has it open for writing; nothing where nobody can tell."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            text = "somebody has it open for writing; it stays"
            raise ErrandFailed("busy", text) from None


def _unlink(folder: int, name: str, file: int, before: os.stat_result) -> None:
    aside = f"{name}.removing-{secrets.token_hex(4)}"  # to be found if we are killed here
    os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
    taken = os.stat(aside, dir_fd=folder, follow_symlinks=False)
    now = os.fstat(file)
    same = os.path.samestat(taken, before) and _mark(now) == _mark(before)
    if same:
        os.unlink(aside, dir_fd=folder)
        os.fsync(folder)
        return
    _give_back(folder, name, aside)
    raise ErrandFailed("changed", _CHANGED)


def _mark(status: os.stat_result) -> Tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _give_back(folder: int, name: str, aside: str) -> None:
    """Under its name again, unless somebody has written another one there: then both stay."""
    try:
        os.link(aside, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        kept = f"{name}.kept-{secrets.token_hex(4)}"
        os.rename(aside, kept, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:  # a directory, or a file system without hard links
        os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(aside, dir_fd=folder)
