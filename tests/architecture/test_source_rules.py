"""Rules a linter has no word for: banned calls, secrets in the tree, and what a release must carry."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


BANNED = {
    r"known_hosts\s*=\s*None": "host keys are always checked",
    r"\bimport pickle\b|\bpickle\.loads?\(": "nothing is unpickled",
    r"shell\s*=\s*True": "argv lists end to end",
    r"yaml\.(load|unsafe_load|full_load)\(": "only our safe loader reads YAML",
    r"\bagent_forwarding\s*=\s*True": "agent forwarding is always off",
    r"from_ansi\(": "Text.from_ansi lets C1 and OSC 8 through",
    r"asyncssh\.scp\(|start_sftp_client": "no file of a node becomes one of ours",
    r"torch\.load\(|\bmarshal\.loads?\(|\bshelve\b": "nothing of a node is unpickled",
    r"\bos\.system\(|\bos\.popen\(|(?<![\w.])eval\(": "no text becomes a program",
    r"extractall\(|unpack_archive\(": "no archive is unpacked",
    r"PR_SET_PDEATHSIG": "it kills a child when a thread of its parent ends",
}


@pytest.mark.parametrize("pattern", BANNED, ids=list(BANNED.values()))
def test_banned(pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources("console", "workers")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(pattern, line.partition("  #")[0]) and not line.lstrip().startswith("#")
    ]
    assert not found, f"{BANNED[pattern]}: {found}"


def test_no_secret_is_tracked() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, timeout=30, check=False
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    # Put together here, so that this file does not find itself.
    secret = re.compile(
        rb"-----BEGIN [A-Z ]*PRIVATE" + rb" KEY-----\n[A-Za-z0-9+/=\n]{100}"
        rb"|AKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{36}\b"
    )
    names = [name for name in tracked.stdout.decode().split("\0") if name]
    holders = [
        name
        for name in names
        if (ROOT / name).is_file() and secret.search((ROOT / name).read_bytes())
    ]
    assert not holders


def test_the_lock_files_hold_hashes_for_everything() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        entries = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / name).read_text().strip())
        bare = [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]
        assert not bare, f"{name}: without a hash: {bare}"


def test_every_core_dependency_is_locked() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    block = project.split("\ndependencies = [", 1)[1].split("\n]", 1)[0]
    wanted = re.findall(r'^\s*"([A-Za-z0-9_.-]+)', block, re.MULTILINE)
    locked = re.findall(
        r"^([A-Za-z0-9_.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    )
    assert len(wanted) >= 8
    assert set(wanted) <= set(locked)
