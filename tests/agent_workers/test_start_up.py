"""An agent's start pays for nothing about workers before somebody asks."""

from __future__ import annotations

from tests.agent.conftest import run_apart


def test_nothing_of_the_workers_is_loaded_before_a_console_asks() -> None:
    said = run_apart(
        "import workers.agent.main, workers.agent.server\n"
        "heavy = ('workers.supervisor', 'workers.agent.workers.room', 'subprocess', 'ctypes', 'asyncio')\n"
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    assert said.strip() == "[]"
