"""The Data and Alerts screens on the demo fleet."""

from __future__ import annotations

from tests.ui_details.consoles import DemoConsole, screen_text, settled, table, until


async def test_totals_count_no_record_twice_and_say_what_they_do_not_know() -> None:
    app = DemoConsole()
    async with app.run_test(size=(160, 50)) as pilot:
        await settled(pilot)
        await pilot.press("4")
        await until(pilot, lambda: "hex8_2p" in screen_text(pilot), "the datasets")
        store = app.runtime.store
        held = sum(
            count.records
            for node in store.nodes.values()
            for count in (node.datasets.counts if node.datasets else ())
            if count.name == "hex8_2p"
        )
        repeated = 303 * 512  # the shards of which the workstation keeps a copy
        line = next(
            row for row in screen_text(pilot).splitlines() if row.lstrip(" ▌").startswith("hex8_2p")
        )
        assert f"{held - repeated:,}" in line
        assert f"{repeated:,} records lie on more than one node" in screen_text(pilot)
        assert "partial" in line
        await pilot.press("t")
        await until(pilot, lambda: len(table(pilot).keys) == 4, "the totals alone")
        await pilot.press("enter", "j", "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "NodeScreen", "the node of the row")


async def test_the_data_screen_filters_and_sorts() -> None:
    app = DemoConsole()
    async with app.run_test(size=(120, 50)) as pilot:
        await settled(pilot)
        await pilot.press("4")
        await until(pilot, lambda: table(pilot).keys, "the datasets")
        await pilot.press("slash", *"square8", "enter")
        await until(pilot, lambda: "hexagonal_4p" not in screen_text(pilot), "the filter")
        table(pilot).focus()
        await pilot.press("greater_than_sign", "greater_than_sign")
        await pilot.pause()
        assert table(pilot).keys[:2] == ("square8_2p", "square8_2p/nas")


async def test_an_acknowledged_alert_sinks_and_says_so() -> None:
    app = DemoConsole()
    async with app.run_test(size=(140, 40)) as pilot:
        await settled(pilot)
        await pilot.press("7")
        await until(pilot, lambda: table(pilot).keys, "the alerts")
        worst = table(pilot).keys[0]
        assert worst == "gpu-3:worker_writer_blocked:selfplay"
        text = screen_text(pilot)
        assert "critical" in text
        assert "4 workers are blocked" in text
        assert {view.node for view in app.screen.selected_workers()} == {"gpu-3"}
        await pilot.press("a")
        await until(pilot, lambda: table(pilot).keys[0] != worst, "it to sink")
        assert "seen" in screen_text(pilot)
        alert = next(a for a in app.runtime.store.alerts if a.id == worst)
        assert alert.acknowledged
        await pilot.press("A")
        await until(pilot, lambda: "BEGAN" in screen_text(pilot), "the history")
        await pilot.press("escape", "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "NodeScreen", "the node")
