"""Floods and hostile bytes: the screen stays a screen."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.security.test_terminal import strange
from tests.terminal import Terminal
from tests.ui.corpus import CORPUS, MARK
from tests.ui.fleets import CLOCK
from tests.ui.screens import settled, shows, text
from tests.ui.test_hostile_text import only_text
from tests.ui_logs.feeds import MemoryFeed
from tests.ui_logs.worlds import opened

ONE = (("gpu-1", "selfplay-0"),)


def corpus_bytes() -> bytes:
    lines = [f"{kind}: {word}".encode("utf-8", "surrogatepass") for kind, word in CORPUS.items()]
    lines += [f"ERROR {word}".encode("utf-8", "surrogatepass") for word in CORPUS.values()]
    lines += [
        b"\x1b[38;2;1;2;3m" + bytes(range(256)),
        b"\x1b[31;5;8;53m" * 2000 + b"many",
        b"\xe7\x95",
    ]
    lines += [b"\x1b[99999999999999999999m x \x1b[38;5;999m y \x1b[" + b"1;" * 5000 + b"m z"]
    return b"\n".join(lines) + b"\n"


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_bytes_are_shown_as_text_everywhere(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    feed = MemoryFeed()
    feed.log("gpu-1", "run-selfplay-0").write(corpus_bytes(), CLOCK)
    async with opened(ONE, feed, tmp_path, size) as pilot:
        await shows(pilot, "lines")
        for keys in ((), ("w",), ("g",), ("pagedown",), ("w",), ("right",), ("g",), ("t",), ("E",), ("y",), ("i",), ("escape",)):  # fmt: skip
            await pilot.press(*keys)
            await settled(pilot)
            only_text(text(pilot), size[0])
        await pilot.press("slash", *MARK, "enter", "M")
        await settled(pilot)
        only_text(text(pilot), size[0])
        await pilot.press("escape", "ctrl+s")
        await settled(pilot)
        assert "\x1b" not in pilot.app.clipboard
    for path in (tmp_path / "views").iterdir():
        assert "\x1b" not in path.read_text("utf-8")


async def test_a_flood_is_thinned_said_so_and_followed_to_its_last_line(tmp_path: Path) -> None:
    feed = MemoryFeed()
    log = feed.log("gpu-1", "run-selfplay-0")
    block = b"".join(
        b"INFO step %06d loss 0.123 and some more words of it\n" % n for n in range(4000)
    )
    async with opened(ONE, feed, tmp_path) as pilot:
        for _ in range(300):
            log.write(block, CLOCK)
            await pilot.pause(0.02)
            if "showing 1 in" in text(pilot):
                break
        await shows(pilot, "showing 1 in")
        await pilot.press("k")
        log.write(b"the very last line\n", CLOCK)
        await shows(pilot, lambda now: "showing 1 in" not in now and "below" in now)
        await pilot.press("G")
        await shows(pilot, "the very last line")
        book = pilot.app.pane.view.book  # type: ignore[attr-defined]
        notes = " ".join(line.text for line in book.lines if line.is_note)
        assert re.search(r"from here 1 in \d+ is shown", notes)
        assert re.search(r"[1-9][\d,]* above were left out", notes)
        assert len(book) <= 60_000


def test_nothing_of_a_hostile_log_reaches_the_terminal(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.ui_logs.program", str(tmp_path)]
    with Terminal(argv, 120, 40) as terminal:
        terminal.wait_for("lines", 20)
        terminal.wait_for("pwned", 20)
        for keys in ("w", "g", "\x1b[6~", "\x1b[6~", "w", "\x1b[C", "t", "v", "v", "v", "E", "E", "y", "i", "\x1b",
                     "/pwned\r", "n", "N", "M", "\x1b", "&bold\r", "\x1b", "\x13", "G", "f"):  # fmt: skip
            terminal.send(keys)
            for _ in range(4):
                terminal.pump(0.05)
            assert terminal.poll() is None, terminal.text
        terminal.send("\x11")
        assert terminal.wait_for_exit() == 0
        written = terminal.raw.decode("utf-8", "surrogateescape")
    assert not strange(written)
