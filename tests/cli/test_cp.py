"""`quarterdeck cp`: what is meant, the exact command, and real copies over a real sshd."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.errors import UsageError
from console.operations.copying import Place, argv, ends, place
from tests.cli.program import Program
from tests.sshd import Sshd

WAY = ("ssh", "-o", "BatchMode=yes", "-i", "/home/ada/my keys/id", "--", "10.0.0.3")


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("a", Place(None, "a")),
        ("./a:b", Place(None, "./a:b")),
        ("/x/a:b", Place(None, "/x/a:b")),
        ("gpu-1:data", Place("gpu-1", "data")),
        ("gpu-1:", Place("gpu-1", "")),
        ("root@c:/x y", Place("root@c", "/x y")),
        ("[::1]:x", Place("[::1]", "x")),
        ("gpu-1:a:b", Place("gpu-1", "a:b")),
    ],
)
def test_places(word: str, wanted: Place) -> None:
    assert place(word) == wanted


@pytest.mark.parametrize(
    "words", [["a"], ["a", "b"], ["g:a", "g:b"], ["g:a", "h:b", "c"], ["g:a", "b", "c"], ["", "g:a"], [":a", "b"], ["-o:a", "b"]]
)  # fmt: skip
def test_what_cannot_be_meant(words: list[str]) -> None:
    with pytest.raises(UsageError):
        ends(words)


def test_the_command() -> None:
    sources, destination, node = ends(["g:data", "g:/abs", "g:~/x", "out"])
    found = argv(sources, destination, WAY, "~/run")
    assert node == "g"
    assert found[found.index("--") + 1 :] == ("10.0.0.3:./run/data", "10.0.0.3:/abs", "10.0.0.3:./x", "./out")  # fmt: skip
    assert "--rsh=ssh -o BatchMode=yes -i '/home/ada/my keys/id'" in found
    assert not any(word.startswith(("--delete", "--remove")) for word in found)
    sources, destination, _ = ends(["-rf", "g:"])
    assert argv(sources, destination, ("ssh", "--", "::1"), "")[-2:] == ("./-rf", "[::1]:./")


@pytest.fixture
def node(sshd: Sshd, quarterdeck: Program) -> Program:
    known = quarterdeck.home / "known"
    known.write_text(sshd.known_hosts_line)
    quarterdeck.settings(
        f"ssh: {{known_hosts: [{known}]}}\n"
        f"nodes: [{{name: gpu-1, address: {sshd.host}, port: {sshd.port}, user: {sshd.user}, "
        f"identity: {sshd.key}, root: {sshd.home}/run}}]\n"
    )
    (sshd.home / "run").mkdir(exist_ok=True)
    return quarterdeck


def test_there_and_back(node: Program, sshd: Sshd, tmp_path: Path) -> None:
    tree = tmp_path / "my tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "größe $HOME; x.txt").write_text("text")
    (tree / "-rf").write_text("dash")
    (sshd.home / "run" / "stays").write_text("stays")
    done = node("cp", str(tree), "gpu-1:", "--json")
    assert done.code == 0, done.err
    assert (done.json["files"], done.json["bytes"]) == (2, 8)
    assert (sshd.home / "run" / "my tree" / "-rf").read_text() == "dash"
    assert (sshd.home / "run" / "stays").exists()
    done = node("cp", "gpu-1:my tree/", str(tmp_path / "back"))
    assert done.code == 0, done.err
    assert done.out.startswith("2 files, 8 B in ")
    assert (tmp_path / "back" / "sub" / "größe $HOME; x.txt").read_text() == "text"
    audit = (node.home / ".local/state/quarterdeck/audit.jsonl").read_text()
    assert '"nodes.copy"' in audit


def test_nothing_is_copied_where_it_is_only_asked(
    node: Program, sshd: Sshd, tmp_path: Path
) -> None:
    done = node("cp", "--dry-run", str(tmp_path), "gpu-1:x")
    assert (done.code, "rsync" in done.out, "--rsh=" in done.out) == (0, True, True)
    assert node("cp", "--read-only", str(tmp_path), "gpu-1:x").code == 4
    assert not (sshd.home / "run" / "x").exists()


def test_what_goes_wrong_is_said(node: Program, tmp_path: Path) -> None:
    done = node("cp", "gpu-1:no-such", str(tmp_path / "y"))
    assert (done.code, "some files were not copied" in done.err) == (1, True), done.err
    assert "no-such" in done.err
    assert node("cp", "a", "b").code == 2


@pytest.mark.long
def test_a_copy_that_was_cut_goes_on(node: Program, sshd: Sshd, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(64 << 20) * 6)
    argv = [sys.executable, "-m", "console", "cp", str(large), "gpu-1:"]
    partial = sshd.home / "run"
    child = subprocess.Popen(argv, env=node.environment, stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    deadline = time.monotonic() + 30
    while not any(p.stat().st_size > 1 << 20 for p in partial.glob(".large.*")):
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.005)
    os.killpg(child.pid, signal.SIGINT)
    assert child.wait(30) == 130
    assert not (partial / "large").exists()
    done = node("cp", str(large), "gpu-1:")
    assert done.code == 0, done.err
    assert (partial / "large").read_bytes() == large.read_bytes()
