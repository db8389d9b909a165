"""The audit log: append-only, private, free of secrets, and no reason for anything else to fail."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.errors import Refused, RequestLost
from console.operations.acts import Acts
from console.operations.audit import AuditLog
from console.operations.guard import Guard
from console.operations.redaction import HIDDEN, redact, redact_argv

KEY = "PRIVATE " + "KEY"  # in two, so that no scan takes this file for a key
CANARIES = [
    ("--password=hunter2canary", "hunter2canary"),
    ("PGPASSWORD=hunter2canary", "hunter2canary"),
    ("MY_API_KEY: hunter2canary", "hunter2canary"),
    ("aws_secret_access_key = hunter2canary", "hunter2canary"),
    ("Authorization: Bearer hunter2canary", "hunter2canary"),
    ("token='hunter2 canary'", "hunter2 canary"),
    ("https://user:hunter2canary@host/x", "hunter2canary"),
    ("AKIA" + "IOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    ("ghp_" + "a1B2" * 9, "a1B2a1B2"),
    ("hf_" + "a1B2" * 9, "a1B2a1B2"),
    (f"-----BEGIN {KEY}-----\nhunter2canary\n-----END {KEY}-----", "canary"),
    (f"-----BEGIN RSA {KEY}-----\nhunter2canary", "canary"),
]  # fmt: skip


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def log(tmp_path: Path, complaints: list[str]) -> AuditLog:
    return AuditLog(tmp_path / "state" / "audit.jsonl", lambda: 1_790_000_000.5, complaints.append)


@pytest.fixture
def acts(log: AuditLog) -> Acts:
    return Acts({}, Guard(False), log)


@pytest.fixture
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_who_where_what_and_what_became_of_it(acts: Acts, log: AuditLog) -> None:
    with acts.recorded("gpu-1", "processes.signal", ["kill", "-TERM", "12"]) as act:
        act.result = "delivered"
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert [line["result"] for line in lines] == ["asked", "delivered"]
    assert lines[0].keys() == {"id", "time", "who", "node", "verb", "argv", "result", "schema"}
    assert lines[0]["time"] == "2026-09-21T14:13:20.500+00:00"
    (entry,) = log.tail()
    assert (entry.node, entry.verb, entry.argv) == (
        "gpu-1",
        "processes.signal",
        ("kill", "-TERM", "12"),
    )
    assert entry.result == "delivered"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refused("read-only"), "refused: read-only"),
        (RequestLost("the link ended"), "unknown: the link ended"),
        (ZeroDivisionError("secret words"), "failed: ZeroDivisionError"),
    ],
)
def test_an_action_that_fails_is_written_down_too(
    acts: Acts, log: AuditLog, error: Exception, said: str
) -> None:
    with pytest.raises(type(error)), acts.recorded("a", "verb", []):
        raise error
    assert log.tail()[0].result == said


def test_an_action_whose_end_is_not_known_stays_asked(log: AuditLog) -> None:
    log.asked("a", "nodes.uninstall", [])
    assert log.tail()[0].result == "asked"


def test_it_is_private_whatever_the_umask(log: AuditLog, careless_umask: None) -> None:
    log.asked("a", "v", [])
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


def test_it_is_only_ever_appended_to(log: AuditLog) -> None:
    log.path.parent.mkdir()
    old = b'{"of": "another version"}\nnot even JSON \xff\n{"id": 1}\n[]\n{"id": "torn", "ar'
    log.path.write_bytes(old)
    for number in range(300):
        log.asked("a", "v", [str(number)])
    assert log.path.read_bytes().startswith(old)
    newest = log.tail(200)
    assert [entry.argv[0] for entry in newest[:2]] == ["299", "298"]
    assert len(newest) == 200


def test_two_consoles_do_not_mix_their_lines(log: AuditLog, complaints: list[str]) -> None:
    other = AuditLog(log.path, lambda: 0.0, complaints.append)
    for number in range(50):
        log.asked("a", "v", ["x" * 500, str(number)])
        other.asked("b", "v", ["y" * 500, str(number)])
    assert len(log.tail(500)) == 100


@pytest.mark.parametrize(("text", "secret"), CANARIES)
def test_secrets_do_not_reach_it(acts: Acts, log: AuditLog, text: str, secret: str) -> None:
    with acts.recorded("a", "verb", [text, "--token", secret, "plain"]) as act:
        act.result = text
    with pytest.raises(Refused), acts.recorded("a", "verb", []):
        raise Refused(text)
    assert secret not in log.path.read_text()
    assert log.tail()[1].argv[-1] == "plain"


def test_what_is_no_secret_stays() -> None:
    for text in (
        "kill -TERM 12",
        "data/tokens/x.jsonl",
        "authentication: failed",
        "author: Ada",
        "https://host/x@y",
        "a=b",
    ):
        assert redact(text) == text
    assert redact_argv(["--token", "x", "y"]) == ["--token", HIDDEN, "y"]


def test_terminal_escapes_are_not_written_as_they_are(log: AuditLog) -> None:
    log.asked("a", "v", ["\x1b]52;c;aGk=\x07", "a\nb"])
    assert "\x1b" not in log.tail()[0].argv[0]
    assert len(log.path.read_text().splitlines()) == 1


def test_a_log_that_cannot_be_written_is_said_and_stops_nothing(
    log: AuditLog, acts: Acts, complaints: list[str]
) -> None:
    log.path.parent.write_text("a file where the folder should be")
    with acts.recorded("gpu-1", "nodes.trust", []):
        pass
    assert len(complaints) == 2
    assert "nodes.trust on gpu-1 is not recorded" in complaints[0]
    assert log.tail() == []


def test_it_does_not_follow_a_link(log: AuditLog, tmp_path: Path, complaints: list[str]) -> None:
    log.path.parent.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    log.path.symlink_to(victim)
    log.asked("a", "v", [])
    assert victim.read_text() == "mine"
    assert complaints
