"""The algorithms we offer: nothing with SHA-1, MD5, CBC or DSA unless a person asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_certificate_algs, get_public_key_algs

from console.channels.ssh.endpoint import Algorithms

_WEAK = (
    "sha1",
    "md5",
    "-cbc",
    "arcfour",
    "umac-64",
    "ssh-dss",
    "@ssh.com",
    "-96",
    "rsa2048",
    "gss-",
)
_WEAK_SIGNATURES = ("ssh-rsa", "ssh-rsa-cert-v01@openssh.com")  # they mean RSA with SHA-1
_LEGACY = {
    "kex": ("diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1"),
    "ciphers": ("aes256-cbc", "aes128-cbc"),
    "macs": ("hmac-sha1",),
    "host_key": ("ssh-rsa",),
}


def offered(wanted: Algorithms, legacy: bool) -> dict[str, list[str]]:
    """asyncssh's `kex_algs`, `encryption_algs`, `mac_algs` and `signature_algs`.

    AES-GCM comes first: it is not touched by prefix truncation even where strict key exchange is missing.
    """
    ciphers = sorted(_names(get_encryption_algs()), key=lambda name: "gcm" not in name)
    chosen = {
        "kex_algs": _choose("kex", wanted.kex, _names(get_kex_algs()), legacy),
        "encryption_algs": _choose("ciphers", wanted.ciphers, ciphers, legacy),
        "mac_algs": _choose("macs", wanted.macs, _names(get_mac_algs()), legacy),
    }
    signatures = host_key_algorithms(wanted, legacy)
    return {**chosen, "signature_algs": [name for name in signatures if "-cert-" not in name]}


def host_key_algorithms(wanted: Algorithms, legacy: bool) -> list[str]:
    """The host key algorithms we accept, certificates among them."""
    possible = _names([*get_public_key_algs(), *get_certificate_algs()])
    return _choose("host_key", wanted.host_key, possible, legacy)


def _names(algorithms: Sequence[bytes]) -> list[str]:
    return list(dict.fromkeys(name.decode("ascii") for name in algorithms))


def _choose(kind: str, wanted: str | None, possible: list[str], legacy: bool) -> list[str]:
    """OpenSSH's rules: `+` adds, `-` takes away, `^` puts first, a plain list replaces."""
    ours = [name for name in possible if not _weak(name)]
    if legacy:
        ours += [name for name in possible if name in _LEGACY[kind] and name not in ours]
    if not wanted:
        return ours
    sign, patterns = (wanted[0], wanted[1:]) if wanted[0] in "+-^" else ("", wanted)
    named = [
        name
        for pattern in patterns.split(",")
        for name in possible
        if fnmatchcase(name, pattern.strip())
    ]
    if sign == "+":
        chosen = [*ours, *named]
    elif sign == "-":
        chosen = [name for name in ours if name not in named]
    else:
        chosen = [*named, *ours] if sign == "^" else named
    if not chosen:
        raise ValueError(f"none of {wanted} is known here")
    return list(dict.fromkeys(chosen))


def _weak(name: str) -> bool:
    return name in _WEAK_SIGNATURES or any(part in name for part in _WEAK)
