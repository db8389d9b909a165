"""The Logs screen as a person uses it: lines of several workers, followed, searched, filtered, jumped through."""

from __future__ import annotations

import stat
from pathlib import Path

from textual.pilot import Pilot

from console.errors import RequestLost
from console.fleet.events import ClockTicked
from console.operations.log_cache import LastSeen
from console.ui.modals.log_faults import LogFaults
from console.ui.modals.log_file import LogFile
from console.ui.modals.log_matches import LogMatchList
from console.ui.modals.log_sources import LogSources
from tests.ui.fleets import CLOCK
from tests.ui.screens import settled, shows, text
from tests.ui_logs.feeds import MemoryFeed
from tests.ui_logs.worlds import LogConsole, opened, store_with, training
from workers.protocol import LogChunk, LogPosition, OpenTail, TailNote

ONE = (("gpu-1", "selfplay-0"),)
TWO = (("gpu-1", "selfplay-0"), ("gpu-2", "selfplay-1"))


def written(feed: MemoryFeed, node: str, name: str, first: int, count: int) -> None:
    log = feed.log(node, f"run-{name}")
    for number in range(first, first + count):
        log.write(b"line %06d of %s\n" % (number, name.encode()), CLOCK - 1000 + number)


def app_of(pilot: Pilot[int]) -> LogConsole:
    assert isinstance(pilot.app, LogConsole)
    return pilot.app


async def test_two_workers_are_merged_by_time_and_followed(tmp_path: Path) -> None:
    feed = MemoryFeed()
    one, two = feed.log("gpu-1", "run-selfplay-0"), feed.log("gpu-2", "run-selfplay-1")
    one.write(b"first\n", CLOCK - 9)
    two.write(b"second\n", CLOCK - 8)
    one.write(b"third\n", CLOCK - 7)
    async with opened(TWO, feed, tmp_path) as pilot:
        seen = await shows(pilot, "third")
        assert seen.index("first") < seen.index("second") < seen.index("third")
        assert "selfplay-0@gpu-1" in seen
        assert "selfplay-1@gpu-2" in seen
        two.write(b"fourth\n", CLOCK)
        await shows(pilot, "fourth")
        assert "following" in text(pilot)


async def test_going_up_ends_following_and_what_is_read_stays_where_it_is(tmp_path: Path) -> None:
    feed = MemoryFeed()
    written(feed, *ONE[0], 0, 300)
    async with opened(ONE, feed, tmp_path) as pilot:
        await shows(pilot, "line 000299")
        await pilot.press("pageup", "pageup")
        await settled(pilot)
        before = text(pilot).splitlines()[3:-2]
        written(feed, *ONE[0], 300, 500)
        await shows(pilot, "800 lines")
        after = text(pilot).splitlines()[3:-2]
        assert [row[:60] for row in after] == [row[:60] for row in before]
        await pilot.press("G")
        await shows(pilot, "line 000799")
        await pilot.press("f")
        written(feed, *ONE[0], 800, 100)
        await shows(pilot, "900 lines")
        assert "line 000899" not in text(pilot)
        await pilot.press("f")
        await shows(pilot, "line 000899")


async def test_search_marks_jumps_and_asks_the_node_for_the_whole_log(tmp_path: Path) -> None:
    feed = MemoryFeed()
    log = feed.log("gpu-1", "run-selfplay-0")
    log.write(b"needle at the very beginning\n", CLOCK - 5000)
    log.write(b"hay\n" * 200_000, CLOCK - 4000)
    log.write(b"a NEEDLE near the end\nlast line\n", CLOCK)
    async with opened(ONE, feed, tmp_path) as pilot:
        await shows(pilot, "last line")
        await pilot.press("slash", *"needle")
        await shows(pilot, "1 matches")
        await pilot.press("enter")
        await shows(pilot, "2 matches")
        assert app_of(pilot).pane.view.current.text == "a NEEDLE near the end"  # type: ignore[union-attr]
        await pilot.press("N")
        await shows(pilot, "not live: f goes back")
        await shows(pilot, "needle at the very beginning")
        await pilot.press("M")
        await shows(pilot, "Matches of needle")
        assert isinstance(pilot.app.screen, LogMatchList)
        await pilot.press("escape", "f")
        await shows(pilot, "last line")


async def test_a_search_that_is_no_expression_is_refused_in_words(tmp_path: Path) -> None:
    feed = MemoryFeed()
    training(feed, *ONE[0])
    async with opened(ONE, feed, tmp_path) as pilot:
        await shows(pilot, "step 59")
        await pilot.press("slash", "left_parenthesis")
        await shows(pilot, "not a regular expression")
        await pilot.press("escape")
        await shows(pilot, lambda now: "not a regular" not in now)


async def test_only_the_lines_that_match_and_all_of_them_again(tmp_path: Path) -> None:
    feed = MemoryFeed()
    training(feed, *ONE[0])
    async with opened(ONE, feed, tmp_path) as pilot:
        await shows(pilot, "step 59")
        await pilot.press("ampersand", *"warning", "enter")
        seen = await shows(pilot, lambda now: "step 59" not in now)
        assert seen.count("UserWarning") == 3
        await pilot.press("escape")
        await shows(pilot, "step 59")


async def test_e_and_E_go_from_fault_to_fault_and_i_counts_them(tmp_path: Path) -> None:
    feed = MemoryFeed()
    training(feed, *ONE[0], lines=40)
    training(feed, *ONE[0], lines=40)
    async with opened(ONE, feed, tmp_path) as pilot:
        await shows(pilot, "traceback ×2")
        places = []
        for pressed in ("E", "E", "e"):
            await pilot.press(pressed)
            current = app_of(pilot).pane.view.current
            assert current is not None
            assert current.kind == "traceback"
            places.append(current.offset)
        assert places[0] == places[2] > places[1]
        await pilot.press("i")
        seen = await shows(pilot, "in the whole logs")
        assert isinstance(pilot.app.screen, LogFaults)
        assert "ValueError: bad shard (train.py:31)" in seen
        await pilot.press("enter")
        await settled(pilot)
        assert app_of(pilot).pane.view.current.offset == places[0]  # type: ignore[union-attr]


async def test_a_progress_bar_is_one_line_that_changes_in_place(tmp_path: Path) -> None:
    feed = MemoryFeed()
    log = feed.log("gpu-1", "run-selfplay-0")
    log.write(b"\r 10%|#  ", CLOCK)
    async with opened(ONE, feed, tmp_path) as pilot:
        await shows(pilot, "10%|#")
        log.write(b"\r 20%|## ", CLOCK)
        seen = await shows(pilot, "20%|##")
        assert "10%" not in seen
        log.write(b"\r100%|####\ndone\n", CLOCK)
        seen = await shows(pilot, "done")
        assert "20%" not in seen
        assert "100%|####" in seen


async def test_what_happened_to_the_log_is_said_between_its_lines(tmp_path: Path) -> None:
    feed = MemoryFeed()
    log = feed.log("gpu-1", "run-selfplay-0")
    async with opened(ONE, feed, tmp_path) as pilot:
        log.write(b"one\n", CLOCK)
        log.note("resumed", "the link is back: the log goes on at byte 4, nothing was lost")
        log.note("gap", "4,096 bytes were dropped to keep the disk free")
        log.write(b"two\n", CLOCK)
        log.end()
        seen = await shows(pilot, "the run is over")
        assert seen.index("one") < seen.index("nothing was lost") < seen.index("4,096 bytes")
        assert seen.index("4,096 bytes") < seen.index("two")


async def test_the_last_lines_of_a_node_that_is_gone_are_shown_with_their_age(
    tmp_path: Path,
) -> None:
    feed = MemoryFeed()
    kept = (LogChunk(1, 0, 0, CLOCK - 800, b"its last words\n"), TailNote("gap", "", 1))
    feed.kept[("gone", "run-train")] = LastSeen(kept, CLOCK - 720)
    feed.log("gone", "run-train")
    async with opened((("gone", "train"),), feed, tmp_path) as pilot:
        store = pilot.app.runtime.store  # type: ignore[attr-defined]
        for second in range(101, 130):
            store.apply(ClockTicked(float(second), CLOCK))
        assert store.nodes["gone"].state == "down"
        await app_of(pilot).pane.follow(app_of(pilot).pane.following.sources)  # type: ignore[union-attr]
        await shows(pilot, "its last words")
        await shows(pilot, "as last seen 12 min ago")
        asked = feed.asked[-1]
        assert isinstance(asked, OpenTail)
        assert asked.positions == (LogPosition(1, 0, len(b"its last words\n")),)


async def test_a_tail_that_fails_says_why_and_the_others_go_on(tmp_path: Path) -> None:
    feed = MemoryFeed()
    feed.failing["gpu-1"] = RequestLost("the link to gpu-1 was lost")
    feed.log("gpu-2", "run-selfplay-1").write(b"alive\n", CLOCK)
    async with opened(TWO, feed, tmp_path) as pilot:
        await shows(pilot, "the link to gpu-1 was lost")
        await shows(pilot, "alive")
        await shows(pilot, "1 cannot be read")


async def test_out_err_and_both(tmp_path: Path) -> None:
    feed = MemoryFeed()
    log = feed.log("gpu-1", "run-selfplay-0")
    log.write(b"to out\n", CLOCK)
    log.write(b"to err\n", CLOCK, which=1)
    async with opened(ONE, feed, tmp_path) as pilot:
        await shows(pilot, "to err")
        await pilot.press("v")
        await shows(pilot, lambda now: "to out" in now and "to err" not in now)
        await pilot.press("v")
        await shows(pilot, lambda now: "to out" not in now and "to err" in now)
        await pilot.press("v")
        await shows(pilot, lambda now: "to out" in now and "to err" in now)


async def test_a_file_of_a_node_is_followed_by_its_path(tmp_path: Path) -> None:
    feed = MemoryFeed()
    feed.log("gpu-1", "/var/log/syslog").write(b"kernel: hello\n", CLOCK)
    training(feed, *ONE[0])
    async with opened(ONE, feed, tmp_path) as pilot:
        await pilot.press("o")
        await settled(pilot)
        assert isinstance(pilot.app.screen, LogFile)
        await pilot.press("enter")
        await shows(pilot, "a node, a colon and a path")
        await pilot.press(*"/var/log/syslog", "enter")
        await shows(pilot, "kernel: hello")
        assert "gpu-1:/var/log/syslog" in text(pilot)


async def test_the_digit_asks_whose_logs_and_merges_the_marked(tmp_path: Path) -> None:
    feed = MemoryFeed()
    for node, name in TWO:
        training(feed, node, name)
    app = LogConsole(TWO, feed, tmp_path)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("5")
        await shows(pilot, "Follow the logs of")
        assert isinstance(pilot.app.screen, LogSources)
        await pilot.press("asterisk", "enter")
        await shows(pilot, "2 logs on 2 nodes")
        await shows(pilot, "step 59")
        await pilot.press("1", "5")
        await shows(pilot, "2 logs on 2 nodes")
        assert not app.failures
    assert feed.open == 0


async def test_the_tab_of_a_node_follows_all_its_workers_while_it_is_in_front(
    tmp_path: Path,
) -> None:
    feed = MemoryFeed()
    workers = (("gpu-1", "a"), ("gpu-1", "b"), ("gpu-2", "c"))
    for node, name in workers:
        feed.log(node, f"run-{name}").write(f"I am {name}\n".encode(), CLOCK)
    app = LogConsole(workers, feed, tmp_path)
    app.runtime.configure = lambda node, interest: None  # type: ignore[method-assign]
    async with app.run_test(size=(120, 30)) as pilot:
        app.open_node("gpu-1")
        await settled(pilot)
        await pilot.press("left_square_bracket")
        seen = await shows(pilot, lambda now: "I am a" in now and "I am b" in now)
        assert "I am c" not in seen
        await pilot.press("slash", *"am b", "enter")
        await shows(pilot, "matches")
        await pilot.press("escape", "right_square_bracket")
        await pilot.pause(0.2)
        assert feed.open == 0
        assert not app.failures


async def test_the_whole_log_is_copied_byte_for_byte_for_its_owner_alone(tmp_path: Path) -> None:
    feed = MemoryFeed()
    data = b"\x1b[31mred\xff\x00\r\n" * 5000
    feed.log("gpu-1", "run-selfplay-0").write(data, CLOCK)
    async with opened(ONE, feed, tmp_path) as pilot:
        await pilot.press("W")
        await shows(pilot, "selfplay-0@gpu-1: ")
        (path,) = (tmp_path / "views").glob("log-*.out")
        assert path.read_bytes() == data
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_copy_takes_the_line_under_the_cursor_as_plain_text(tmp_path: Path) -> None:
    feed = MemoryFeed()
    training(feed, *ONE[0])
    async with opened(ONE, feed, tmp_path) as pilot:
        await shows(pilot, "step 59")
        await pilot.press("E", "y")
        assert pilot.app.clipboard == "Traceback (most recent call last):"


async def test_pause_holds_the_picture_while_the_log_goes_on(tmp_path: Path) -> None:
    feed = MemoryFeed()
    written(feed, *ONE[0], 0, 5)
    async with opened(ONE, feed, tmp_path) as pilot:
        await shows(pilot, "line 000004")
        await pilot.press("p")
        written(feed, *ONE[0], 5, 5)
        await pilot.pause(0.4)
        assert "line 000009" not in text(pilot)
        await pilot.press("p")
        await shows(pilot, "line 000009")


async def test_what_is_above_the_lines_here_is_read_from_the_node(tmp_path: Path) -> None:
    feed = MemoryFeed()
    written(feed, *ONE[0], 0, 40_000)
    async with opened(ONE, feed, tmp_path) as pilot:
        await shows(pilot, "line 039999")
        assert len(app_of(pilot).pane.view.book) < 20_000, (
            "it opens at its end, not at its beginning"
        )
        await pilot.press("g", "g")
        await shows(pilot, "not live: f goes back")
        assert app_of(pilot).pane.view.current.offset < 40_000 * 30 - 256 * 1024  # type: ignore[union-attr]
        await pilot.press("escape")
        await shows(pilot, "line 039999")


def test_a_source_has_the_name_of_its_worker() -> None:
    from console.ui.screens.logs import sources_of

    (source,) = sources_of(store_with(ONE), [("gpu-1", "run-selfplay-0")])
    assert source.tag == "selfplay-0@gpu-1"
