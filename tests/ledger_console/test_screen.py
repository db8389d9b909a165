"""The ledger on the screen: columns that stand still, and what is not known never looks like nothing."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui_details.consoles import DemoConsole, screen_text, settled, shown, table, until


async def compared(pilot: Pilot[Any]) -> None:
    """On the Data screen, after a look."""
    await settled(pilot)
    await pilot.press("4")
    ledger = pilot.app.runtime.ledger  # type: ignore[attr-defined]
    await until(pilot, lambda: not ledger.due and not ledger.busy, "the ledger")
    await shown(pilot)


def line_of(pilot: Pilot[Any], *wanted: str) -> str:
    lines = screen_text(pilot).splitlines()
    return next(line for line in lines if all(word in line for word in wanted))


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_no_column_moves_when_the_ledger_comes(width: int) -> None:
    app = DemoConsole(8)
    async with app.run_test(size=(width, 40)) as pilot:
        await settled(pilot)
        held = app.runtime.ledger.refresh

        async def later() -> None:
            """The first look takes its time."""

        app.runtime.ledger.refresh = later  # type: ignore[method-assign]
        await pilot.press("4")
        await until(pilot, lambda: table(pilot).keys, "the datasets")
        header, before = line_of(pilot, "DATASET"), line_of(pilot, "gpu-1", "143,1")
        assert "–" in before[header.index("UNSYNCED") :][:9]
        app.runtime.ledger.refresh = held  # type: ignore[method-assign]
        await held()
        await until(pilot, lambda: "304 KB" in screen_text(pilot), "the ledger's figures")
        assert line_of(pilot, "DATASET") == header
        after = line_of(pilot, "gpu-1", "143,1")
        start = header.index("UNSYNCED")
        assert after[:start].rstrip() == before[:start].rstrip() or width == 200
        assert after[start : start + 8].strip() == "304 KB"
        if width == 200:
            assert all(word in after for word in ("220", "11 min", "40 min", "30 min"))


async def test_a_total_says_at_least_where_not_all_is_known_and_the_sheet_says_why() -> None:
    app = DemoConsole()
    async with app.run_test(size=(160, 50)) as pilot:
        await compared(pilot)
        assert ">" in line_of(pilot, "hex8_2p", "9 nodes")
        assert "1,794,198 records are aggregated" in screen_text(pilot)
        table(pilot).select("hex8_2p/gpu-3")
        await pilot.pause()
        text = screen_text(pilot)
        assert "At least 2,888 records, 4.0 MB not synced" in text
        table(pilot).select("hex8_2p/nas")
        await pilot.pause()
        assert "No job brings it from here" in screen_text(pilot)
        table(pilot).select("hexagonal_4p/vast-3")
        await pilot.pause()
        assert "What is synced is unknown" in screen_text(pilot)


async def test_a_key_looks_again_and_the_summary_counts_what_jobs_have_to_bring() -> None:
    app = DemoConsole(8)
    async with app.run_test(size=(200, 40)) as pilot:
        await compared(pilot)
        book = app.runtime.store.ledger
        wanted = sum(book.unsynced_bytes(name) or 0 for name in app.runtime.store.nodes)
        await until(pilot, lambda: "unsynced" in screen_text(pilot), "the summary")
        assert app.runtime.store.summary().unsynced_bytes == wanted
        before = book.version
        await pilot.press("ctrl+r")
        await until(pilot, lambda: book.version > before, "another look")


async def test_unsynced_rows_sort_by_what_waits() -> None:
    app = DemoConsole()
    async with app.run_test(size=(200, 50)) as pilot:
        await compared(pilot)
        for _ in range(9):
            await pilot.press("greater_than_sign")
        await pilot.pause()
        assert table(pilot).sort_column == "left"
        keys = table(pilot).keys
        place = keys.index("hex8_2p")
        assert keys[place + 1] == "hex8_2p/lambda-2"
