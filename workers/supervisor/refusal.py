"""Why a command could not be executed, in words: what, where, and what to do."""

import errno
import json
import os
from typing import List, NamedTuple, Optional, Sequence, Tuple

# For want of room, not for a mistake: tried again.
TRANSIENT = frozenset(
    {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT}
)
_WISHES = ("nice", "affinity")


class Refusal(NamedTuple):
    """``stage``: fork, files, secret, gate, nice, affinity, directory, command."""

    stage: str
    errno: int
    path: str
    text: str

    @property
    def transient(self) -> bool:
        """True where there was no room to begin, so that the same may succeed later."""
        return self.stage in ("fork", "files") and self.errno in TRANSIENT


def of_error(stage: str, error: OSError) -> Refusal:
    """What the parent met before it could fork."""
    code = error.errno or 0
    path = str(error.filename or "")
    reason = error.strerror or str(error)
    what = _ROOM.get(code, "the start failed" + (f" at {path}" if path else ""))
    return Refusal(stage, code, path, f"{what} ({reason}); nothing was started")


def of_report(report: bytes, argv: Sequence[str]) -> Tuple[Optional[Refusal], List[str]]:
    """What the child said through its pipe: the refusal, if any, and warnings."""
    refusal, warnings = None, []
    for line in report.splitlines():
        try:
            body = json.loads(line)
            said = Refusal(body["stage"], body["errno"], body["path"], body["text"])
        except (ValueError, KeyError, TypeError):
            said = Refusal("start", 0, "", line.decode("ascii", "replace"))
        if said.stage in _WISHES:
            warnings.append(f"{said.stage} {said.path} was refused: {said.text}")
        else:
            refusal = said._replace(text=_words(said, argv))
    return refusal, warnings


def _words(said: Refusal, argv: Sequence[str]) -> str:
    if said.stage == "directory":
        return f"the directory {said.path}: {said.text}"
    if said.stage != "command":
        return f"{said.stage} {said.path}: {said.text}"
    if said.errno == errno.ENOENT:
        interpreter = _interpreter(said.path)
        if interpreter:
            return f"{said.path}: its interpreter {interpreter} does not exist"
        return f"{said.path}: no such program" + _where(said.path)
    if said.errno == errno.EACCES:
        return f"{said.path}: not executable (chmod +x, or name its interpreter)"
    if said.errno == errno.ENOEXEC:
        return f"{said.path}: not a program this machine can run (a script needs a #! line)"
    if said.errno == errno.E2BIG:
        size = sum(len(os.fsencode(word)) + 1 for word in argv)
        return f"{said.path}: arguments and environment are too large ({size} bytes of arguments)"
    return f"{said.path}: {said.text}"


def _where(path: str) -> str:
    return "" if "/" in path else " on the worker's PATH"


def _interpreter(path: str) -> str:
    """The interpreter named by the first line of a script that is there."""
    try:
        with open(path, "rb") as file:
            head = file.read(256)
    except OSError:
        return ""
    if not head.startswith(b"#!"):
        return "(the loader it was linked for)"
    words = head[2:].partition(b"\n")[0].split()
    return os.fsdecode(words[0]) if words else "(an empty #! line)"


_ROOM = {
    errno.EAGAIN: "no more processes are allowed here",
    errno.ENOMEM: "no memory for another process",
    errno.EMFILE: "the supervisor may not open more files",
    errno.ENFILE: "the machine has no more open files",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
}
