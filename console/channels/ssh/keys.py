"""The keys to offer at a login: from files, from the agent; encrypted ones open when they are needed."""

from __future__ import annotations

import asyncio
import base64
import os
import stat
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncssh

from console.channels.ssh.endpoint import Identities
from console.channels.ssh.failures import problem
from console.channels.ssh.threads import Threads
from console.errors import LinkError
from console.fleet.model import Problem, ProblemKind

AGENT_TIMEOUT_S = 5.0
_LARGEST_KEY_FILE = 256 * 1024

Unlock = Callable[["LockedFile"], Awaitable[asyncssh.SSHKey]]  # raises ValueError


class UnusableKey(Exception):
    """A key file that cannot be used; the text says which and why."""


@dataclass(frozen=True)
class LockedFile:
    """An encrypted private key on disk."""

    path: Path
    signature: tuple[int, int, int]  # inode, mtime_ns, size
    data: bytes = field(repr=False)

    def open(self, passphrase: str) -> asyncssh.SSHKey:
        """Decrypts it; slow by design. Raises ValueError for a wrong passphrase."""
        return asyncssh.import_private_key(self.data, passphrase)


@dataclass
class Offer:
    """What will be offered, in order, and what could not be, in words."""

    pairs: list[asyncssh.SSHKeyPair] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class LockedKeyPair(asyncssh.SSHKeyPair):
    """A key whose public half is known; the passphrase is asked only once a server accepts the key."""

    _key_type = "local"

    def __init__(
        self,
        file: LockedFile,
        public: asyncssh.SSHKey,
        certificate: asyncssh.SSHCertificate | None,
        unlock: Unlock,
    ) -> None:
        algorithms: Sequence[bytes] = public.sig_algorithms
        super().__init__(
            public.algorithm, public.algorithm, algorithms, algorithms, public.public_data, None,
            certificate,
        )  # fmt: skip
        self.file = file
        self._unlock = unlock

    async def sign_async(self, data: bytes) -> bytes:
        """Signs; asyncssh goes on to the next key at ValueError."""
        key = await self._unlock(self.file)
        return key.sign(data, self.sig_algorithm)


async def gather(
    identities: Identities, stack: AsyncExitStack, threads: Threads, unlock: Unlock
) -> Offer:
    """The keys for one login. The agent's connection lives in `stack`.

    Raises LinkError when a file that a person named cannot be used.
    """
    offer = Offer()
    agent_keys = await _agent_keys(identities, stack, offer)
    held = {pair.key_public_data: pair for pair in agent_keys}
    for path in identities.files:
        try:
            found = await threads.run(partial(_load, path, identities, unlock))
        except (UnusableKey, OSError) as exc:
            words = str(exc) if isinstance(exc, UnusableKey) else f"{path}: {exc.strerror or exc}"
            if identities.explicit:
                raise LinkError(_unusable(words)) from exc
            offer.notes.append(words)
            continue
        # A key that the agent holds open needs no passphrase: take the agent's.
        offer.pairs += [_preferred(pair, held) for pair in found if _usable(pair, held)]
    if not identities.only:
        offer.pairs += [pair for pair in agent_keys if pair not in offer.pairs]
    return offer


def _unusable(words: str) -> Problem:
    return problem(
        ProblemKind.CONFIGURATION, f"key file {words}", "Correct `identity`; then retry."
    )


async def _agent_keys(
    identities: Identities, stack: AsyncExitStack, offer: Offer
) -> list[asyncssh.SSHKeyPair]:
    if identities.agent is None:
        return []
    try:
        return await asyncio.wait_for(_ask_agent(identities.agent, stack), AGENT_TIMEOUT_S)
    except asyncio.TimeoutError:
        reason = "does not answer"
    except (OSError, ValueError, asyncssh.Error) as exc:
        reason = f"cannot be used ({exc.strerror if isinstance(exc, OSError) else exc})"
    offer.notes.append(f"the ssh-agent at {identities.agent} ({identities.agent_origin}) {reason}")
    return []


async def _ask_agent(path: str, stack: AsyncExitStack) -> list[asyncssh.SSHKeyPair]:
    agent = await asyncssh.connect_agent(path)
    stack.callback(agent.close)
    return list(await agent.get_keys())


def _load(path: Path, identities: Identities, unlock: Unlock) -> list[asyncssh.SSHKeyPair]:
    """The pairs of one file: with its certificate, and plain. Raises UnusableKey, OSError."""
    data, status = _read_private(path)
    try:
        certificates = list(identities.certificates)
        return list(asyncssh.load_keypairs([path], None, [str(c) for c in certificates]))
    except asyncssh.KeyImportError as exc:
        if not str(exc).startswith("Passphrase"):
            return _public_only(path, data, exc)
    signature = (status.st_ino, status.st_mtime_ns, status.st_size)
    return _locked(LockedFile(path, signature, data), unlock)


def _read_private(path: Path) -> tuple[bytes, os.stat_result]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_KEY_FILE:
        raise UnusableKey(f"{path} is no key file")
    data = path.read_bytes()
    others = stat.S_IMODE(status.st_mode) & 0o077
    # OpenSSH's rule: what we own must not be open to others; what root lends us may be.
    if b"PRIVATE KEY" in data and status.st_uid == os.geteuid() and others:
        mode = stat.S_IMODE(status.st_mode)
        raise UnusableKey(f"{path} can be read by others (mode {mode:04o}); chmod 600 {path}")
    return data, status


def _public_only(path: Path, data: bytes, failure: Exception) -> list[asyncssh.SSHKeyPair]:
    """A public key names one that the agent holds."""
    try:
        public = asyncssh.import_public_key(data)
    except asyncssh.KeyImportError:
        raise UnusableKey(f"{path}: {failure}") from failure
    return [_Named(public)]


def _locked(file: LockedFile, unlock: Unlock) -> list[asyncssh.SSHKeyPair]:
    public = _public_half(file)
    if public is None:
        raise UnusableKey(f"{file.path} is encrypted and there is no {file.path}.pub beside it")
    pairs: list[asyncssh.SSHKeyPair] = []
    try:
        certificate = asyncssh.read_certificate(f"{file.path}-cert.pub")
        pairs.append(LockedKeyPair(file, public, certificate, unlock))
    except (OSError, ValueError):
        pass
    return [*pairs, LockedKeyPair(file, public, None, unlock)]


def _public_half(file: LockedFile) -> asyncssh.SSHKey | None:
    """From the .pub beside it, or from the head of an OpenSSH key, which is not encrypted."""
    try:
        return asyncssh.read_public_key(f"{file.path}.pub")
    except (OSError, ValueError):
        pass
    try:
        lines = file.data.decode("ascii").strip().splitlines()
        blob = base64.b64decode("".join(lines[1:-1]))
        offset = len(b"openssh-key-v1\0")
        for _ in range(3):  # cipher, key derivation, its options
            offset += 4 + struct.unpack_from(">I", blob, offset)[0]
        length = struct.unpack_from(">I", blob, offset + 4)[0]  # after the number of keys
        public = blob[offset + 8 : offset + 8 + length]
        name = public[4 : 4 + struct.unpack_from(">I", public)[0]].decode("ascii")
        return asyncssh.import_public_key(f"{name} {base64.b64encode(public).decode()}")
    except (ValueError, struct.error):
        return None


class _Named(asyncssh.SSHKeyPair):
    """A public key without its private half: stands for the agent's."""

    def __init__(self, public: asyncssh.SSHKey) -> None:
        algorithms: Sequence[bytes] = public.sig_algorithms
        super().__init__(
            public.algorithm, public.algorithm, algorithms, algorithms, public.public_data, None
        )


def _usable(pair: asyncssh.SSHKeyPair, held: dict[bytes, asyncssh.SSHKeyPair]) -> bool:
    return not isinstance(pair, _Named) or pair.key_public_data in held


def _preferred(
    pair: asyncssh.SSHKeyPair, held: dict[bytes, asyncssh.SSHKeyPair]
) -> asyncssh.SSHKeyPair:
    if isinstance(pair, (_Named, LockedKeyPair)) and not pair.has_cert:
        return held.get(pair.key_public_data, pair)
    return pair
