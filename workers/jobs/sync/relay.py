"""From one node to another where neither reaches the other: our two connections carry rsync's own talk.

On the destination runs an rsync whose "remote shell" is the connection we came by; on the source the sending
half. The kernel's pipes between our two `ssh` take the bytes across: none is read here, none comes to a disk
here, and no key leaves. What the far rsync asks to be run is read for its capabilities and thrown away: only
the command composed here runs, over the list of files composed here.
"""

import os
import select
import subprocess
import time
from typing import NamedTuple

from workers.errands.client import Errand
from workers.harness import WorkerError
from workers.jobs.document import Host
from workers.jobs.errors import NotReached, Passing
from workers.jobs.reach import asked
from workers.jobs.sync.arguments import SILENCE_S, Leg, common, folder, over, quoted
from workers.jobs.sync.process import Check, Ended, OnProgress, end, start, watch

MARK = "quarterdeck-relay"
LETTERS = "iLsfxCIvu"
"""Capabilities a client may tell of; they say how bytes are put, never which files."""

_BRIDGE = f'echo "{MARK} $*" >&9; exec 7<&0; cat <&7 >&9 & exec cat <&8'
_RECEIVER = 'LC_ALL=C exec "$@" 8<&0 9>&1 >&2 </dev/null'
_SENDER = 'list=$1; trap "rm -f -- \\"\\$list\\"" EXIT; shift; "$@"'
_MOST_NOISE = 64 * 1024
_PATIENCE_S = 60.0
_SSH_FAILED, _MISSING = 255, (126, 127)


class Ends(NamedTuple):
    """The two machines, and the errand that is open on the source."""

    source: Host
    destination: Host
    errand: Errand
    list_path: str  # where the list of files is put on the source


def receiver(leg: Leg, bandwidth_kib_s: int = 0) -> tuple[str, ...]:
    """The command for the destination; its progress comes on standard error."""
    words = [*common(leg, bandwidth_kib_s), "--files-from=:/", "--no-s"]
    words += ["--blocking-io", "--rsh=sh -c " + quoted(_BRIDGE)]
    words += ["--", f"relay:{folder(leg.source)}", folder(leg.destination)]
    return ("sh", "-c", _RECEIVER, "sh", *words)


def sender(leg: Leg, list_path: str, letters: str, bandwidth_kib_s: int = 0) -> tuple[str, ...]:
    """The command for the source: its list is removed when it ends. Raises ValueError for odd letters."""
    if set(letters) - set(LETTERS):
        raise ValueError(f"capabilities {letters!r}")
    words = ["rsync", "--server", "--sender", f"-tpRe.{letters}", f"--timeout={SILENCE_S}"]
    words += ["--safe-links", *([f"--bwlimit={bandwidth_kib_s}"] if bandwidth_kib_s else [])]
    words += ["--from0", f"--files-from={list_path}", "--no-implied-dirs", ".", folder(leg.source)]
    return ("sh", "-c", _SENDER, "sh", list_path, *words)


def letters_of(wanted: str) -> str:
    """The capabilities in what a client asked for. Raises ValueError where it is no request of rsync."""
    for word in wanted.split()[:8]:
        flags, dot, letters = word.partition("e.")
        if flags[:1] == "-" != flags[1:2] and dot and not set(letters) - set(LETTERS):
            return letters
    raise ValueError("it is no request of rsync")


def relay(
    leg: Leg, ends: Ends, bandwidth_kib_s: int, on_progress: OnProgress, check: Check
) -> tuple[Ended, Host]:
    """Runs both to their end; also whose end it was. Raises WorkerError, and whatever ``check`` raises."""
    with asked():
        ends.errand.put(ends.list_path, leg.file_list)
    inward, outward = os.pipe()
    try:
        taking = start(over(ends.destination, receiver(leg, bandwidth_kib_s)), inward)
    finally:
        os.close(inward)
    try:
        giving = _sender(taking, leg, ends, bandwidth_kib_s, outward, check)
    except BaseException:
        end([taking])
        raise
    finally:
        os.close(outward)
    assert taking.stdout is not None
    assert taking.stderr is not None
    assert giving.stderr is not None
    taking.stdout.close()
    ended = watch([taking, giving], [taking.stderr, giving.stderr], on_progress, check)
    if giving.returncode == _SSH_FAILED or giving.returncode in _MISSING:
        return ended._replace(code=giving.returncode), ends.source
    return ended, ends.destination


def _sender(
    taking: "subprocess.Popen[bytes]",
    leg: Leg,
    ends: Ends,
    bandwidth_kib_s: int,
    outward: int,
    check: Check,
) -> "subprocess.Popen[bytes]":
    """Starts it once the destination has said what it understands."""
    assert taking.stdout is not None
    wanted = _request(taking, ends.destination, check)
    try:
        letters = letters_of(wanted)
    except ValueError as error:
        raise WorkerError(f"{ends.destination.name} asked for {wanted[:200]!r}: {error}") from None
    argv = over(ends.source, sender(leg, ends.list_path, letters, bandwidth_kib_s))
    return start(argv, taking.stdout, outward)


def _request(taking: "subprocess.Popen[bytes]", host: Host, check: Check) -> str:
    """What the far rsync would run; lines of a login shell before it are skipped. Not a byte more is read."""
    assert taking.stdout is not None
    file, line, seen = taking.stdout.fileno(), b"", 0
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and seen < _MOST_NOISE:
        check()
        if not select.select([file], [], [], 0.1)[0]:
            continue
        piece = os.read(file, 1)
        if not piece:
            raise _no_request(taking, host)
        seen, line = seen + 1, line + piece
        if piece == b"\n":
            text = line.decode(errors="replace").strip()
            if text.startswith(MARK):
                return text.removeprefix(MARK).strip()
            line = b""
    raise Passing(f"rsync on {host.name} did not begin in {_PATIENCE_S:g} s")


def _no_request(taking: "subprocess.Popen[bytes]", host: Host) -> WorkerError:
    assert taking.stderr is not None
    said = taking.stderr.read(4096).decode(errors="replace").strip() or "it said nothing"
    code = taking.wait()
    kind = NotReached if code == _SSH_FAILED else WorkerError
    return kind(f"rsync on {host.name} did not begin (code {code}): {said}")
