"""SSH key pairs for tests, by ssh-keygen."""

from __future__ import annotations

import subprocess
from pathlib import Path


def generate_key(path: Path, passphrase: str = "", algorithm: str = "ed25519") -> Path:
    """A new key pair at `path` and `path`.pub, mode 0600."""
    argv = ["ssh-keygen", "-q", "-t", algorithm, "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return path


def fingerprint(key: Path) -> str:
    """SHA256:… of a key pair."""
    out = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], check=True, capture_output=True)
    return out.stdout.decode().split()[1]


def public_line(key: Path) -> str:
    """Algorithm and key, as known_hosts and authorized_keys have them."""
    return " ".join(Path(f"{key}.pub").read_text().split()[:2])
