"""The host key policy of one login: what asyncssh is told, and what a refusal means in words."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import asyncssh

from console.channels.ssh.algorithms import host_key_algorithms
from console.channels.ssh.endpoint import Endpoint
from console.channels.ssh.failures import problem
from console.channels.ssh.known_hosts import (
    Entry,
    KnownHosts,
    Standing,
    UnreadableRevocations,
    fingerprint,
)
from console.fleet.model import HostKey, Problem, ProblemKind

Matched = tuple[Sequence[asyncssh.SSHKey], ...]


class HostKeyPolicy:
    """Decides about the keys a server shows under one name. Always given to asyncssh, never None."""

    def __init__(
        self,
        endpoint: Endpoint,
        known: KnownHosts,
        legacy: bool,
        accept_new: Callable[[HostKey], None] | None,
    ) -> None:
        self.name = endpoint.known_name
        self.problem: Problem | None = None
        self._place = endpoint.words
        self._known = known
        self._accept_new = accept_new  # writes an unknown key; None: a person must trust it
        self._offered = host_key_algorithms(endpoint.algorithms, legacy)
        try:
            self._keys, self._authorities = known.trusted_keys(self.name)
            self._revoked = known.revoked_keys(self.name)
        except UnreadableRevocations as exc:
            self._keys, self._authorities, self._revoked = [], [], []
            self._refuse_unreadable(exc)

    @property
    def trusts_by_key(self) -> bool:
        """True where a host key itself is on file, not only an authority's."""
        return bool(self._keys)

    def algorithms(self) -> list[str]:
        """What we let the server choose from: the kinds of key we know it by first."""
        known = [name.decode() for key in self._keys for name in key.sig_algorithms]
        certificates = [name for name in self._offered if "-cert-" in name]
        plain = [name for name in self._offered if "-cert-" not in name]
        first = [name for name in plain if name in known]
        rest = [name for name in plain if name not in first]
        # Without an authority on file a certificate could not be checked: the plain key is asked for.
        return [*(certificates if self._authorities else ()), *first, *rest]

    def match(self, _host: str, _address: str, _port: int | None) -> Matched:
        """asyncssh's `known_hosts`: (keys, authorities, revoked keys, and no X.509)."""
        # A plain revoked key is left to `accepts`, which knows file and line; with a certificate
        # asyncssh alone sees the key inside.
        revoked = self._revoked if self._authorities else []
        return (self._keys, self._authorities, revoked, [], [], [], [])

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """About a key that is not on the list of trusted ones; the refusal is kept in `problem`."""
        if self.problem is not None:
            return False
        try:
            verdict = self._known.judge(self.name, key.public_data)
        except UnreadableRevocations as exc:
            return self._refuse_unreadable(exc)
        host_key = self._host_key(key, verdict.entries)
        if verdict.standing is Standing.TRUSTED:
            return True
        if verdict.standing is Standing.UNKNOWN and self._accept_new is not None:
            self._accept_new(host_key)
            return True
        self.problem = _refusal(self._place, host_key, verdict.standing)
        return False

    def accepts_authority(self, key: asyncssh.SSHKey) -> bool:
        """About the signer of a host certificate that is not on file: never."""
        if self.problem is None:
            self.problem = problem(
                ProblemKind.HOST_KEY_CHANGED,
                f"{self._place}: its host certificate is signed by {fingerprint(key.public_data)}, "
                "which is no @cert-authority on file for it",
                "Compare with those who run the authority before you add it to known_hosts.",
            )
        return False

    def explain(self, exc: asyncssh.HostKeyNotVerifiable) -> Problem:
        """Why the key was refused."""
        if self.problem is not None:
            return self.problem
        kind = ProblemKind.HOST_KEY_CHANGED
        if "revoked" in exc.reason:
            kind = ProblemKind.HOST_KEY_REVOKED
        return problem(kind, f"{self._place}: {exc.reason}", "Ask those who run this machine.")

    def _refuse_unreadable(self, exc: UnreadableRevocations) -> bool:
        self.problem = problem(
            ProblemKind.CONFIGURATION,
            f"{self._place}: RevokedHostKeys cannot be checked: {exc}",
            "Correct RevokedHostKeys in ~/.ssh/config; no key is trusted until then.",
        )
        return False

    def _host_key(self, key: asyncssh.SSHKey, entries: tuple[Entry, ...]) -> HostKey:
        return HostKey(
            name=self.name,
            algorithm=key.algorithm.decode("ascii"),
            fingerprint=fingerprint(key.public_data),
            line=known_hosts_line(self.name, key),
            known_fingerprints=tuple(dict.fromkeys(entry.fingerprint for entry in entries)),
            known_at=tuple(entry.where for entry in entries),
        )


def known_hosts_line(name: str, key: asyncssh.SSHKey) -> str:
    """The line, without a newline, that lists `key` under `name`."""
    return f"{name} {key.algorithm.decode('ascii')} {base64.b64encode(key.public_data).decode()}"


def _refusal(place: str, key: HostKey, standing: Standing) -> Problem:
    where = ", ".join(key.known_at)
    if standing is Standing.UNKNOWN:
        return problem(
            ProblemKind.HOST_KEY_UNKNOWN,
            f"{place}: host key unknown: {key.algorithm} {key.fingerprint}",
            "Compare the fingerprint with the machine's own, then trust it.",
            key,
        )
    if standing is Standing.REVOKED:
        return problem(
            ProblemKind.HOST_KEY_REVOKED,
            f"{place}: host key {key.fingerprint} is revoked ({where})",
            "The machine must get a new host key; do not connect to it.",
            key,
        )
    known = ", ".join(key.known_fingerprints)
    return problem(
        ProblemKind.HOST_KEY_CHANGED,
        f"{place}: HOST KEY CHANGED: it shows {key.algorithm} {key.fingerprint}, on file is {known} ({where})",
        f"Somebody may be in between. If the machine was set up anew: {_removal(key)}",
        key,
    )


def _removal(key: HostKey) -> str:
    files = dict.fromkeys(where.rpartition(":")[0] for where in key.known_at)
    return " && ".join(f"ssh-keygen -R '{key.name}' -f {path}" for path in files)
