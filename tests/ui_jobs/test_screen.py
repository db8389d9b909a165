"""The Jobs screen: what it lists, what it says of the one under the cursor, and what its keys do."""

from __future__ import annotations

import pytest

from tests.ui_details.consoles import screen_text, until
from tests.ui_jobs.screens import demo, on_jobs, says, states, toasts
from tests.ui_workers.worlds import on_workers


async def test_every_job_is_in_its_section_and_none_is_a_worker() -> None:
    async with demo() as pilot:
        screen = await on_jobs(pilot)
        text = await says(pilot, "1 running, 1 queued, 4 scheduled", "7/13", "waits for data-nas")
        assert [text.index(word) for word in ("▾ running", "▾ queued", "▾ scheduled", "▾ history")] == sorted(
            text.index(word) for word in ("▾ running", "▾ queued", "▾ scheduled", "▾ history")
        )  # fmt: skip
        assert screen.current is not None
        assert (screen.current.name, screen.current.state) == ("sync", "running")
        assert "jobs 1 ▓▓░░░" in text.splitlines()[0]
        listed = await on_workers(pilot)
        await until(pilot, lambda: listed.table.keys, "the workers")
        assert "sync" not in {view.name for view in listed._views.values()}
        pilot.app.open_node("home")  # type: ignore[attr-defined]
        await pilot.press(*["right_square_bracket"] * 4)
        text = await says(pilot, "gauntlet")
        assert "aggregate" not in text


async def test_the_nodes_of_the_job_under_the_cursor_stand_below() -> None:
    async with demo(size=(80, 24)) as pilot:
        await on_jobs(pilot)
        text = await says(pilot, "sync on home", "2 running, 4 waiting, 7 done", "lambda-2")
        assert "7 of 13 nodes" in text
        await pilot.press("j", "j")
        text = await says(pilot, "aggregate-all on home", "queued")
        assert "lambda-2" not in text
        await pilot.press("k")
        await says(pilot, "1 queued; Enter folds the section")
        await pilot.press("enter")
        text = await says(pilot, "→ queued")
        assert "aggregate-all" not in text


async def test_a_partial_run_names_its_nodes_with_their_whole_reasons() -> None:
    async with demo() as pilot:
        await on_jobs(pilot, "state:partial")
        await says(
            pilot, "11/13", "2 failed, 11 done", "rsync: connection reset after 3.1 GB; what arrived is kept",
            "203.0.113.77:22 refused the connection; try 3 of 3",
        )  # fmt: skip


async def test_enter_opens_the_sheet_with_plan_nodes_and_events_and_l_its_log() -> None:
    async with demo(size=(140, 70)) as pilot:
        await on_jobs(pilot)
        await pilot.press("enter")
        await says(
            pilot, "sync on home", "What happened", "ssh -o BatchMode=yes", "destination", "lambda-2",
            "python -m workers.jobs sync", "x cancel",
        )  # fmt: skip
        await pilot.press("r")
        await says(pilot, "it runs")
        await pilot.press("l")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "LogsScreen", "its log")
        await says(pilot, "shard-")


async def test_x_asks_before_it_cancels() -> None:
    async with demo() as pilot:
        await on_jobs(pilot)
        await pilot.press("x")
        await says(
            pilot, "Cancel sync on home", "What has arrived and was checked stays", "SIGTERM"
        )
        await pilot.press("escape")
        await pilot.pause()
        assert states(pilot, "sync")[0] == "running"
        await pilot.press("x", "enter")
        await until(pilot, lambda: states(pilot, "sync")[0] == "stopped", "the stop")
        await until(pilot, lambda: "sync is being cancelled" in toasts(pilot), "the word of it")
        await says(pilot, "cancelled")


async def test_r_plans_only_what_was_not_done() -> None:
    async with demo(24) as pilot:
        await on_jobs(pilot, "state:partial")
        await pilot.press("r")
        text = await says(pilot, "What is left of sync", "vast-2", "vast-5", "1 with a problem")
        dialog = "\n".join(line[20:] for line in text.splitlines()[8:24])
        assert "gpu-1 " not in dialog


async def test_keys_apply_only_where_they_mean_something() -> None:
    async with demo() as pilot:
        await on_jobs(pilot, "section:history state:done")
        footer = screen_text(pilot).splitlines()[-1]
        assert "x cancel" not in footer
        assert "r retry" not in footer
        await pilot.press("x", "r", "X", "R", "D")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 2
        await on_jobs(pilot)
        assert "x cancel" in screen_text(pilot).splitlines()[-1]


async def test_a_filter_takes_words_and_says_when_it_cannot_be_meant() -> None:
    async with demo() as pilot:
        screen = await on_jobs(pilot)
        await pilot.press("slash", *"kind:backup")
        text = await says(pilot, "1 scheduled", "/ kind:backup")
        assert "aggregate" not in text
        await pilot.press("escape", "slash", *"stat:x")
        await says(pilot, "did you mean state")
        await pilot.press("escape")
        await pilot.press("slash", *"nobody", "enter")
        await says(pilot, "no job matches")
        assert screen.current is None
        await pilot.press("x", "r", "enter")
        assert len(pilot.app.screen_stack) == 2


@pytest.mark.long
async def test_columns_sort_within_their_sections() -> None:
    async with demo() as pilot:
        screen = await on_jobs(pilot)
        await pilot.press("less_than_sign")
        before = list(screen._rows)
        await pilot.press("equals_sign")
        await pilot.pause()
        keys = list(screen.query_one("Table").keys)  # type: ignore[attr-defined]
        assert set(before) <= set(keys)
        assert [key for key in keys if key not in screen._rows] == ["running", "queued", "scheduled", "history"]  # fmt: skip


async def test_the_schedule_is_started_by_a_key_and_said_to_be_missing() -> None:
    async with demo() as pilot:
        await on_jobs(pilot)
        await says(pilot, "no schedule runs: nothing starts by itself")
        await pilot.press("t")
        await says(
            pilot,
            "Start the schedule",
            "python -m console.conduct schedule",
            "backup  cron 0 * * * *, in",
        )
        await pilot.press("enter")
        await until(pilot, lambda: "the schedule runs on home" in toasts(pilot), "the word of it")
        await until(pilot, lambda: "no schedule runs" not in screen_text(pilot), "it to be seen")
        await pilot.press("t")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 2


async def test_help_names_the_keys_of_jobs() -> None:
    async with demo(size=(120, 100)) as pilot:
        await on_jobs(pilot)
        await pilot.press("question_mark")
        await says(
            pilot, "Keys: Jobs", "cancel the job", "each shows its plan first",
            "running, queued, scheduled or history",
        )  # fmt: skip
        await pilot.press("escape")
        await on_jobs(pilot, "state:partial")
        await pilot.press("question_mark")
        text = await says(pilot, "Keys: Jobs", "on those nodes only")
        assert "cancel the job" not in text


async def test_read_only_shows_and_changes_nothing() -> None:
    async with demo(read_only=True) as pilot:
        await on_jobs(pilot)
        footer = screen_text(pilot).splitlines()[-1]
        assert "x cancel" not in footer
        await pilot.press("x", "r")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 2
        await pilot.press("enter")
        text = await says(pilot, "sync on home", "l logs")
        assert "x cancel" not in text
        await pilot.press("x", "r", "F", "escape")
        assert len(pilot.app.screen_stack) == 2
        await pilot.press("b", "s")
        text = await says(pilot, "Plan of sync", "never: delete anything")
        assert "Enter starts it" not in text
        await pilot.press("enter")
        await pilot.pause()
        assert states(pilot, "sync")[0] == "running"
        assert len(states(pilot, "sync")) == 3
