"""Which host keys are trusted, by the rules of OpenSSH's known_hosts, each with its file and line."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import asyncssh

from console.channels.ssh.endpoint import KnownHostsFiles

_KRL_MAGIC = b"SSHKRL\n\0"


class Standing(Enum):
    """What known_hosts says of a key."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Entry:
    """One line of a known_hosts file."""

    marker: str  # "", "cert-authority" or "revoked"
    hosts: str
    algorithm: str
    blob: bytes
    where: str  # path:line

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.blob)

    def names(self, name: str) -> bool:
        """True where the line is about `name` (lower case, `[host]:port` where the port is not 22)."""
        if self.hosts.startswith("|"):
            return _hash_matches(self.hosts, name)
        found = False
        for pattern in self.hosts.lower().split(","):
            if _pattern_matches(pattern.removeprefix("!"), name):
                if pattern.startswith("!"):
                    return False
                found = True
        return found


@dataclass(frozen=True)
class Verdict:
    """A standing and the lines it follows from."""

    standing: Standing
    entries: tuple[Entry, ...] = ()


class UnreadableRevocations(Exception):
    """A RevokedHostKeys file that cannot be read: nothing may be trusted then."""


@dataclass(frozen=True)
class KnownHosts:
    """The files that hold for one endpoint, our own among them."""

    files: tuple[Path, ...]
    revoked_files: tuple[Path, ...] = ()

    @classmethod
    def of(cls, files: KnownHostsFiles, own: Path) -> KnownHosts:
        """The files of an endpoint and our own."""
        return cls((*files.trusted, own), files.revoked)

    def about(self, name: str) -> tuple[Entry, ...]:
        """The lines about a name; those of the bare host too when the name has a port."""
        names = [name]
        if name.startswith("["):  # OpenSSH accepts a key that is listed without the port
            names.append(name[1:].rpartition("]:")[0])
        found = (
            entry for each in names for path in self.files for entry in lines_about(path, each)
        )
        return tuple(dict.fromkeys(found))

    def judge(self, name: str, blob: bytes) -> Verdict:
        """What is known of the key `blob` under `name`. Raises UnreadableRevocations."""
        revocation = self._revocation(blob)
        entries = self.about(name)
        revoked = [e for e in entries if e.marker == "revoked" and e.blob == blob]
        if revocation or revoked:
            return Verdict(Standing.REVOKED, (revocation,) if revocation else tuple(revoked))
        plain = [entry for entry in entries if not entry.marker]
        same = tuple(entry for entry in plain if entry.blob == blob)
        if same:
            return Verdict(Standing.TRUSTED, same)
        # A key that is listed for the bare host only says nothing about another port.
        own = tuple(entry for entry in plain if entry.names(name))
        return Verdict(Standing.CHANGED, own) if own else Verdict(Standing.UNKNOWN)

    def trusted_keys(self, name: str) -> tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey]]:
        """(host keys, certificate authorities) that are trusted under `name` and not revoked."""
        entries = self.about(name)
        revoked = {entry.blob for entry in entries if entry.marker == "revoked"}
        good = [e for e in entries if e.blob not in revoked and not self._revocation(e.blob)]
        hosts = [entry for entry in good if not entry.marker]
        authorities = [entry for entry in good if entry.marker == "cert-authority"]
        return _keys(hosts), _keys(authorities)

    def revoked_keys(self, name: str) -> list[asyncssh.SSHKey]:
        """The keys that must never be accepted under `name`."""
        listed = [entry for entry in self.about(name) if entry.marker == "revoked"]
        everywhere = [entry for path in self.revoked_files for entry in _revocations(path)]
        return _keys([*listed, *everywhere])

    def _revocation(self, blob: bytes) -> Entry | None:
        for path in self.revoked_files:
            for entry in _revocations(path):
                if entry.blob == blob:
                    return entry
        return None


def fingerprint(blob: bytes) -> str:
    """SHA256:… as ssh-keygen prints it."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def lines_about(path: Path, name: str) -> tuple[Entry, ...]:
    """The lines of a file about a name; a missing or unreadable file has none."""
    try:
        status = path.stat()
        return _about(path, status.st_ino, status.st_mtime_ns, status.st_size, name)
    except OSError:
        return ()


def parse_line(line: str, where: str) -> Entry | None:
    """One line, or None for a comment or what is no known_hosts line."""
    words = line.split()
    if not words or words[0].startswith("#"):
        return None
    marker = words.pop(0)[1:] if words[0].startswith("@") else ""
    if len(words) < 3 or marker not in ("", "cert-authority", "revoked"):
        return None
    blob = _decode(words[2])
    return Entry(marker, words[0], words[1], blob, where) if blob else None


@lru_cache(maxsize=4096)
def _about(path: Path, inode: int, mtime_ns: int, size: int, name: str) -> tuple[Entry, ...]:
    return tuple(entry for entry in _parsed(path, inode, mtime_ns, size) if entry.names(name))


@lru_cache(maxsize=64)
def _parsed(path: Path, inode: int, mtime_ns: int, size: int) -> tuple[Entry, ...]:
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = (parse_line(line, f"{path}:{n}") for n, line in enumerate(text.split("\n"), 1))
    return tuple(entry for entry in lines if entry is not None)


def _revocations(path: Path) -> Sequence[Entry]:
    try:
        status = path.stat()
        return _parsed_revocations(path, status.st_ino, status.st_mtime_ns, status.st_size)
    except OSError as exc:
        raise UnreadableRevocations(f"{path}: {exc.strerror or exc}") from exc


@lru_cache(maxsize=16)
def _parsed_revocations(path: Path, inode: int, mtime_ns: int, size: int) -> tuple[Entry, ...]:
    data = path.read_bytes()
    if data.startswith(_KRL_MAGIC):
        raise UnreadableRevocations(
            f"{path} is a binary revocation list; only a list of public keys can be followed"
        )
    found: list[Entry] = []
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        words = line.split()
        blob = next((blob for word in words if (blob := _decode(word))), b"")
        if blob and not line.lstrip().startswith("#"):
            found.append(Entry("revoked", "*", "", blob, f"{path}:{number}"))
    return tuple(found)


def _decode(text: str) -> bytes:
    """The blob of base64 text that starts as SSH keys do, or b""."""
    if not text.startswith("AAAA"):
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _keys(entries: Iterable[Entry]) -> list[asyncssh.SSHKey]:
    keys = []
    for entry in entries:
        try:
            text = f"{entry.algorithm} {base64.b64encode(entry.blob).decode()}".strip()
            keys.append(asyncssh.import_public_key(text))
        except (asyncssh.KeyImportError, ValueError):
            continue  # a kind of key that cannot be checked here cannot be trusted either
    return keys


def _pattern_matches(pattern: str, name: str) -> bool:
    # In known_hosts only * and ? are special; fnmatch would read [host]:port as a set.
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _hash_matches(hosts: str, name: str) -> bool:
    parts = hosts.split("|")
    if len(parts) != 4 or parts[1] != "1":
        return False
    try:
        salt, wanted = base64.b64decode(parts[2]), base64.b64decode(parts[3])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), wanted)
