"""Colours and nothing else: what a log says is painted, never obeyed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.fleet.logs.look import PLAIN, RGB, Look, Span, after, read, turned
from tests.ui.corpus import CORPUS, MARK


@pytest.mark.parametrize(
    ("parameters", "look"),
    [
        ("31", Look(ink=1)),
        ("1;4;97;44", Look(ink=15, paper=4, bold=True, underline=True)),
        ("38;5;208", Look(ink=208)),
        ("48;2;1;2;3", Look(paper=RGB | 0x010203)),
        ("38:2::255:0:128", Look(ink=RGB | 0xFF0080)),
        ("7;2", Look(reverse=True, dim=True)),
        ("4:3", Look(underline=True)),
        ("", PLAIN),
        ("38;5", PLAIN),
        ("38;2;999;0;0", PLAIN),
        ("5;8;9;53", PLAIN),
    ],
)
def test_colours_of_every_form_are_known_and_the_rest_is_void(parameters: str, look: Look) -> None:
    assert turned(PLAIN, parameters) == look


def test_a_coloured_line_is_text_with_spans() -> None:
    shown = read(b"\x1b[32mok\x1b[0m and \x1b[1;31mbad\x1b[m")
    assert shown.text == "ok and bad"
    assert shown.spans == (Span(0, 2, Look(ink=2)), Span(7, 10, Look(ink=1, bold=True)))


def test_a_colour_goes_on_in_the_next_line_until_it_is_switched_off() -> None:
    red = after(b"\x1b[31mTraceback", None)
    assert red == Look(ink=1)
    assert read(b"  File", red).spans == (Span(0, 6, Look(ink=1)),)
    assert after(b"  File", red) == red
    assert after(b"ValueError\x1b[0m", red) is None


@pytest.mark.parametrize("word", CORPUS.values(), ids=list(CORPUS))
def test_hostile_bytes_become_visible_text(word: str) -> None:
    text = read(word.replace("\n", " ").encode("utf-8", "surrogatepass")).text
    assert text.replace("\u200d", "").isprintable(), ascii(text)
    assert (MARK in text) == (MARK in word)


@given(st.binary(max_size=300))
def test_no_bytes_at_all_come_out_as_anything_but_text(data: bytes) -> None:
    shown = read(data.replace(b"\n", b""))
    for character in shown.text:
        assert ord(character) >= 0x20, ascii(shown.text)
        assert not 0x7F <= ord(character) < 0xA0, ascii(shown.text)
    assert all(0 <= span.start < span.end <= len(shown.text) for span in shown.spans)


def test_bad_bytes_nul_and_other_escapes_are_seen_as_what_they_are() -> None:
    assert read(b"a\xffb\x00c\x1b[2Kd\x1b]0;x\x07").text == "a\ufffdb␀c␛[2Kd␛]0;x␇"


def test_tabs_stop_every_eight_columns_across_colours() -> None:
    assert read(b"ab\tc\x1b[31m\td").text == "ab      c       d"


def test_a_cut_line_says_how_much_is_missing_and_breaks_no_character() -> None:
    text = read("界".encode()[:2], cut=2_900_000).text
    assert text == " … [cut here: 2.9 MB more in the log]"
