"""The command line against a hostile account, and this machine's agent among hostile files and processes."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.program import Outcome, Program
from tests.security.conftest import HostileNode
from tests.security.hostile_agent import MARK, TEXTS

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
COMMANDS = (
    ("ps", "evil"),
    ("ps", "evil", "--json"),
    ("alerts",),
    ("diagnose", "evil"),
    ("nodes", "check", "evil"),
    ("nodes", "check", "closed"),
    ("nodes", "uninstall", "evil", "--yes"),  # refused: nobody knows where its data is
    ("nodes", "uninstall", "evil", "--yes", "--force"),
)
# File systems and argv hold any bytes but these; U+009B as UTF-8 and as a lone byte.
NAMES = [
    text.encode("utf-8", "surrogatepass").replace(b"/", b"\\").replace(b"\0", b"")[:200]
    for text in TEXTS
    if text
] + [b"\x9b5;31m" + MARK.encode(), b"\xff\xfe" + MARK.encode()]


def harmless(done: Outcome) -> None:
    found = FORBIDDEN.search(done.out + done.err)
    assert not found, ascii((done.out + done.err)[max(0, found.start() - 50) : found.end() + 50])


def test_what_a_hostile_node_says_is_printed_as_text(hostile_node: HostileNode) -> None:
    with ThreadPoolExecutor(3) as threads:
        results = list(threads.map(lambda argv: hostile_node.program(*argv), COMMANDS))
    for argv, done in zip(COMMANDS, results, strict=True):
        harmless(done)
        assert MARK in done.out + done.err, argv
        assert "Traceback" not in done.err, argv
        assert done.code in (0, 3, 4), (argv, done.err)
    uninstalled = results[-1].out.splitlines()
    assert all(line.startswith(("removed: ", "kept: ")) or "MiB" in line or "B" in line
               for line in uninstalled), "no text begins a line of its own"  # fmt: skip
    audit = (hostile_node.home / ".local/state/quarterdeck/audit.jsonl").read_bytes()
    assert audit.isascii()
    assert b"nodes.uninstall" in audit


@pytest.fixture
def hostile_processes() -> Iterator[list[int]]:
    """Sleeping processes with these names and arguments."""
    code = (
        "import ctypes,sys,time,os;"
        "ctypes.CDLL(None).prctl(15, os.fsencode(sys.argv[1])[:15], 0, 0, 0);"
        "print(flush=True);time.sleep(600)"
    )
    started = []
    for name in NAMES[:12]:
        argv = [os.fsencode(sys.executable), b"-c", code.encode(), name]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        started.append(process)
    yield [process.pid for process in started]
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "prctl"), reason="names are set with prctl")
def test_hostile_names_of_processes_are_listed_as_text(
    tmp_path: Path, hostile_processes: list[int]
) -> None:
    program = Program(tmp_path)
    done, listed = program("ps", "local"), program("ps", "local", "--json")
    harmless(done)
    harmless(listed)
    found = {process["pid"] for process in listed.json["processes"]}
    assert set(hostile_processes) <= found
    assert MARK in done.out


def test_hostile_names_of_files_and_paths_run_nothing_and_are_counted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in NAMES:
        (Path(os.fsdecode(os.fsencode(data) + b"/" + name))).write_text("{}\n{}\n")
    os.mkfifo(data / "fifo")
    (data / "outside").symlink_to("/etc/passwd")
    program = Program(tmp_path)
    program.settings(
        "datasets:\n"
        "  - {name: games, paths: ['data/*'], count: lines}\n"
        "  - {name: odd, paths: ['$(touch PWNED)', '`touch PWNED`', 'a;touch PWNED', '../../*/x',"
        " 'data/[', '**/**/**/nothing'], count: lines}\n"
    )
    done = program("data", "--json")
    harmless(done)
    games, odd = done.json["nodes"]
    assert games["records"] >= 2 * len(NAMES)
    assert odd["records"] in (0, None)
    harmless(program("data"))
    assert not list(tmp_path.rglob("PWNED"))


@pytest.mark.parametrize(
    "text", ["-oProxyCommand=touch PWNED", "$(touch PWNED)", "\x1b]52;c;aGk=\x07", "\x9b5m"]
)
def test_hostile_words_of_settings_and_command_line_are_refused(tmp_path: Path, text: str) -> None:
    program = Program(tmp_path)
    for argv in (("status", "--host", text), ("nodes", "add", text)):
        done = program(*argv) if not text.startswith("-") else program(*argv[:-1], "--", text)
        harmless(done)
        assert done.code == 2, (argv, done)
    quoted = "".join(f"\\x{ord(c):02x}" for c in text)
    for key in ("jump", quoted):
        program.settings(f'nodes:\n  - {{name: h1, "{key}": "{quoted}"}}\n')
        done = program("config", "check")
        harmless(done)
        assert done.code != 0, key
    assert not list(tmp_path.rglob("PWNED"))


@pytest.mark.parametrize("umask", [0, 0o002])
def test_a_careless_umask_opens_nothing_to_others(tmp_path: Path, umask: int) -> None:
    program = Program(tmp_path)
    before = os.umask(umask)
    try:
        assert program("nodes", "add", "u@127.0.0.1:1").code == 0
    finally:
        os.umask(before)
    assert program("nodes", "list").code == 0, "what was made is not refused"
    for path in tmp_path.rglob("*"):
        assert not path.stat().st_mode & 0o022, path
        assert "quarterdeck" not in str(path) or not path.stat().st_mode & 0o077, path
