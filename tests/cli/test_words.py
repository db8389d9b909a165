"""A verb is a verb, a near miss is an error that names it, and everything else is a host."""

from __future__ import annotations

import pytest

from console.cli import words
from console.errors import UsageError


@pytest.mark.parametrize(
    ("argv", "place"),
    [
        ([], None),
        (["status"], 0),
        (["--config", "status", "data"], 2),
        (["--host", "status"], None),
        (["--demo", "nodes", "list"], 1),
        (["gpu-1", "user@c:2222", "10.0.0.1"], None),
        (["node1"], None),
        (["data.example"], None),
        (["pc"], None),
        (["--", "status"], None),
        (["status", "statsu"], 0),
    ],
)
def test_the_first_word_that_is_a_verb_is_a_verb(argv: list[str], place: int | None) -> None:
    assert words.verb_place(argv) == place


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("statsu", "status"), ("node", "nodes"),
        ("alters", "alerts"), ("dat", "data"), ("diagnos", "diagnose"), ("versoin", "version"),
        ("confg", "config"), ("STATU", "status"), ("worker", "workers"),
    ],
)  # fmt: skip
def test_a_near_miss_is_never_dialled(word: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean '{meant}'"):
        words.verb_place([word])


@pytest.mark.parametrize("word", words.KEPT)
def test_a_command_that_is_not_built_is_refused_and_not_dialled(word: str) -> None:
    with pytest.raises(UsageError, match="no command"):
        words.verb_place([word])


def test_a_verb_after_a_host_is_refused() -> None:
    with pytest.raises(UsageError, match="comes first"):
        words.verb_place(["gpu-1", "status"])
