"""Names of nodes' files, hostile and plain."""

from __future__ import annotations

import pytest

from workers.ledger.names import UnsafeName, check_path, place_of, shown

HOSTILE = [
    "", "/", "..", ".", "a/..", "../a", "a/../b", "a//b", "a/", "./a", "/../a", "//a", "a\x00b", "a\nb",
    "a\x1b[2Jb", "a\x7fb", "a\x9bb", "a\ud8ffb", "x" * 256, "ü" * 128, "a/" * 2000 + "b",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_paths_are_refused_by_name(path: str) -> None:
    with pytest.raises(UnsafeName, match="refused") as caught:
        check_path(path)
    assert str(caught.value).isprintable()
    with pytest.raises(UnsafeName):
        place_of("games", "gpu-1", path)


@pytest.mark.parametrize(
    "path", ["a", "/a", "a/b.jsonl", "-rf", "a b", "ü/“x”", "...", ".hidden", "a\\b", "$(id)", "%s"]
)
def test_odd_paths_are_names_like_any_other(path: str) -> None:
    assert check_path(path) == path
    assert place_of("games", "gpu-1", path).startswith("games/gpu-1/")


def test_outside_of_the_root_has_a_place_of_its_own() -> None:
    assert place_of("g", "n", "/mnt/x") == "g/n/_root/mnt/x"
    assert place_of("g", "n", "mnt/x") == "g/n/mnt/x"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", ".quarterdeck", "-n", "a\nb", "ü", "x" * 129]
)
def test_a_node_or_dataset_is_one_folder(name: str) -> None:
    with pytest.raises(UnsafeName):
        place_of(name, "n", "a")
    with pytest.raises(UnsafeName):
        place_of("g", name, "a")


def test_no_node_is_the_consolidated_store() -> None:
    with pytest.raises(UnsafeName, match="consolidated store"):
        place_of("g", "consolidated", "a")


def test_a_name_for_a_message_is_harmless_and_short() -> None:
    assert shown("a\x1b[2J\u202e") == "'a\\x1b[2J\\u202e'"
    assert len(shown("x" * 10_000)) < 250
