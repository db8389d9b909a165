"""Hostile and odd YAML: nothing is made of it, in little time, with the line."""

from __future__ import annotations

import itertools
import string

import pytest

from console.errors import SettingsError
from console.settings import yaml_source
from console.settings.tree import plain
from console.settings.yaml_source import parse


def read(text: str) -> object:
    return plain(parse(text.encode(), "f"))


def bomb(levels: int) -> str:
    letters = string.ascii_lowercase
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for lower, upper in itertools.pairwise(letters[:levels]):
        lines.append(f"{upper}: &{upper} [{', '.join([f'*{lower}'] * 10)}]")
    return "\n".join(lines)


TAGS = [
    "!!python/object/apply:os.system ['true']",
    "!!python/name:os.system",
    "!!python/object/new:os.system [id]",
    "!!python/module:os",
    "!<tag:yaml.org,2002:python/object/apply:os.system> [id]",
    "!!binary aGVsbG8=",
    "!!set {a, b}",
    "!!timestamp 2001-01-01",
    "!!int '3'",
    "!local x",
    "!ENV $HOME",
    "!include /etc/passwd",
]


@pytest.mark.parametrize("tag", TAGS)
def test_no_tag_is_obeyed(tag: str) -> None:
    for text in (f"a: {tag}", f"a: [{tag}]", f"{tag}"):
        with pytest.raises(SettingsError, match=r"^f:1: "):
            read(text)


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    with pytest.raises(SettingsError, match="aliases"):
        read(bomb(9))


def test_a_chain_of_aliases_cannot_go_deeper_than_nesting_may() -> None:
    lines = ["a0: &a0 [[[[[x]]]]]"]
    lines += [f"a{i}: &a{i} [[[[[*a{i - 1}]]]]]" for i in range(1, 400)]
    with pytest.raises(SettingsError, match="nested deeper"):
        read("\n".join(lines))


def test_an_alias_in_itself_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^f:1: "):
        read("a: &a [*a]")


def test_aliases_are_good_for_small_things() -> None:
    assert read("a: &t [x, y]\nb: *t") == {"a": ["x", "y"], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "deeper"),
        ("a: " + "{a: " * 50 + "1" + "}" * 50, "deeper"),
        ("- " * 10_000 + "x", "deeper"),
        ("a: [" + "1," * 150_000 + "]", "more than 100000 values"),
        ("a: " + "x" * (yaml_source.MAX_BYTES + 1), "at most"),
        ("a: 1\na: 2", "f:2: a: is here twice; first on line 1"),
        ("a: {b: 1, b: 2}", "f:1: b: is here twice"),
        ("a: 1\n---\nb: 2", "f:2: a second document"),
        ("? [a, b]\n: 1", "plain text"),
        ("<<: {a: 1}", "merge keys"),
        ("a: *nowhere", "f:1: *nowhere has no anchor"),
        ("a:\n\t- b", "f:2: is not YAML"),
        ("a: 'x", "is not YAML"),
        ("a: \x01", "is not YAML"),
        ("%YAML 9.9\n---\na: 1", "is not YAML"),
    ],
    ids=lambda text: text[:12],
)
def test_what_is_too_much_or_not_yaml_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(text)
    assert said in str(caught.value)


def test_bytes_that_are_no_text_are_named_by_their_line() -> None:
    with pytest.raises(SettingsError, match=r"^f:2: is not UTF-8"):
        parse(b"a: 1\nb: \xff\n", "f")


def test_scalars_are_what_they_look_like() -> None:
    text = "a: no\nb: on\nc: 012\nd: 1e3\ne: ~\nf: '5'\ng: 2024-01-02\nh: 12:30\ni: 0x10\nj: true"
    assert read(text) == {
        "a": "no",
        "b": "on",
        "c": 12,
        "d": 1000.0,
        "e": None,
        "f": "5",
        "g": "2024-01-02",
        "h": "12:30",
        "i": "0x10",
        "j": True,
    }


def test_an_empty_file_says_nothing() -> None:
    assert read("") == {}
    assert read("# only words\n") == {}
    assert plain(parse(b"\xef\xbb\xbfa: 1\n", "f")) == {"a": 1}
