"""The exact argument lists of rsync. Pure.

Source: rsync(1). Names of files never stand in them: they go as a NUL-separated list (`--files-from`,
`--from0`), so that no name is an option, a pattern or a word of a shell. Nothing is ever deleted.
"""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from workers.harness import Misconfigured
from workers.jobs.document import Host
from workers.jobs.sync.version import Version

PARTIAL = ".rsync-partial"
SILENCE_S = 120
_NEVER_SENT = ("--safe-links", "--no-devices", "--no-specials")
_REPORT = ("--no-human-readable", "--info=progress2")


class Leg(NamedTuple):
    """One rsync: from a folder of the source into a folder of the destination, both absolute."""

    source: str
    destination: str
    names: tuple[str, ...]  # relative to both
    size: int  # bytes
    basis: tuple[str, ...] = ()  # folders at the destination with earlier versions, for the delta
    private: bool = True  # arrives 0600 in 0700, as all in staging
    newer_stays: bool = False  # what is newer at the destination stays, whatever the plan says

    @property
    def file_list(self) -> bytes:
        return b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in self.names)


def pull(leg: Leg, source: Host, version: Version, bandwidth_kib_s: int = 0) -> tuple[str, ...]:
    """On the machine that takes the files; the list comes on standard input."""
    words = [*common(leg, bandwidth_kib_s), "--files-from=-", version.secluded]
    if source.ssh is None:
        return (*words, "--", folder(leg.source), folder(leg.destination))
    shell, target = remote(source)
    return (
        *words,
        f"--rsh={shell}",
        "--",
        f"{target}:{folder(leg.source)}",
        folder(leg.destination),
    )


def push(
    leg: Leg, destination: Host, version: Version, bandwidth_kib_s: int = 0
) -> tuple[str, ...]:
    """On the machine that has the files; the list comes on standard input."""
    shell, target = remote(destination)
    words = [*common(leg, bandwidth_kib_s), "--files-from=-", version.secluded, f"--rsh={shell}"]
    return (*words, "--", folder(leg.source), f"{target}:{folder(leg.destination)}")


def remote(host: Host) -> tuple[str, str]:
    """What rsync takes for `--rsh`, and its word for the machine. Raises Misconfigured."""
    argv = list(host.ssh or ())
    target = argv.pop() if argv else ""
    if argv and argv[-1] == "--":
        argv.pop()
    if (
        not argv
        or not target
        or target.startswith("-")
        or "/" in target
        or not target.isprintable()
        or " " in target
    ):
        raise Misconfigured(
            f"hosts.{host.name}.ssh: its last word, {target!r}, is no place for rsync to go to"
        )
    return " ".join(map(quoted, argv)), _bracketed(target)


def common(leg: Leg, bandwidth_kib_s: int) -> list[str]:
    words = [
        "rsync",
        "--times",
        *_NEVER_SENT,
        "--no-implied-dirs",
        "--from0",
        f"--partial-dir={PARTIAL}",
    ]
    words += ["--perms", "--chmod=D700,F600"] if leg.private else ["--executability"]
    words += ["--update"] if leg.newer_stays else []
    words += [f"--copy-dest={folder(each)}" for each in leg.basis]
    words += [f"--bwlimit={bandwidth_kib_s}"] if bandwidth_kib_s else []
    return [*words, f"--timeout={SILENCE_S}", *_REPORT]


def folder(path: str) -> str:
    return path.rstrip("/") + "/"


def quoted(word: str) -> str:
    """One word for rsync's own splitting of `--rsh`: quotes are doubled inside of quotes, nothing is escaped."""
    if word and all(c.isalnum() or c in "-_./=:@%+,~" for c in word):
        return word
    return "'" + word.replace("'", "''") + "'"


def _bracketed(target: str) -> str:
    user, at, host = target.rpartition("@")
    return f"{user}{at}[{host}]" if ":" in host and not host.startswith("[") else target


def over(host: Host, argv: Sequence[str]) -> tuple[str, ...]:
    """``argv`` on a machine: as it is here, quoted for the login shell there."""
    if host.ssh is None:
        return tuple(argv)
    return (*host.ssh, "exec " + shlex.join(argv))
